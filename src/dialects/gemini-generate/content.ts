import { badRequest } from "../../lib/errors.ts";
import type { JsonObject } from "../../lib/json-types.ts";
import type { Drops } from "../chat-hub/drops.ts";
import type { ChatPart, MediaSource } from "../chat-hub/parts.ts";
import { googleType, typeOfData, typeOfEnding } from "./media-type.ts";
import type { Edition, ModelTraits } from "./models.ts";

/** Whom a conversation is written for. */
export interface ContentTarget {
	readonly edition: Edition;
	readonly traits: ModelTraits;
	readonly drops: Drops;
}

type MediaPart = Extract<ChatPart, { readonly source: MediaSource }>;

/** What an address is taken for where nothing tells its kind. */
const KIND_TYPES = {
	image: "image/jpeg",
	audio: "audio/mp3",
	video: "video/mp4",
	file: "application/pdf",
} as const satisfies Record<MediaPart["kind"], string>;

/** Where the Files API of the Gemini API keeps what it calls `files/…`. */
const FILES = "https://generativelanguage.googleapis.com/v1beta/";
const YOUTUBE = /^https?:\/\/(?:www\.|m\.)?(?:youtube\.com|youtu\.be)\//i;

/**
 * One part of a message as Gemini takes it.
 * @throws GatewayError 400 naming the part, where Gemini has no place for it.
 */
export function writePart(part: ChatPart, target: ContentTarget): JsonObject {
	switch (part.kind) {
		case "text":
			return { text: part.text };
		case "other":
			throw unsupported(part.param, `Content of type '${part.type}' cannot be given to a Gemini model.`);
		default:
			return writeMedia(part, target);
	}
}

function writeMedia(part: MediaPart, { edition, drops }: ContentTarget): JsonObject {
	if (part.kind === "image" && part.detail !== undefined && part.detail !== "auto") {
		drops.add("messages[].content[].image_url.detail");
	}
	const filename = part.kind === "file" ? part.filename : undefined;
	if (filename !== undefined) {
		drops.add("messages[].content[].file.filename");
	}
	const { source } = part;
	switch (source.kind) {
		case "data":
			return { inlineData: { mimeType: typeOfMedia(part, source, filename), data: source.base64 } };
		case "url":
			return { fileData: writeAddress(source.url, part, edition) };
		case "id": {
			const isOfFilesApi = edition === "gemini-api" && source.id.startsWith("files/");
			const address = isOfFilesApi ? `${FILES}${source.id}` : source.id;
			return { fileData: { fileUri: address, ...keptType(typeOfEnding(filename), part, edition) } };
		}
	}
}

function typeOfMedia(
	part: MediaPart,
	source: Extract<MediaSource, { kind: "data" }>,
	filename: string | undefined,
): string {
	const stated = source.mediaType === "application/octet-stream" ? undefined : source.mediaType;
	const type = stated ?? typeOfEnding(filename) ?? typeOfData(source.base64);
	if (type !== undefined) {
		return googleType(type);
	}
	if (part.kind === "file") {
		throw unsupported(
			part.param,
			"Send the file as a data URL (`data:application/pdf;base64,…`) or with a filename: its kind is unknown.",
		);
	}
	return KIND_TYPES[part.kind];
}

/**
 * A public address, which both editions fetch themselves: https://ai.google.dev/gemini-api/docs/file-input-methods,
 * https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference#filedata
 */
function writeAddress(url: string, part: MediaPart, edition: Edition): JsonObject {
	if (YOUTUBE.test(url)) {
		return { fileUri: url, ...(edition === "vertex" ? { mimeType: "video/mp4" } : {}) };
	}
	if (url.startsWith(`${FILES}files/`)) {
		return { fileUri: url, ...keptType(typeOfEnding(url), part, edition) };
	}
	return { fileUri: url, mimeType: typeOfEnding(url) ?? KIND_TYPES[part.kind] };
}

/** The Files API knows the kind of what it keeps; Vertex always wants to be told. */
function keptType(known: string | undefined, part: MediaPart, edition: Edition): JsonObject {
	const type = known ?? (edition === "vertex" ? KIND_TYPES[part.kind] : undefined);
	return type === undefined ? {} : { mimeType: type };
}

export function unsupported(param: string, message: string) {
	return badRequest(message, param, "unsupported_content");
}

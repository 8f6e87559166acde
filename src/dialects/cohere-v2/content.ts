import { badRequest, type GatewayError } from "../../lib/errors.ts";
import { decodeUtf8 } from "../../lib/json.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import type { Drops } from "../chat-hub/drops.ts";
import type { ChatPart } from "../chat-hub/parts.ts";

type FilePart = Extract<ChatPart, { kind: "file" }>;
type ImagePart = Extract<ChatPart, { kind: "image" }>;
type OtherPart = Extract<ChatPart, { kind: "other" }>;

/** Content of a system message or an assistant's: text only. */
export function textContent(parts: readonly ChatPart[], drops: Drops): JsonValue {
	return plainest(parts.map((part) => textBlock(part, drops)));
}

/** Content of a user's message. Its documents go beside the conversation, into the request's own list. */
export function userContent(parts: readonly ChatPart[], documents: JsonObject[], drops: Drops): JsonValue {
	const blocks: JsonObject[] = [];
	for (const part of parts) {
		if (part.kind === "image") {
			nameCacheMark(part, drops);
			blocks.push(imageBlock(part));
		} else if (part.kind === "file" || part.kind === "other") {
			nameCacheMark(part, drops);
			documents.push(documentOf(part));
		} else {
			blocks.push(textBlock(part, drops));
		}
	}
	return plainest(blocks);
}

/** Content of a tool's result: text, and documents where they stand. */
export function resultContent(parts: readonly ChatPart[], drops: Drops): JsonValue {
	return plainest(
		parts.map((part) => {
			if (part.kind !== "file" && part.kind !== "other") {
				return textBlock(part, drops);
			}
			nameCacheMark(part, drops);
			return { type: "document", document: documentOf(part) };
		}),
	);
}

/** One text is a string, as most requests have it. */
function plainest(blocks: readonly JsonObject[]): JsonValue {
	const [first] = blocks;
	if (first === undefined) {
		return "";
	}
	return blocks.length === 1 && typeof first.text === "string" ? first.text : [...blocks];
}

function textBlock(part: ChatPart, drops: Drops): JsonObject {
	if (part.kind !== "text") {
		throw unsupported(part, part.kind === "other" ? `parts of type '${part.type}'` : `${part.kind} input here`);
	}
	nameCacheMark(part, drops);
	return { type: "text", text: part.text };
}

/** @see https://docs.cohere.com/docs/image-inputs */
function imageBlock(part: ImagePart): JsonObject {
	const { source, detail } = part;
	if (source.kind === "id") {
		throw unsupported(part, "files kept elsewhere: send the image itself or its address");
	}
	const url = source.kind === "url" ? source.url : `data:${source.mediaType ?? "image/jpeg"};base64,${source.base64}`;
	return { type: "image_url", image_url: detail === undefined ? { url } : { url, detail } };
}

/** `{data: {…}}`: a document is a set of named texts. @see https://docs.cohere.com/docs/retrieval-augmented-generation-rag */
function documentOf(part: FilePart | OtherPart): JsonObject {
	if (part.kind === "file") {
		const title = part.filename === undefined ? {} : { title: part.filename };
		return { data: { ...title, text: textOfFile(part) } };
	}
	const { document, source, title } = part.raw;
	if (part.type === "document" && isJsonObject(document)) {
		// Cohere's own block.
		return document;
	}
	if (part.type === "document" && isJsonObject(source) && source.type === "text" && typeof source.data === "string") {
		return { data: { ...(typeof title === "string" ? { title } : {}), text: source.data } };
	}
	throw unsupported(part, `parts of type '${part.type}'`);
}

const TEXT_TYPE = /^(?:text\/.+|application\/(?:json|xml|yaml|x-yaml|.+\+(?:json|xml)))$/i;

function textOfFile(part: FilePart): string {
	const { source } = part;
	if (source.kind !== "data") {
		throw unsupported(part, "files by address or id: send the text of the file");
	}
	const text = TEXT_TYPE.test(source.mediaType ?? "") ? decodeUtf8(Buffer.from(source.base64, "base64")) : undefined;
	if (text === undefined) {
		throw unsupported(part, `files of type '${source.mediaType ?? "unknown"}': send the text of the file`);
	}
	return text;
}

/** Cohere keeps no cache that a client could steer. */
function nameCacheMark(part: ChatPart, drops: Drops): void {
	if (part.cache !== undefined) {
		drops.add("messages[].content[].cache_control");
	}
}

function unsupported({ param }: ChatPart, what: string): GatewayError {
	return badRequest(`The field '${param}' cannot be sent: Cohere takes no ${what}.`, param, "unsupported_content");
}

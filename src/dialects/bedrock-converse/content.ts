import { badRequest } from "../../lib/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import type { Drops } from "../chat-hub/drops.ts";
import type { ChatPart, MediaSource } from "../chat-hub/parts.ts";
import { kindOfFile, type MediaKind, mediaBlock } from "./media.ts";

/** What the parts of one request share. */
export interface ContentContext {
	readonly drops: Drops;
	/** A name for a document, allowed and unlike all others of the request. */
	documentName(wished: string | undefined): string;
}

/** Of 200, less room for a number. */
const NAME_LENGTH_MAX = 190;

/**
 * Names of documents: letters, digits, single spaces, hyphens, parentheses, square brackets; each once a request.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_DocumentBlock.html
 */
export function createDocumentNames(): ContentContext["documentName"] {
	const taken = new Set<string>();
	return (wished) => {
		const base =
			(wished ?? "")
				.replace(/\.[A-Za-z0-9]{1,10}$/, "")
				.replaceAll(/[^A-Za-z0-9\s()[\]-]/g, " ")
				.replaceAll(/\s+/g, " ")
				.trim()
				.slice(0, NAME_LENGTH_MAX)
				.trim() || "Document";
		let name = base;
		for (let number = 2; taken.has(name); number += 1) {
			name = `${base} (${number})`;
		}
		taken.add(name);
		return name;
	};
}

/** One part as a block of Converse; none for a text without a word in it, which Bedrock refuses. */
export function contentBlock(part: ChatPart, context: ContentContext): JsonObject | undefined {
	switch (part.kind) {
		case "text":
			return part.text.trim() === "" ? undefined : { text: part.text };
		case "image":
			if (part.detail !== undefined && part.detail !== "auto") {
				context.drops.add("messages[].content[].image_url.detail");
			}
			return { image: mediaBlock("image", part.source, part.param) };
		case "audio":
			return { audio: mediaBlock("audio", part.source, part.param, nameOfFormat(part.format)) };
		case "video":
			return { video: mediaBlock("video", part.source, part.param) };
		case "file":
			return fileBlock(part.source, part.filename, part.param, context);
		case "other":
			return vendorBlock(part, context);
	}
}

function nameOfFormat(format: string | undefined): string | undefined {
	return format === undefined ? undefined : `sound.${format}`;
}

function fileBlock(
	source: MediaSource,
	filename: string | undefined,
	param: string,
	context: ContentContext,
): JsonObject {
	const kind: MediaKind = kindOfFile(source, filename);
	const block = mediaBlock(kind, source, param, filename);
	return kind === "document"
		? { document: { format: block.format, name: context.documentName(filename), source: block.source } }
		: { [kind]: block };
}

/**
 * Parts of other vendors: Bedrock's own blocks under their own type (`{"type": "guardContent", "guardContent": {…}}`),
 * LiteLLM's `guarded_text`, and Anthropic's image, document and search result.
 */
function vendorBlock(part: Extract<ChatPart, { kind: "other" }>, context: ContentContext): JsonObject {
	const { type, raw, param } = part;
	const own = OWN_BLOCKS.has(type) ? raw[type] : undefined;
	if (isJsonObject(own)) {
		if (isJsonObject(own.source) && own.source.s3Location !== undefined) {
			throw badRequest(
				`The part '${param}' must hold its data: send it as base64 in 'bytes'.`,
				param,
				"unsupported_content",
			);
		}
		return { [type]: own };
	}
	const block = anthropicBlock(part, context);
	if (block !== undefined) {
		return block;
	}
	if (type === "guarded_text" && typeof raw.text === "string" && raw.text.trim() !== "") {
		return { guardContent: { text: { text: raw.text } } };
	}
	throw badRequest(
		`Bedrock has no place for the part of type '${type}' in '${param}': send it as text, or leave it out.`,
		param,
		"unsupported_content",
	);
}

const OWN_BLOCKS: ReadonlySet<string> = new Set([
	"guardContent",
	"searchResult",
	"document",
	"image",
	"video",
	"audio",
]);

function anthropicBlock(
	{ type, raw, param }: Extract<ChatPart, { kind: "other" }>,
	context: ContentContext,
): JsonObject | undefined {
	if (type === "search_result" && Array.isArray(raw.content)) {
		const content = raw.content.flatMap((entry) =>
			isJsonObject(entry) && typeof entry.text === "string" ? [{ text: entry.text }] : [],
		);
		return { searchResult: { source: raw.source, title: raw.title, content, ...citations(raw) } };
	}
	if ((type !== "document" && type !== "image") || !isJsonObject(raw.source)) {
		return undefined;
	}
	const source = anthropicSource(raw.source, param);
	if (type === "image") {
		return { image: mediaBlock("image", source, param) };
	}
	const title = typeof raw.title === "string" ? raw.title : undefined;
	const block = mediaBlock("document", source, param);
	const spoken = typeof raw.context === "string" && raw.context !== "" ? { context: raw.context } : {};
	const name = context.documentName(title);
	return { document: { format: block.format, name, source: block.source, ...spoken, ...citations(raw) } };
}

function citations(raw: JsonObject): JsonObject {
	return isJsonObject(raw.citations) && raw.citations.enabled === true ? { citations: { enabled: true } } : {};
}

/** `{type: "base64", media_type, data}`, `{type: "text", data}`, `{type: "url", url}`. */
function anthropicSource(source: JsonObject, param: string): MediaSource {
	const text = (value: JsonValue | undefined): string => (typeof value === "string" ? value : "");
	switch (source.type) {
		case "base64":
			return { kind: "data", mediaType: text(source.media_type), base64: text(source.data) };
		case "text":
			return { kind: "data", mediaType: "text/plain", base64: Buffer.from(text(source.data)).toString("base64") };
		case "url":
			return { kind: "url", url: text(source.url) };
		default:
			throw badRequest(`The source of '${param}' must be of type 'base64', 'text' or 'url'.`, param);
	}
}

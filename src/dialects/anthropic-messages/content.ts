import { badRequest, type GatewayError } from "../../lib/errors.ts";
import type { JsonObject } from "../../lib/json-types.ts";
import type { Drops } from "../chat-hub/drops.ts";
import type { CacheMark, ChatPart, MediaSource } from "../chat-hub/parts.ts";
import type { Platform } from "./platform.ts";

type FilePart = Extract<ChatPart, { kind: "file" }>;
type ImagePart = Extract<ChatPart, { kind: "image" }>;
type DataSource = Extract<MediaSource, { kind: "data" }>;

/** What content blocks need to know of the request they are part of. */
export interface ContentContext {
	readonly platform: Platform;
	readonly drops: Drops;
	/** Values of the `anthropic-beta` header. */
	readonly betas: Set<string>;
}

/** Blocks of Anthropic's own that a chat request may hold as parts: sent on as they came. */
const OWN_BLOCKS: ReadonlySet<string> = new Set([
	"document",
	"image",
	"search_result",
	"container_upload",
	"tool_result",
	"tool_use",
]);

/** The only images Claude sees. https://platform.claude.com/docs/en/build-with-claude/vision */
const IMAGE_TYPES: ReadonlySet<string> = new Set(["image/jpeg", "image/png", "image/gif", "image/webp"]);

/** The first characters of base64, by which a file says what it is. A wrong media type is refused by Anthropic. */
const BEGINNINGS: readonly (readonly [RegExp, string])[] = [
	[/^\/9j\//, "image/jpeg"],
	[/^iVBORw0KGgo/, "image/png"],
	[/^R0lGOD/, "image/gif"],
	// "RIFF", a length, "WEBP": sound and video begin with the first two as well.
	[/^UklGR.{6}XRUJQ/, "image/webp"],
	[/^JVBERi0/, "application/pdf"],
];
const BEGINNING_LENGTH = 16;

/** Text in other clothes: sent as a document of plain text. */
const TEXT_TYPES: ReadonlySet<string> = new Set([
	"application/json",
	"application/xml",
	"application/yaml",
	"application/x-yaml",
	"application/javascript",
	"application/x-ndjson",
	"application/csv",
]);

/**
 * The parts of a system, user or tool turn as content blocks, in order. Texts without a letter are left out: Anthropic
 * refuses them ("text content blocks must contain non-whitespace text").
 * @throws GatewayError 400 for what Claude cannot be given: sound, video, unknown documents.
 */
export function userBlocks(parts: readonly ChatPart[], context: ContentContext): JsonObject[] {
	return blocksFrom(parts, (part) => blockOf(part, context), context);
}

/** Only text and tool calls can stand in an assistant's turn: what it once drew or said is left out by name. */
export function assistantBlocks(parts: readonly ChatPart[], context: ContentContext): JsonObject[] {
	const blockOfAssistant = (part: ChatPart) => {
		if (part.kind === "text") {
			return textBlock(part.text);
		}
		if (part.kind === "other" && part.type === "tool_use") {
			return { ...part.raw };
		}
		context.drops.add(`messages[].content[].${part.kind === "other" ? part.type : part.kind}`);
		return undefined;
	};
	return blocksFrom(parts, blockOfAssistant, context);
}

/** The mark of a part that is left out goes to the block before it: that is how far it reaches. */
function blocksFrom(
	parts: readonly ChatPart[],
	blockFor: (part: ChatPart) => JsonObject | undefined,
	{ drops }: ContentContext,
): JsonObject[] {
	const blocks: JsonObject[] = [];
	for (const part of parts) {
		const block = blockFor(part);
		if (block !== undefined) {
			blocks.push(marked(block, part.cache));
			continue;
		}
		const last = blocks.at(-1);
		if (last !== undefined) {
			marked(last, part.cache);
		} else if (part.cache !== undefined) {
			drops.add("messages[].content[].cache_control");
		}
	}
	return blocks;
}

export function textBlock(text: string): JsonObject | undefined {
	return text.trim() === "" ? undefined : { type: "text", text };
}

/** Sets a cache mark on a block, where there is one. Blocks are made here, so they may be written to. */
export function marked(block: JsonObject, mark: CacheMark | undefined): JsonObject {
	if (mark !== undefined) {
		// An hour needs no beta header any more: https://platform.claude.com/docs/en/build-with-claude/prompt-caching
		block.cache_control = mark.ttl === undefined ? { type: "ephemeral" } : { type: "ephemeral", ttl: mark.ttl };
	}
	return block;
}

function blockOf(part: ChatPart, context: ContentContext): JsonObject | undefined {
	switch (part.kind) {
		case "text":
			return textBlock(part.text);
		case "image":
			return imageBlock(part, context);
		case "file":
			return fileBlock(part, context);
		case "audio":
		case "video":
			throw unsupported(`Claude cannot be given ${part.kind === "audio" ? "sound" : "video"}.`, part);
		default:
			if (!OWN_BLOCKS.has(part.type)) {
				throw unsupported(`Claude knows no content of the type '${part.type}'.`, part);
			}
			return { ...part.raw };
	}
}

function imageBlock(part: ImagePart, context: ContentContext): JsonObject {
	if (part.detail !== undefined && part.detail !== "auto") {
		context.drops.add("messages[].content[].image_url.detail");
	}
	return { type: "image", source: imageSource(part.source, part, context) };
}

function imageSource(source: MediaSource, part: ChatPart, context: ContentContext): JsonObject {
	switch (source.kind) {
		case "url":
			if (!context.platform.imageAddresses) {
				throw unsupported(`${context.platform.name} fetches no images: send the data itself.`, part);
			}
			return { type: "url", url: source.url };
		case "id":
			return storedFile(source.id, part, context);
		default: {
			const mediaType = mediaTypeOf(source);
			if (mediaType === undefined || !IMAGE_TYPES.has(mediaType)) {
				throw unsupported("Claude sees images of the types JPEG, PNG, GIF and WebP.", part);
			}
			return { type: "base64", media_type: mediaType, data: source.base64 };
		}
	}
}

function fileBlock(part: FilePart, context: ContentContext): JsonObject {
	const { source, filename } = part;
	const title = filename === undefined ? {} : { title: filename };
	if (source.kind === "url") {
		return { type: "document", source: { type: "url", url: source.url }, ...title };
	}
	if (source.kind === "id") {
		return { type: "document", source: storedFile(source.id, part, context), ...title };
	}
	const mediaType = mediaTypeOf(source);
	if (mediaType !== undefined && IMAGE_TYPES.has(mediaType)) {
		return { type: "image", source: imageSource(source, part, context) };
	}
	if (mediaType === "application/pdf") {
		return { type: "document", source: { type: "base64", media_type: mediaType, data: source.base64 }, ...title };
	}
	if (mediaType?.startsWith("text/") || (mediaType !== undefined && TEXT_TYPES.has(mediaType))) {
		const data = Buffer.from(source.base64, "base64").toString("utf8");
		return { type: "document", source: { type: "text", media_type: "text/plain", data }, ...title };
	}
	const given = mediaType === undefined ? "" : `, not '${mediaType}'`;
	throw unsupported(`Claude reads PDF files, text files and images${given}.`, part);
}

/** @see https://platform.claude.com/docs/en/build-with-claude/files (the header is a beta's; later versions ignore it) */
function storedFile(id: string, part: ChatPart, { platform, betas }: ContentContext): JsonObject {
	if (!platform.files) {
		throw unsupported(`${platform.name} keeps no files: send the data itself.`, part);
	}
	betas.add("files-api-2025-04-14");
	return { type: "file", file_id: id };
}

/** What the bytes say wins over what the client says. */
function mediaTypeOf({ base64, mediaType }: DataSource): string | undefined {
	const found = BEGINNINGS.find(([beginning]) => beginning.test(base64.slice(0, BEGINNING_LENGTH)))?.[1];
	const said = mediaType?.toLowerCase();
	return found ?? (said === "image/jpg" ? "image/jpeg" : said);
}

function unsupported(message: string, part: ChatPart): GatewayError {
	return badRequest(`${message} The field '${part.param}' cannot be sent.`, part.param, "unsupported_content");
}

import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import type { Drops } from "../chat-hub/drops.ts";
import { type ChatPart, type MediaSource, readPart } from "../chat-hub/parts.ts";

/** Content parts whose OpenAI form Mistral does not read. All others travel as they came. */
const REWRITTEN: ReadonlySet<string> = new Set([
	"input_text",
	"output_text",
	"refusal",
	"input_image",
	"input_audio",
	"audio_url",
	"file",
	"input_file",
]);

/**
 * The content of a message: text as it is, a list part by part. Mistral has parts of its own for documents and takes
 * audio as bare base64. https://docs.mistral.ai/api/#tag/chat (ContentChunk)
 */
export function mistralContent(content: JsonValue | undefined, param: string, drops: Drops): JsonValue | undefined {
	return Array.isArray(content)
		? content.map((part, index) => (isJsonObject(part) ? mistralPart(part, `${param}[${index}]`, drops) : part))
		: content;
}

function mistralPart(part: JsonObject, param: string, drops: Drops): JsonObject {
	const { cache_control: mark, ...rest } = part;
	if (mark !== undefined && mark !== null) {
		drops.add("messages[].content[].cache_control");
	}
	// Mistral's own audio part is a text already, and its own file part has the id on itself.
	const isNative = typeof part.input_audio === "string" || (part.type === "file" && typeof part.file_id === "string");
	if (isNative || !REWRITTEN.has(String(part.type))) {
		return rest;
	}
	return rewritten(readPart(part, param)) ?? rest;
}

function rewritten(part: ChatPart): JsonObject | undefined {
	switch (part.kind) {
		case "text":
			return { type: "text", text: part.text };
		case "image":
			return {
				type: "image_url",
				image_url: {
					url: addressOf(part.source, "image/jpeg"),
					...(part.detail === undefined ? {} : { detail: part.detail }),
				},
			};
		case "audio":
			return {
				type: "input_audio",
				input_audio: part.source.kind === "data" ? part.source.base64 : idOrUrl(part.source),
			};
		case "file":
			return filePart(part.source, part.filename);
		default:
			return undefined;
	}
}

/** Documents are read from a URL, which may hold the data; files kept at Mistral by their id. */
function filePart(source: MediaSource, filename: string | undefined): JsonObject {
	if (source.kind === "id") {
		return { type: "file", file_id: source.id };
	}
	const address = addressOf(source, "application/pdf");
	if (source.kind === "data" && source.mediaType?.startsWith("image/")) {
		return { type: "image_url", image_url: address };
	}
	return {
		type: "document_url",
		document_url: address,
		...(filename === undefined ? {} : { document_name: filename }),
	};
}

function addressOf(source: MediaSource, mediaType: string): string {
	return source.kind === "data" ? `data:${source.mediaType ?? mediaType};base64,${source.base64}` : idOrUrl(source);
}

function idOrUrl(source: Exclude<MediaSource, { kind: "data" }>): string {
	return source.kind === "url" ? source.url : source.id;
}

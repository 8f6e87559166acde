import { badRequest } from "../../lib/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";

/** Where the bytes of an image, a sound or a document are. */
export type MediaSource =
	| { readonly kind: "data"; readonly mediaType: string | undefined; readonly base64: string }
	| { readonly kind: "url"; readonly url: string }
	/** A file kept at some provider. */
	| { readonly kind: "id"; readonly id: string };

/** A prompt-cache mark, as Anthropic writes it: `{"type": "ephemeral", "ttl": "5m" | "1h"}`. */
export interface CacheMark {
	readonly ttl: "5m" | "1h" | undefined;
}

interface PartFacts {
	/** `messages[2].content[0]`: for errors. */
	readonly param: string;
	readonly cache: CacheMark | undefined;
}

/** One part of a message's content, in whichever of the usual spellings it came. */
export type ChatPart = PartFacts &
	(
		| { readonly kind: "text"; readonly text: string }
		| { readonly kind: "image"; readonly source: MediaSource; readonly detail: string | undefined }
		| { readonly kind: "audio"; readonly source: MediaSource; readonly format: string | undefined }
		| { readonly kind: "video"; readonly source: MediaSource }
		| {
				readonly kind: "file";
				readonly source: MediaSource;
				readonly filename: string | undefined;
		  }
		/** A part of another vendor (a document with citations, a search result): `raw` as it came. */
		| { readonly kind: "other"; readonly type: string; readonly raw: JsonObject }
	);

/** Parts that are read elsewhere: an assistant's thinking goes with its reasoning details. */
const THINKING: ReadonlySet<string> = new Set(["thinking", "redacted_thinking", "reasoning"]);

/** The content of a message: a string is one text part, "" none at all. Thinking is left out. */
export function readParts(content: JsonValue | undefined, param: string): ChatPart[] {
	if (typeof content === "string") {
		return content === "" ? [] : [{ kind: "text", text: content, param, cache: undefined }];
	}
	if (!Array.isArray(content)) {
		return [];
	}
	const parts: ChatPart[] = [];
	for (const [index, part] of content.entries()) {
		if (isJsonObject(part) && !THINKING.has(String(part.type))) {
			parts.push(readPart(part, `${param}[${index}]`));
		}
	}
	return parts;
}

/** The text of parts, joined; other parts left out. */
export function textOf(parts: readonly ChatPart[], separator = ""): string {
	return parts.flatMap((part) => (part.kind === "text" ? [part.text] : [])).join(separator);
}

/** One part. @throws GatewayError 400 for media that are nowhere. */
export function readPart(part: JsonObject, param: string): ChatPart {
	const facts = { param, cache: cacheMark(part) };
	const type = String(part.type);
	switch (type) {
		case "text":
		case "input_text":
		case "output_text":
			return { ...facts, kind: "text", text: textField(part, "text") ?? "" };
		case "refusal":
			return { ...facts, kind: "text", text: textField(part, "refusal") ?? "" };
		case "image_url":
		case "input_image": {
			const { address, detail } = addressed(part.image_url, part);
			return { ...facts, kind: "image", source: sourceOf(address, part.file_id, param), detail };
		}
		case "input_audio": {
			const audio = isJsonObject(part.input_audio) ? part.input_audio : part;
			const format = textField(audio, "format");
			return {
				...facts,
				kind: "audio",
				source: dataSource(textField(audio, "data"), audioType(format), param),
				format,
			};
		}
		case "audio_url":
			return { ...facts, kind: "audio", source: urlSource(part.audio_url, param), format: undefined };
		case "video_url":
		case "input_video":
			return { ...facts, kind: "video", source: urlSource(part.video_url, param) };
		case "document_url":
			return { ...facts, kind: "file", source: urlSource(part.document_url, param), filename: undefined };
		case "file":
		case "input_file":
			return { ...facts, ...filePart(part, param) };
		default:
			return { ...facts, kind: "other", type, raw: part };
	}
}

/** `{"file": {file_data | file_url | file_id, filename}}`, and the same without the wrapper as Responses writes it. */
function filePart(part: JsonObject, param: string) {
	const file = isJsonObject(part.file) ? part.file : part;
	const filename = textField(file, "filename");
	const data = textField(file, "file_data");
	if (data !== undefined) {
		return { kind: "file", source: dataSource(data, typeOfName(filename), param), filename } as const;
	}
	const source = sourceOf(textField(file, "file_url"), file.file_id, param);
	return { kind: "file", source, filename } as const;
}

/** `image_url` is an object, or in some clients the address itself. */
function addressed(value: JsonValue | undefined, part: JsonObject): { address?: string; detail: string | undefined } {
	if (isJsonObject(value)) {
		return { ...defined("address", textField(value, "url")), detail: textField(value, "detail") };
	}
	return { ...(typeof value === "string" ? { address: value } : {}), detail: textField(part, "detail") };
}

function defined<Key extends string>(key: Key, value: string | undefined): { [name in Key]?: string } {
	// A computed key widens to string.
	return value === undefined ? {} : ({ [key]: value } as { [name in Key]: string });
}

function urlSource(value: JsonValue | undefined, param: string): MediaSource {
	return sourceOf(isJsonObject(value) ? textField(value, "url") : value, undefined, param);
}

function sourceOf(address: JsonValue | undefined, fileId: JsonValue | undefined, param: string): MediaSource {
	if (typeof address === "string" && address !== "") {
		return address.startsWith("data:") ? dataSource(address, undefined, param) : { kind: "url", url: address };
	}
	if (typeof fileId === "string" && fileId !== "") {
		return { kind: "id", id: fileId };
	}
	throw badRequest(`The field '${param}' holds neither data nor an address nor a file id.`, param);
}

const DATA_URL = /^data:([^;,]*)((?:;[^;,]*)*),/;

/** A data URL, or bare base64 whose kind is known otherwise. */
function dataSource(text: string | undefined, mediaType: string | undefined, param: string): MediaSource {
	if (text === undefined || text === "") {
		throw badRequest(`The field '${param}' holds no data.`, param);
	}
	// Only the head is matched: the rest may be megabytes.
	const head = DATA_URL.exec(text.slice(0, 1_024));
	if (head === null) {
		return { kind: "data", mediaType, base64: text };
	}
	const rest = text.slice(head[0].length);
	const isBase64 = /;\s*base64\s*$/i.test(head[2] ?? "");
	const base64 = isBase64 ? rest : Buffer.from(percentDecoded(rest, param), "utf8").toString("base64");
	return { kind: "data", mediaType: head[1] || mediaType || undefined, base64 };
}

function percentDecoded(text: string, param: string): string {
	try {
		return decodeURIComponent(text);
	} catch {
		throw badRequest(`The data URL in '${param}' is neither base64 nor percent-encoded.`, param);
	}
}

/** OpenAI's audio formats by their media type. */
function audioType(format: string | undefined): string | undefined {
	return format === undefined ? undefined : format === "mp3" ? "audio/mpeg" : `audio/${format}`;
}

const TYPES_BY_ENDING: ReadonlyMap<string, string> = new Map([
	["pdf", "application/pdf"],
	["txt", "text/plain"],
	["md", "text/markdown"],
	["csv", "text/csv"],
	["html", "text/html"],
	["json", "application/json"],
	["doc", "application/msword"],
	["docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"],
	["xls", "application/vnd.ms-excel"],
	["xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"],
]);

function typeOfName(filename: string | undefined): string | undefined {
	return TYPES_BY_ENDING.get(filename?.split(".").at(-1)?.toLowerCase() ?? "");
}

/** The mark on a part, a message or a tool; undefined where there is none. */
export function cacheMark(holder: JsonObject): CacheMark | undefined {
	const mark = holder.cache_control;
	if (!isJsonObject(mark)) {
		return undefined;
	}
	return { ttl: mark.ttl === "1h" || mark.ttl === "5m" ? mark.ttl : undefined };
}

function textField(holder: JsonObject, name: string): string | undefined {
	const value = holder[name];
	return typeof value === "string" ? value : undefined;
}

import { badRequest } from "../../lib/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import type { Drops } from "../chat-hub/drops.ts";

/** Marks for a provider's prompt cache: chat has them in the same place. */
const MARKS = ["cache_control", "prompt_cache_breakpoint"];

/**
 * The content of a message, or the output of a tool, as chat writes it: one text is a string, everything else a list of
 * parts. Parts of other vendors go on as they are.
 * @param param `input[2].content`: for errors.
 */
export function chatContent(content: JsonValue, param: string, drops: Drops): JsonValue {
	if (typeof content === "string") {
		return content;
	}
	return contentOf(chatParts(content, param, drops));
}

/** The same as a list. A string is one part. */
export function chatParts(content: JsonValue, param: string, drops: Drops): JsonObject[] {
	if (typeof content === "string") {
		return content === "" ? [] : [{ type: "text", text: content }];
	}
	if (!Array.isArray(content)) {
		throw badRequest(`The field '${param}' must be a string or a list of parts.`, param);
	}
	return content.map((part, index) => chatPart(part, `${param}[${index}]`, drops));
}

/** A single text without marks is a string, since not every server takes a list. */
export function contentOf(parts: readonly JsonObject[]): JsonValue {
	const [first] = parts;
	if (first === undefined) {
		return "";
	}
	const isPlain = parts.length === 1 && first.type === "text" && Object.keys(first).length === 2;
	return isPlain && typeof first.text === "string" ? first.text : [...parts];
}

function chatPart(part: JsonValue, param: string, drops: Drops): JsonObject {
	if (!isJsonObject(part) || typeof part.type !== "string") {
		throw badRequest(`The field '${param}' must be a part: an object with a type.`, param);
	}
	switch (part.type) {
		case "input_text":
		case "output_text":
		case "text":
		case "summary_text":
			return { type: "text", text: text(part.text, `${param}.text`), ...marks(part) };
		case "refusal":
			return { type: "refusal", refusal: text(part.refusal, `${param}.refusal`) };
		case "input_image":
			return { type: "image_url", ...image(part, param), ...marks(part) };
		case "input_file":
			return { type: "file", file: file(part, param, drops), ...marks(part) };
		case "input_video":
			return { type: "video_url", video_url: { url: text(part.video_url, `${param}.video_url`) }, ...marks(part) };
		default:
			// `input_audio` is spelled alike; whatever else this is, the model's own dialect may know it.
			return part;
	}
}

/** A picture by its address, or by its id at the provider: chat has no field of its own for that, so `file_id` stays. */
function image(part: JsonObject, param: string): JsonObject {
	const address = isJsonObject(part.image_url) ? part.image_url.url : part.image_url;
	const detail = typeof part.detail === "string" && part.detail !== "auto" ? { detail: part.detail } : {};
	if (typeof address === "string" && address !== "") {
		return { image_url: { url: address, ...detail } };
	}
	if (typeof part.file_id === "string" && part.file_id !== "") {
		return { image_url: detail, file_id: part.file_id };
	}
	throw badRequest(`The field '${param}' needs an 'image_url' or a 'file_id'.`, param);
}

function file(part: JsonObject, param: string, drops: Drops): JsonObject {
	const described: JsonObject = {};
	for (const field of ["filename", "file_data", "file_url", "file_id"]) {
		if (typeof part[field] === "string" && part[field] !== "") {
			described[field] = part[field];
		}
	}
	if (Object.keys(described).every((field) => field === "filename")) {
		throw badRequest(`The field '${param}' needs 'file_data', 'file_url' or 'file_id'.`, param);
	}
	if (typeof part.detail === "string" && part.detail !== "auto") {
		drops.add("input[].content[].detail");
	}
	return described;
}

function marks(part: JsonObject): JsonObject {
	const found = MARKS.filter((name) => part[name] !== undefined && part[name] !== null);
	return Object.fromEntries(found.map((name) => [name, part[name]]));
}

function text(value: JsonValue | undefined, param: string): string {
	if (typeof value !== "string") {
		throw badRequest(`The field '${param}' must be a string.`, param);
	}
	return value;
}

import { isJsonObject, type JsonObject, type JsonValue } from "../lib/json-types.ts";
import type { WantedMedia } from "../transport/media-download.ts";
import type { TypedMedia } from "../transport/media-type.ts";

/** A file that a request only names, and the field that names it. */
export interface MediaReference extends Omit<WantedMedia, "times"> {
	/** `messages[0].content[1].image_url.url` */
	readonly param: string;
}

/** A reference, and the part of the content as it is with the file inside. */
interface Spot {
	readonly reference: MediaReference;
	filled(media: TypedMedia): JsonObject;
}

/** Lists of messages (chat) or items (Responses), and where those keep their content parts. */
const CONVERSATIONS = ["messages", "input"];
const CONTENTS = ["content", "output"];

/** Every picture and file in a request's conversation that is given by its address. */
export function mediaReferences(json: JsonObject): readonly MediaReference[] {
	const references: MediaReference[] = [];
	mapParts(json, (part, param) => {
		const spot = spotOf(part, param);
		if (spot !== undefined) {
			references.push(spot.reference);
		}
		return part;
	});
	return references;
}

/** The request with those files inside, as data URLs. What `mediaOf` does not have stays an address. */
export function inlineMedia(
	json: JsonObject,
	mediaOf: (reference: MediaReference) => TypedMedia | undefined,
): JsonObject {
	return mapParts(json, (part, param) => {
		const spot = spotOf(part, param);
		const media = spot && mediaOf(spot.reference);
		return spot === undefined || media === undefined ? part : spot.filled(media);
	});
}

/** A copy in which the content parts are changed; whatever stays the same is shared with the original. */
function mapParts(json: JsonObject, change: (part: JsonObject, param: string) => JsonObject): JsonObject {
	return mapFields(json, CONVERSATIONS, "", (entries, field) =>
		mapList(entries, field, (entry, param) =>
			mapFields(entry, CONTENTS, `${param}.`, (content, contentParam) =>
				isJsonObject(content) ? change(content, contentParam) : mapList(content, contentParam, change),
			),
		),
	);
}

function mapFields(
	object: JsonObject,
	fields: readonly string[],
	prefix: string,
	change: (value: JsonValue, param: string) => JsonValue,
): JsonObject {
	let changed: JsonObject | undefined;
	for (const field of fields) {
		const value = object[field];
		// Most contents are texts: nothing is made for them.
		if (typeof value === "object" && value !== null) {
			const next = change(value, `${prefix}${field}`);
			if (next !== value) {
				changed = { ...(changed ?? object), [field]: next };
			}
		}
	}
	return changed ?? object;
}

function mapList(value: JsonValue, param: string, change: (item: JsonObject, param: string) => JsonObject): JsonValue {
	if (!Array.isArray(value)) {
		return value;
	}
	let changed: JsonValue[] | undefined;
	for (const [index, item] of value.entries()) {
		const next = isJsonObject(item) ? change(item, `${param}[${index}]`) : item;
		if (next !== item) {
			changed ??= [...value];
			changed[index] = next;
		}
	}
	return changed ?? value;
}

function spotOf(part: JsonObject, param: string): Spot | undefined {
	switch (part.type) {
		case "image_url":
		case "input_image":
		case "computer_screenshot":
			return addressSpot(part, "image_url", param, "image");
		case "document_url":
			return addressSpot(part, "document_url", param, "file");
		case "file":
		case "input_file":
			return fileSpot(part, param);
		case "image":
		case "document":
			return sourceSpot(part, param, part.type === "image" ? "image" : "file");
		default:
			return undefined;
	}
}

/** `{[field]: {url}}`, or in some clients and in Responses `{[field]: "https://…"}`. */
function addressSpot(part: JsonObject, field: string, param: string, place: MediaReference["place"]): Spot | undefined {
	const holder = part[field];
	const isNested = isJsonObject(holder);
	const url = isNested ? holder.url : holder;
	return isRemote(url)
		? {
				reference: { url, place, name: undefined, param: `${param}.${field}${isNested ? ".url" : ""}` },
				filled: (media) => ({ ...part, [field]: isNested ? { ...holder, url: dataUrl(media) } : dataUrl(media) }),
			}
		: undefined;
}

/** `{file: {file_url, filename}}`, and the same without the wrapper as Responses writes it. Data given besides win. */
function fileSpot(part: JsonObject, param: string): Spot | undefined {
	const isNested = isJsonObject(part.file);
	const { file_url: url, ...rest } = isJsonObject(part.file) ? part.file : part;
	if (!isRemote(url) || typeof rest.file_data === "string") {
		return undefined;
	}
	const name = typeof rest.filename === "string" ? rest.filename : undefined;
	return {
		reference: { url, place: "file", name, param: `${param}${isNested ? ".file" : ""}.file_url` },
		filled: (media) => {
			const file = { ...rest, file_data: dataUrl(media) };
			return isNested ? { ...part, file } : file;
		},
	};
}

/** Anthropic's words: `{source: {type: "url", url}}`. */
function sourceSpot(part: JsonObject, param: string, place: MediaReference["place"]): Spot | undefined {
	const { source } = part;
	const url = isJsonObject(source) && source.type === "url" ? source.url : undefined;
	return isRemote(url)
		? {
				reference: { url, place, name: undefined, param: `${param}.source.url` },
				filled: (media) => ({
					...part,
					source: { type: "base64", media_type: media.mediaType, data: base64(media) },
				}),
			}
		: undefined;
}

/** Addresses of other kinds (data URLs, buckets) are for the translator to read or to refuse. */
function isRemote(value: JsonValue | undefined): value is string {
	return typeof value === "string" && /^\s*https?:/i.test(value);
}

function dataUrl(media: TypedMedia): string {
	return `data:${media.mediaType};base64,${base64(media)}`;
}

function base64({ bytes }: TypedMedia): string {
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

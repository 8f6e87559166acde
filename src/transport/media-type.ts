/** Where media stand in a request: a picture may only be a picture, a file may be more. */
export type MediaPlace = "image" | "file";

/** What a file turned out to be. */
export interface TypedMedia {
	readonly mediaType: string;
	readonly bytes: Uint8Array;
}

/** Servers that do not know what they serve say one of these, or nothing. */
const GENERIC: ReadonlySet<string> = new Set([
	"",
	"application/octet-stream",
	"binary/octet-stream",
	"application/binary",
	"application/x-download",
	"application/force-download",
	"application/download",
]);

const PDF = "application/pdf";
const WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
const SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/** Documents by type: what their bytes begin with. */
const OFFICE: ReadonlyMap<string, "zip" | "ole"> = new Map([
	[WORD, "zip"],
	[SHEET, "zip"],
	["application/msword", "ole"],
	["application/vnd.ms-excel", "ole"],
]);

/** Files without a type of their own, by the ending of their name. What has a signature is known by that. */
const ENDINGS: ReadonlyMap<string, string> = new Map([
	["txt", "text/plain"],
	["md", "text/markdown"],
	["csv", "text/csv"],
	["html", "text/html"],
	["json", "application/json"],
	["xml", "application/xml"],
	["yaml", "application/yaml"],
	["yml", "application/yaml"],
	["docx", WORD],
	["xlsx", SHEET],
	["doc", "application/msword"],
	["xls", "application/vnd.ms-excel"],
]);

type Family = "image" | "pdf" | "text" | "office" | "generic";

/** Whether a body with this `Content-Type` is worth reading. */
export function isAcceptable(contentType: string | null, place: MediaPlace): boolean {
	const family = familyOf(plainType(contentType));
	return family !== undefined && (place === "file" || family === "image" || family === "generic");
}

/**
 * What a file is. Its first bytes are believed before its header, since providers refuse a picture under a wrong name;
 * text has no first bytes of its own, so there the header counts, or the ending of `path` where that says nothing.
 * Text comes back as UTF-8. undefined: nothing that may be passed on in this place.
 */
export function typedMedia(
	bytes: Uint8Array,
	contentType: string | null,
	place: MediaPlace,
	path: string,
): TypedMedia | undefined {
	const picture = pictureType(bytes);
	if (picture !== undefined) {
		return { mediaType: picture, bytes };
	}
	if (place === "image") {
		return undefined;
	}
	const declared = plainType(contentType);
	if (isPdf(bytes, familyOf(declared) === "text")) {
		return { mediaType: PDF, bytes };
	}
	const mediaType = GENERIC.has(declared) ? ENDINGS.get(endingOf(path)) : declared;
	if (mediaType === undefined) {
		return undefined;
	}
	switch (familyOf(mediaType)) {
		case "office":
			return OFFICE.get(mediaType) === archiveOf(bytes) ? { mediaType, bytes } : undefined;
		case "text":
			return asText(bytes, mediaType, contentType);
		default:
			// It says that it is a picture or a PDF, and is none.
			return undefined;
	}
}

function familyOf(type: string): Family | undefined {
	if (GENERIC.has(type)) {
		return "generic";
	}
	if (type.startsWith("image/")) {
		return "image";
	}
	if (type === PDF || type === "application/x-pdf") {
		return "pdf";
	}
	if (OFFICE.has(type)) {
		return "office";
	}
	return textType(type) === undefined ? undefined : "text";
}

/** Any text by the name that providers know it by. */
function textType(type: string): string | undefined {
	if (type.startsWith("text/")) {
		return type;
	}
	const name = /^application\/(?:[a-z0-9.-]+\+|x-)?(json|xml|yaml|csv)$/.exec(type)?.[1];
	return name === "csv" ? "text/csv" : name === undefined ? undefined : `application/${name}`;
}

/** Without parameters: `text/plain; charset=utf-8`. */
function plainType(contentType: string | null): string {
	return (contentType?.split(";", 1)[0] ?? "").trim().toLowerCase();
}

function endingOf(path: string): string {
	return /\.([a-z0-9]{1,8})$/i.exec(path)?.[1]?.toLowerCase() ?? "";
}

function asText(bytes: Uint8Array, type: string, contentType: string | null): TypedMedia | undefined {
	const charset = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(contentType ?? "")?.[1]?.toLowerCase();
	const mediaType = textType(type) ?? type;
	const text = charset === undefined || charset === "utf-8" || charset === "utf8" ? bytes : inUtf8(bytes, charset);
	// No text holds a NUL: some servers call every file they do not know a text.
	return text === undefined || text.subarray(0, SNIFFED_BYTES).includes(0) ? undefined : { mediaType, bytes: text };
}

function inUtf8(bytes: Uint8Array, charset: string): Uint8Array | undefined {
	try {
		// Labels are open in the standard and a closed list in Bun's types.
		return new TextEncoder().encode(new TextDecoder(charset as Bun.Encoding).decode(bytes));
	} catch {
		// Nobody knows this encoding.
		return undefined;
	}
}

const SNIFFED_BYTES = 1_024;

/** @see https://mimesniff.spec.whatwg.org/#matching-an-image-type-pattern */
function pictureType(bytes: Uint8Array): string | undefined {
	const start = latin1(bytes, 16);
	if (start.startsWith("\x89PNG\r\n\x1a\n")) {
		return "image/png";
	}
	if (start.startsWith("\xff\xd8\xff")) {
		return "image/jpeg";
	}
	if (start.startsWith("GIF87a") || start.startsWith("GIF89a")) {
		return "image/gif";
	}
	return start.startsWith("RIFF") && start.slice(8, 12) === "WEBP" ? "image/webp" : undefined;
}

/** Readers look for the mark in the first kilobyte, since some files begin with something else; a text may speak of it. */
function isPdf(bytes: Uint8Array, mayBeText: boolean): boolean {
	const start = latin1(bytes, SNIFFED_BYTES);
	return mayBeText ? start.startsWith("%PDF-") : start.includes("%PDF-");
}

function archiveOf(bytes: Uint8Array): "zip" | "ole" | undefined {
	const start = latin1(bytes, 8);
	if (start.startsWith("PK\x03\x04")) {
		return "zip";
	}
	return start.startsWith("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") ? "ole" : undefined;
}

function latin1(bytes: Uint8Array, count: number): string {
	return Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(count, bytes.byteLength)).toString("latin1");
}

import { badRequest, type GatewayError } from "./errors.ts";
import { decodeUtf8 } from "./json.ts";

/** Parts of one form. */
const PARTS_MAX = 64;
/** Bytes of the headers of one part. */
const PART_HEADER_BYTES_MAX = 8_192;
/** Bytes of a field that is read as text. */
const FIELD_TEXT_BYTES_MAX = 1_048_576;

export interface MultipartPart {
	readonly name: string;
	/** What the client calls its file; "" where it gave an empty name. Never a path here: nothing is stored under it. */
	readonly filename: string | undefined;
	/** As sent; undefined = none, which means plain text. */
	readonly contentType: string | undefined;
	/** Offsets of the value's first byte and of the byte after its last. */
	readonly start: number;
	readonly end: number;
}

/** A `multipart/form-data` body, read but not copied: parts are offsets into the bytes. */
export interface Multipart {
	readonly bytes: Uint8Array<ArrayBuffer>;
	readonly boundary: string;
	/** The header to send on with the bytes: it names the boundary. */
	readonly contentType: string;
	readonly parts: readonly MultipartPart[];
}

// RFC 2046: up to 70 of these, not ending in a space.
const BOUNDARY = /^[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]$/;
const PARAMETER = /;\s*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s";]+))/gy;
const HEADER_END = Buffer.from("\r\n\r\n");

/**
 * Reads a form in one pass, strictly: whatever two readers could understand differently is refused.
 * @throws GatewayError 400, code `multipart_invalid`.
 */
export function parseMultipart(bytes: Uint8Array<ArrayBuffer>, contentTypeHeader: string): Multipart {
	const boundary = boundaryOf(contentTypeHeader);
	// A view of the same memory: Buffer searches natively, Uint8Array does not search for more than one byte.
	const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const delimiter = Buffer.from(`\r\n--${boundary}`);
	const parts: MultipartPart[] = [];
	let at = firstDelimiterEnd(buffer, delimiter);
	while (!isClosing(buffer, at)) {
		if (parts.length === PARTS_MAX) {
			throw invalid(`The form has more than ${PARTS_MAX} parts.`);
		}
		const headersStart = afterLineEnd(buffer, at);
		const { headers, valueStart } = partHeaders(buffer, headersStart);
		const end = buffer.indexOf(delimiter, valueStart);
		if (end === -1) {
			throw invalid("The form is cut: its closing boundary is missing.");
		}
		parts.push({ ...describePart(headers), start: valueStart, end });
		at = end + delimiter.length;
	}
	return { bytes, boundary, contentType: contentTypeHeader, parts };
}

/**
 * The text of the only field of that name; undefined when there is none.
 * @throws GatewayError 400 when the field is given twice, is a file, is not UTF-8, or is longer than a field may be.
 */
export function fieldText(form: Multipart, name: string): string | undefined {
	const part = onlyPart(form, name);
	if (part === undefined) {
		return undefined;
	}
	if (part.filename !== undefined) {
		throw badRequest(`The field '${name}' must be text, not a file.`, name, "multipart_invalid");
	}
	if (part.end - part.start > FIELD_TEXT_BYTES_MAX) {
		throw badRequest(`The field '${name}' is longer than ${FIELD_TEXT_BYTES_MAX} bytes.`, name, "multipart_invalid");
	}
	const text = decodeUtf8(form.bytes.subarray(part.start, part.end));
	if (text === undefined) {
		throw badRequest(`The field '${name}' is not UTF-8 text.`, name, "multipart_invalid");
	}
	return text;
}

/**
 * A copy of the form's bytes with another value for one field, all else byte for byte.
 * @throws Error (a bug of the caller) when the form has no such field, or the text would end the part.
 */
export function spliceField(form: Multipart, name: string, text: string): Uint8Array<ArrayBuffer> {
	const part = onlyPart(form, name);
	if (part === undefined) {
		throw new Error(`The form has no field '${name}' to replace.`);
	}
	if (text.includes(`--${form.boundary}`)) {
		throw new Error(`The new text of the field '${name}' holds the form's boundary.`);
	}
	const { bytes } = form;
	return Buffer.concat([bytes.subarray(0, part.start), Buffer.from(text), bytes.subarray(part.end)]);
}

function onlyPart(form: Multipart, name: string): MultipartPart | undefined {
	let found: MultipartPart | undefined;
	for (const part of form.parts) {
		if (part.name !== name) {
			continue;
		}
		if (found !== undefined) {
			throw badRequest(`The field '${name}' is given twice.`, name, "multipart_invalid");
		}
		found = part;
	}
	return found;
}

function boundaryOf(header: string): string {
	const typeEnd = header.indexOf(";");
	const type = (typeEnd === -1 ? header : header.slice(0, typeEnd)).trim().toLowerCase();
	if (type !== "multipart/form-data") {
		throw invalid("The request body must be multipart/form-data.");
	}
	const boundary = parameters(header, Math.max(typeEnd, 0)).get("boundary");
	if (boundary === undefined) {
		throw invalid("The Content-Type header has no boundary.");
	}
	if (!BOUNDARY.test(boundary)) {
		throw invalid("The boundary in the Content-Type header is not 1 to 70 allowed characters.");
	}
	return boundary;
}

/** The form may begin with its first delimiter only, or with an empty line before it. */
function firstDelimiterEnd(buffer: Buffer, delimiter: Buffer): number {
	const bare = delimiter.subarray(2);
	if (buffer.subarray(0, bare.length).equals(bare)) {
		return bare.length;
	}
	if (buffer.subarray(0, delimiter.length).equals(delimiter)) {
		return delimiter.length;
	}
	throw invalid("The form does not begin with the boundary that the Content-Type header names.");
}

/** After a delimiter: `--` closes the form, and nothing but a line end may follow. */
function isClosing(buffer: Buffer, at: number): boolean {
	if (buffer[at] !== 0x2d || buffer[at + 1] !== 0x2d) {
		return false;
	}
	if (buffer.toString("latin1", at + 2, at + 64).trim() !== "" || buffer.length > at + 64) {
		throw invalid("The form goes on after its closing boundary.");
	}
	return true;
}

function afterLineEnd(buffer: Buffer, at: number): number {
	let index = at;
	while (buffer[index] === 0x20 || buffer[index] === 0x09) {
		index += 1;
	}
	if (buffer[index] !== 0x0d || buffer[index + 1] !== 0x0a) {
		throw invalid(
			index >= buffer.length
				? "The form is cut: its closing boundary is missing."
				: "A boundary of the form is not followed by a line end.",
		);
	}
	return index + 2;
}

function partHeaders(buffer: Buffer, start: number): { readonly headers: string; readonly valueStart: number } {
	const window = buffer.subarray(start, start + PART_HEADER_BYTES_MAX + HEADER_END.length);
	const length = window.indexOf(HEADER_END);
	if (length === -1) {
		throw invalid(
			window.length > PART_HEADER_BYTES_MAX
				? `A part of the form has headers longer than ${PART_HEADER_BYTES_MAX} bytes.`
				: "The form is cut within the headers of a part.",
		);
	}
	return { headers: window.toString("utf8", 0, length), valueStart: start + length + HEADER_END.length };
}

function describePart(headers: string): Pick<MultipartPart, "name" | "filename" | "contentType"> {
	let disposition: string | undefined;
	let contentType: string | undefined;
	for (const line of headers.split("\r\n")) {
		const colon = line.indexOf(":");
		const field = line.slice(0, Math.max(colon, 0)).toLowerCase();
		if (colon === -1 || line.includes("\r") || line.includes("\n") || line.includes("\0")) {
			throw invalid("A part of the form has a header that cannot be read.");
		}
		if (field === "content-disposition" && disposition !== undefined) {
			throw invalid("A part of the form has two Content-Disposition headers.");
		}
		disposition = field === "content-disposition" ? line.slice(colon + 1).trim() : disposition;
		contentType = field === "content-type" ? line.slice(colon + 1).trim() : contentType;
	}
	const typeEnd = disposition?.indexOf(";") ?? -1;
	if (disposition === undefined || disposition.slice(0, typeEnd).trim().toLowerCase() !== "form-data") {
		throw invalid("A part of the form has no 'Content-Disposition: form-data' header with a name.");
	}
	const found = parameters(disposition, typeEnd);
	const name = found.get("name");
	if (name === undefined || name === "") {
		throw invalid("A part of the form has no name.");
	}
	return { name, filename: found.get("filename") ?? found.get("filename*"), contentType };
}

/** `; a=b; c="d"` from an offset on. The whole rest must be parameters, each of them once. */
function parameters(text: string, from: number): ReadonlyMap<string, string> {
	const found = new Map<string, string>();
	let end = from;
	PARAMETER.lastIndex = from;
	for (let match = PARAMETER.exec(text); match !== null; match = PARAMETER.exec(text)) {
		const key = (match[1] ?? "").toLowerCase();
		if (found.has(key)) {
			throw invalid(`A header of the form gives '${key}' twice.`);
		}
		found.set(key, match[2]?.replace(/\\(["\\])/g, "$1") ?? match[3] ?? "");
		end = PARAMETER.lastIndex;
	}
	if (!/^\s*;?\s*$/.test(text.slice(end))) {
		throw invalid("A header of the form cannot be read.");
	}
	return found;
}

function invalid(message: string): GatewayError {
	return badRequest(message, undefined, "multipart_invalid");
}

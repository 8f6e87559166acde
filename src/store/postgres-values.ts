/**
 * PostgreSQL's texts cannot hold U+0000, SQLite's and clients' can. It is written as two characters that begin with a
 * noncharacter, which is itself written as two, so that every text comes back as it was.
 */
const ESCAPE = "\uffff";
const ESCAPED = /[\0\uffff]/g;
const ESCAPES = /\uffff[01]/g;

function encodeText(text: string): string {
	return text.includes("\0") || text.includes(ESCAPE)
		? text.replace(ESCAPED, (found) => (found === "\0" ? `${ESCAPE}0` : `${ESCAPE}1`))
		: text;
}

function decodeText(text: string): string {
	return text.includes(ESCAPE) ? text.replace(ESCAPES, (found) => (found === `${ESCAPE}0` ? "\0" : ESCAPE)) : text;
}

/**
 * A parameter as text, for the server to read as the type that its place in the statement has: the client would declare
 * a number an integer, a bigint or a double by its size.
 */
export function postgresValue(value: unknown): string | null {
	if (value === null || value === undefined) {
		return null;
	}
	return typeof value === "string" ? encodeText(value) : String(value);
}

/** A value of a row. 64-bit integers and decimals stay text: whoever asked for them knows what they are. */
export function fromPostgres(value: unknown): unknown {
	return typeof value === "string" ? decodeText(value) : mapTexts(value, decodeText);
}

/** A parameter for a place that holds JSON: a column, or rows for `json_to_recordset`. */
export function jsonParameter(value: unknown): string {
	const text = JSON.stringify(mapTexts(value, (given) => encodeText(given.toWellFormed())));
	// As an escape it is not seen as a text that needs another one.
	return text.replaceAll(ESCAPE, "\\uffff");
}

function mapTexts(value: unknown, change: (text: string) => string): unknown {
	if (typeof value === "string") {
		return change(value);
	}
	if (Array.isArray(value)) {
		return value.map((item) => mapTexts(item, change));
	}
	if (value !== null && typeof value === "object") {
		return Object.fromEntries(Object.entries(value).map(([name, item]) => [change(name), mapTexts(item, change)]));
	}
	return value;
}

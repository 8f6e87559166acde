import { z } from "zod";

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** These frame the message or belong to the connection: the client that sends the request sets them, nobody else. */
const FRAMING = [
	"accept-encoding",
	"connection",
	"content-encoding",
	"content-length",
	"content-type",
	"expect",
	"host",
	"keep-alive",
	"proxy-authenticate",
	"proxy-authorization",
	"proxy-connection",
	"te",
	"trailer",
	"transfer-encoding",
	"upgrade",
];

const nameSchema = z
	.string()
	.max(256)
	.regex(TOKEN, "is not a legal header name")
	.refine((name) => !FRAMING.includes(name.toLowerCase()), "is a header that the gateway sets itself");

const valueSchema = z
	.string()
	.max(8_192)
	.regex(/^[\t\x20-\x7e]*$/, "must be a header value: printable ASCII on one line");

/** Additional request headers. */
export const headersSchema = z
	.record(nameSchema, valueSchema)
	.refine((headers) => Object.keys(headers).length <= 64, "must have at most 64 entries")
	.refine(
		(headers) => new Set(Object.keys(headers).map((name) => name.toLowerCase())).size === Object.keys(headers).length,
		"must not name a header twice in different case",
	)
	.meta({ title: "name: value" });

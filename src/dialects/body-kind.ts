import type { JsonObject } from "../lib/json-types.ts";
import type { Multipart } from "../lib/multipart.ts";
import type { RequestBody } from "./types.ts";

/** The JSON of a body that its ingress declares to be JSON. @throws Error when it is not: a bug of the caller. */
export function jsonOf(body: RequestBody): JsonObject {
	if (body.kind !== "json") {
		throw new Error("This operation reads a JSON body.");
	}
	return body.json;
}

/** The form of a body that its ingress declares to be one. @throws Error when it is not: a bug of the caller. */
export function formOf(body: RequestBody): Multipart {
	if (body.kind !== "multipart") {
		throw new Error("This operation reads a multipart body.");
	}
	return body.form;
}

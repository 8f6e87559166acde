import type { JsonObject } from "../lib/json-types.ts";
import { unroutedHeaders } from "./answer-headers.ts";

/** Something that the gateway keeps itself, as an answer: no provider was asked and nothing was paid. */
export function answerKept(json: JsonObject, requestId: string, decision: string): Response {
	return new Response(JSON.stringify(json), {
		headers: { "content-type": "application/json", ...unroutedHeaders(requestId, decision) },
	});
}

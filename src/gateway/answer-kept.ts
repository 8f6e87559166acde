import type { JsonObject } from "../lib/json-types.ts";
import type { NanoUsd } from "../lib/money.ts";
import { unroutedHeaders } from "./answer-headers.ts";

/** Something that the gateway keeps itself, as an answer: no provider was asked and nothing was paid. */
export function answerKept(
	json: JsonObject,
	requestId: string,
	decision: string,
	remainingNano: NanoUsd | undefined,
): Response {
	return new Response(JSON.stringify(json), {
		headers: { "content-type": "application/json", ...unroutedHeaders(requestId, decision, remainingNano) },
	});
}

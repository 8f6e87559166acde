import { isJsonObject, type JsonObject } from "../../lib/json-types.ts";
import { declaredFault, readFault } from "../provider-fault.ts";
import type { ProviderFault } from "../types.ts";

/**
 * A failure told in an answer or a chunk whose status says success: at the top, in Groq's own note
 * (https://console.groq.com/docs/api-reference#chat-create), or in the choice, as OpenRouter does it.
 */
export function toldFault(json: JsonObject): ProviderFault | undefined {
	const note = json.x_groq;
	return (
		declaredFault(json) ??
		(isJsonObject(note) && typeof note.error === "string" ? readFault(note, undefined) : undefined)
	);
}

/** What a choice that ended in a failure says of it. */
export function choiceFault(choice: JsonObject): ProviderFault {
	const told = isJsonObject(choice.error) ? choice.error : undefined;
	return told === undefined
		? {
				status: 502,
				type: "upstream_error",
				code: undefined,
				message: "The provider broke off its answer and gave no reason.",
			}
		: readFault({ error: told }, undefined);
}

/** A failure in the neutral words that the gateway reads. */
export function faultBody({ message, type, code, status }: ProviderFault): JsonObject {
	return { message, type: type ?? "upstream_error", code: code ?? null, param: null, status };
}

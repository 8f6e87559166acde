import type { JsonObject } from "../lib/json-types.ts";
import { BOTCHED_GENERATION } from "./provider-fault.ts";
import type { ProviderFault } from "./types.ts";

/** A failure told inside an answer whose status says success, in the form that the gateway reads failures in. */
export function faultAnswer({ message, type, code, status, botched }: ProviderFault): JsonObject {
	const error = { message, type: type ?? "upstream_error", param: null, code: code ?? null, status };
	return { error: botched === true ? { ...error, kind: BOTCHED_GENERATION } : error };
}

import type { JsonObject } from "../lib/json-types.ts";
import type { ProviderFault } from "./types.ts";

/** A failure told inside an answer whose status says success, in the form that the gateway reads failures in. */
export function faultAnswer({ message, type, code, status }: ProviderFault): JsonObject {
	return { error: { message, type: type ?? "upstream_error", param: null, code: code ?? null, status } };
}

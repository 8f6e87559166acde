import type { JsonValue } from "../../lib/json-types.ts";

/**
 * Why a completion ended: `stop`, `length` or `content_filter`. A chat that ends otherwise has stopped, as far as a text
 * goes; words of one vendor (`eos`) pass.
 */
export function completionFinish(reason: JsonValue | undefined): string | null {
	if (reason === "tool_calls" || reason === "function_call") {
		return "stop";
	}
	return typeof reason === "string" ? reason : null;
}

import { isJsonObject, type JsonObject } from "../../lib/json-types.ts";
import { readFault as readUsualFault } from "../provider-fault.ts";
import type { ProviderFault } from "../types.ts";

/** What Anthropic's words for a failure mean. https://platform.claude.com/docs/en/api/errors */
const FAULTS: ReadonlyMap<string, { readonly status: number; readonly code?: string }> = new Map([
	["invalid_request_error", { status: 400 }],
	["authentication_error", { status: 401, code: "invalid_api_key" }],
	["billing_error", { status: 402 }],
	["permission_error", { status: 403 }],
	["not_found_error", { status: 404 }],
	["conflict_error", { status: 409 }],
	["request_too_large", { status: 413, code: "request_too_large" }],
	["rate_limit_error", { status: 429, code: "rate_limit_exceeded" }],
	["api_error", { status: 500 }],
	["timeout_error", { status: 504 }],
	["overloaded_error", { status: 529 }],
]);

/** The prompt, or the prompt and the answer's bound, are more than the model holds. Anthropic has no code for it. */
const TOO_LONG =
	/prompt is too long|input is too long|exceeds? (the )?(model'?s )?(maximum )?context|context (limit|window)|maximum context length/i;
/**
 * The account has nothing left to spend, or may spend no more: told as a fault of the request, although another account
 * would serve it.
 */
const NO_MONEY = /credit balance is too low|specified (api|workspace) usage limits|spend(ing)? limit/i;

/** A failure in neutral words. Of the ones Anthropic only tells in prose, those that call for another answer are told apart. */
export function readFault(body: JsonObject, status: number | undefined): ProviderFault {
	const usual = readUsualFault(body, status);
	const known = usual.type === undefined ? undefined : FAULTS.get(usual.type);
	const error = isJsonObject(body.error) ? body.error : body;
	const fault: ProviderFault = {
		...usual,
		// Google's envelope on Vertex AI says its word in `status`: {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}
		type: usual.type ?? (typeof error.status === "string" ? error.status.toLowerCase() : undefined),
		status: status ?? known?.status ?? usual.status,
		code: known?.code ?? usual.code,
	};
	if (fault.status < 500 && (usual.type === "billing_error" || fault.status === 402 || NO_MONEY.test(fault.message))) {
		return { ...fault, status: 429, code: "insufficient_quota" };
	}
	if (fault.status === 400 && TOO_LONG.test(fault.message)) {
		return { ...fault, code: "context_length_exceeded" };
	}
	return fault.status === 404 && fault.message.startsWith("model:") ? { ...fault, code: "model_not_found" } : fault;
}

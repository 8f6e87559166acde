import type { Deployment } from "../config/types.ts";
import { withoutExtensions } from "../dialects/openai-chat/extensions.ts";
import { spliceTopLevel } from "../lib/json.ts";
import { isJsonObject } from "../lib/json-types.ts";
import { spliceField } from "../lib/multipart.ts";
import type { Provider } from "../providers/types.ts";
import type { Terms } from "./terms.ts";
import type { ParsedBody, Planned } from "./types.ts";

/** Fields that may hold what only one provider can read. */
const STATEFUL = ["messages", "input"] as const;

/**
 * The client's own bytes with the few values changed that must be: the model's name at the provider, the request for
 * usage on chat streams, and an output bound where a budget needs one. Always made anew from the original.
 * @param said What the deployment can read of it (see bound-state.ts).
 */
export function upstreamBody(
	planned: Planned,
	deployment: Deployment,
	terms: Terms,
	said: ParsedBody,
): string | Uint8Array<ArrayBuffer> {
	const { body, envelope } = planned;
	if (body.kind === "multipart") {
		return envelope.model === deployment.model ? body.form.bytes : spliceField(body.form, "model", deployment.model);
	}
	const edits: Record<string, string> = {};
	const json = said.kind === "json" ? said.json : body.json;
	for (const field of STATEFUL) {
		if (json[field] !== body.json[field]) {
			edits[field] = JSON.stringify(json[field]);
		}
	}
	if (envelope.model !== deployment.model) {
		edits.model = JSON.stringify(deployment.model);
	}
	if (asksForUsage(planned, deployment)) {
		const given = body.json.stream_options;
		edits.stream_options = JSON.stringify({ ...(isJsonObject(given) ? given : {}), include_usage: true });
	}
	const refuses = envelope.hasExtensions ? refusedBy(deployment) : [];
	if (refuses.length > 0 && json.messages !== undefined) {
		edits.messages = JSON.stringify(withoutExtensions(json.messages, refuses));
	}
	if (terms.outputTokensClamp !== undefined) {
		edits[outputField(planned, deployment)] = String(terms.outputTokensClamp);
	}
	return Object.keys(edits).length === 0 ? body.text : spliceTopLevel(body.text, body.scan, edits);
}

/** Chat and completions streams tell their usage only when asked; the extra chunk is hidden from a client that did not ask. */
function asksForUsage(planned: Planned, deployment: Deployment): boolean {
	const { envelope, ingress } = planned;
	return (
		envelope.stream &&
		!envelope.includeUsage &&
		(ingress.operation === "chat" || ingress.operation === "completions") &&
		deployment.provider.quirks.streamUsage === "stream_options"
	);
}

/** What is known of a provider holds at its own address; of the server behind another one nothing is, so bytes travel. */
export function refusedBy({ provider, baseUrl, region, location }: Deployment): Provider["quirks"]["refuses"] {
	const usual = provider.baseUrl({ region, location });
	return usual === undefined || usual === baseUrl ? provider.quirks.refuses : [];
}

/** The field that bounds the output of a request: the client's own, else the usual one. */
export function outputField(planned: Planned, deployment: Deployment): string {
	if (planned.envelope.maxOutputField !== undefined) {
		return planned.envelope.maxOutputField;
	}
	if (planned.ingress.operation === "responses") {
		return "max_output_tokens";
	}
	return planned.ingress.operation === "completions" ? "max_tokens" : deployment.provider.quirks.maxTokensField;
}

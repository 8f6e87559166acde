import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import type { AnswerNotes } from "./composer.ts";
import { responseUsage } from "./usage.ts";

/** What Perplexity found, beside the answer: its text refers to them by number. https://docs.perplexity.ai/api-reference */
const KEPT = ["citations", "search_results"];

/** What an answer or a chunk says of the whole: model, tier, usage. Groq and Hugging Face tell the usage in `x_groq` too. */
export function notesOf(json: JsonObject): AnswerNotes {
	const note = isJsonObject(json.x_groq) ? json.x_groq : {};
	const kept = KEPT.filter((name) => Array.isArray(json[name]));
	return {
		model: typeof json.model === "string" && json.model !== "" ? json.model : undefined,
		serviceTier: typeof json.service_tier === "string" ? json.service_tier : undefined,
		usage: responseUsage(json.usage) ?? responseUsage(note.usage),
		extra: kept.length === 0 ? undefined : Object.fromEntries(kept.map((name) => [name, json[name]])),
	};
}

/** The log probabilities of a choice's text. Responses wants a list where chat may have null. */
export function logprobsOf(choice: JsonObject): JsonObject[] {
	const content = isJsonObject(choice.logprobs) ? choice.logprobs.content : undefined;
	return (Array.isArray(content) ? content : []).filter(isJsonObject).map((entry) => ({
		...withBytes(entry),
		top_logprobs: (Array.isArray(entry.top_logprobs) ? entry.top_logprobs : []).filter(isJsonObject).map(withBytes),
	}));
}

function withBytes(entry: JsonObject): JsonObject {
	const bytes: JsonValue = Array.isArray(entry.bytes) ? entry.bytes : [];
	return { ...entry, bytes };
}

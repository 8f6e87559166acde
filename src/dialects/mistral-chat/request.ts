import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import { createDrops, type Drops } from "../chat-hub/drops.ts";
import type { Target } from "../translation.ts";
import { mistralContent } from "./content.ts";
import { isThinking, reasoningEffort, withThinking } from "./reasoning.ts";
import { mistralToolId } from "./tool-ids.ts";
import { askedCalls, mistralTools } from "./tools.ts";

/** Wishes of OpenAI's that Mistral answers with 422 ("Extra inputs are not permitted") and that an answer can do without. */
const HINTS = ["logit_bias", "prompt_cache_retention", "safety_identifier", "store", "user", "verbosity"] as const;

/** Values that say what would happen anyway; the fields themselves are as unwelcome. */
const NO_EFFECT: Readonly<Record<string, (value: JsonValue) => boolean>> = {
	logprobs: (value) => value === false,
	top_logprobs: (value) => value === 0,
	logit_bias: (value) => isJsonObject(value) && Object.keys(value).length === 0,
	store: (value) => value === false,
	service_tier: (value) => value === "auto" || value === "default",
	modalities: (value) => Array.isArray(value) && value.every((kind) => kind === "text"),
};

/** Fields that are said in another way below. */
const REWRITTEN: ReadonlySet<string> = new Set([
	"functions",
	"function_call",
	"max_completion_tokens",
	"max_tokens",
	"messages",
	"parallel_tool_calls",
	"reasoning",
	"reasoning_effort",
	"seed",
	"stream_options",
	"thinking",
	"tool_choice",
	"tools",
]);

/** A chat request in Mistral's words: nearly OpenAI's, and strict about the rest. What it may learn tomorrow passes. */
export function mistralRequest(request: JsonObject, target: Target): { body: JsonObject; dropped: readonly string[] } {
	const drops = createDrops();
	const effort = reasoningEffort(request, drops);
	const kept = keptFields(request, drops);
	const bound = request.max_completion_tokens ?? request.max_tokens;
	const body: JsonObject = {
		...kept,
		...effort,
		...seedOf(request, drops),
		...(bound === undefined || bound === null ? {} : { max_tokens: bound }),
		...mistralTools(request, drops),
		model: target.model,
		messages: mistralMessages(request.messages, isThinking({ ...kept, ...effort }, target.model), drops),
	};
	return { body, dropped: drops.list() };
}

function keptFields(request: JsonObject, drops: Drops): JsonObject {
	const kept: JsonObject = {};
	for (const [name, value] of Object.entries(request)) {
		if (value === undefined || value === null || REWRITTEN.has(name) || NO_EFFECT[name]?.(value) === true) {
			continue;
		}
		if (HINTS.some((hint) => hint === name)) {
			drops.add(name);
		} else {
			kept[name] = value;
		}
	}
	return kept;
}

/** https://docs.mistral.ai/api/#tag/chat: `random_seed`, at least 0. */
function seedOf({ seed, random_seed: own }: JsonObject, drops: Drops): JsonObject {
	if (seed === undefined || seed === null || (own !== undefined && own !== null)) {
		return {};
	}
	if (typeof seed === "number" && seed < 0) {
		drops.add("seed");
		return {};
	}
	return { random_seed: seed };
}

function mistralMessages(messages: JsonValue | undefined, thinks: boolean, drops: Drops): JsonValue[] {
	return (Array.isArray(messages) ? messages : []).map((message, index) =>
		isJsonObject(message) ? mistralMessage(message, { index, thinks }, drops) : message,
	);
}

/** What a message may hold beside Mistral's own fields, which answers every other with 422. */
const UNKNOWN_TO_MISTRAL = ["annotations", "audio", "cache_control", "citations", "images"] as const;

function mistralMessage(
	given: JsonObject,
	{ index, thinks }: { readonly index: number; readonly thinks: boolean },
	drops: Drops,
): JsonObject {
	const role = given.role === "developer" ? "system" : given.role;
	const { refusal, ...rest } = given;
	// Only the result of a tool has a name.
	const known = without(rest, role === "tool" ? UNKNOWN_TO_MISTRAL : [...UNKNOWN_TO_MISTRAL, "name"], drops);
	const isRefused = typeof refusal === "string" && refusal !== "" && !given.content;
	const message: JsonObject = { ...known, role, ...(isRefused ? { content: refusal } : {}) };
	const told = role === "assistant" ? withThinking(message, thinks, drops) : message;
	const { content, tool_calls: calls, tool_call_id: answered } = told;
	return {
		...told,
		...(content === undefined ? {} : { content: mistralContent(content, `messages[${index}].content`, drops) }),
		...(calls === undefined ? {} : { tool_calls: askedCalls(calls) }),
		...(typeof answered === "string" ? { tool_call_id: mistralToolId(answered) } : {}),
	};
}

function without(message: JsonObject, names: readonly string[], drops: Drops): JsonObject {
	const kept: JsonObject = {};
	for (const [name, value] of Object.entries(message)) {
		if (!names.includes(name)) {
			kept[name] = value;
		} else if (value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0)) {
			drops.add(`messages[].${name}`);
		}
	}
	return kept;
}

import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import { createDrops, type Drops } from "../chat-hub/drops.ts";
import { clientToolNames } from "../chat-hub/tool-names.ts";
import { readTools } from "../chat-hub/tools.ts";
import type { Target } from "../translation.ts";
import type { AnswerTerms } from "./answer.ts";
import { mistralMessages } from "./messages.ts";
import { isThinking, reasoningEffort } from "./reasoning.ts";
import { mistralTools } from "./tools.ts";

/** Wishes of OpenAI's that Mistral answers with 422 ("Extra inputs are not permitted") and that an answer can do without. */
const HINTS: ReadonlySet<string> = new Set([
	"logit_bias",
	"prompt_cache_retention",
	"safety_identifier",
	"store",
	"top_k",
	"user",
	"verbosity",
]);

/** Values that say what would happen anyway; the fields themselves are as unwelcome. */
const NO_EFFECT: ReadonlyMap<string, (value: JsonValue) => boolean> = new Map([
	["logprobs", (value: JsonValue) => value === false],
	["top_logprobs", (value) => value === 0],
	["logit_bias", (value) => isJsonObject(value) && Object.keys(value).length === 0],
	["store", (value) => value === false],
	["service_tier", (value) => value === "auto" || value === "default"],
	["modalities", (value) => Array.isArray(value) && value.every((kind) => kind === "text")],
]);

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
	"temperature",
	"thinking",
	"tool_choice",
	"tools",
]);

export interface MistralRequest {
	readonly body: JsonObject;
	readonly dropped: readonly string[];
	/** What the answer is read by. */
	readonly terms: AnswerTerms;
}

/** A chat request in Mistral's words: nearly OpenAI's, and strict about the rest. What it may learn tomorrow passes. */
export function mistralRequest(request: JsonObject, target: Target): MistralRequest {
	const drops = createDrops();
	const wish = readTools(request);
	const effort = reasoningEffort(request, drops);
	const kept = keptFields(request, drops);
	const bound = request.max_completion_tokens ?? request.max_tokens;
	const thinks = isThinking({ ...kept, ...effort }, target.model);
	const { messages, prefix } = mistralMessages(request.messages, thinks, drops);
	const body: JsonObject = {
		...kept,
		...effort,
		...seedOf(request, drops),
		...temperatureOf(request, drops),
		...(bound === undefined || bound === null ? {} : { max_tokens: bound }),
		...mistralTools(wish, request, drops),
		model: target.model,
		messages,
	};
	const customTools = new Set(wish.tools.flatMap((tool) => (tool.kind === "custom" ? [tool.name] : [])));
	const terms = { target, toolName: clientToolNames(wish.tools), customTools, legacy: wish.legacy, prefix };
	return { body, dropped: drops.list(), terms };
}

function keptFields(request: JsonObject, drops: Drops): JsonObject {
	const kept: JsonObject = {};
	for (const [name, value] of Object.entries(request)) {
		if (value === undefined || value === null || REWRITTEN.has(name) || NO_EFFECT.get(name)?.(value) === true) {
			continue;
		}
		if (HINTS.has(name)) {
			drops.add(name);
		} else {
			kept[name] = value;
		}
	}
	return kept;
}

/** Mistral's scale ends there. https://docs.mistral.ai/api/#tag/chat */
const TEMPERATURE_MAX = 1.5;

function temperatureOf({ temperature }: JsonObject, drops: Drops): JsonObject {
	if (typeof temperature !== "number") {
		return {};
	}
	if (temperature > TEMPERATURE_MAX) {
		drops.add("temperature");
	}
	return { temperature: Math.min(temperature, TEMPERATURE_MAX) };
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

import { badRequest, type GatewayError } from "../../lib/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import { createDrops, type Drops } from "../chat-hub/drops.ts";
import type { Target } from "../translation.ts";
import { chatMessages } from "./input.ts";
import { chatReasoning } from "./reasoning.ts";
import { chatTools } from "./tools.ts";

/**
 * Fields that are read one by one below, that the gateway has dealt with (`previous_response_id`, `conversation`, `store`),
 * or that come back in the response and are for the client alone (`metadata`: OpenAI's chat refuses it without `store`,
 * https://community.openai.com/t/metadata-parameter-in-chat-completion-api-reference-documentation-needs-to-be-updated/1119240).
 */
const READ: ReadonlySet<string> = new Set([
	"model",
	"stream",
	"stream_options",
	"input",
	"instructions",
	"previous_response_id",
	"conversation",
	"store",
	"metadata",
	"background",
	"prompt",
	"tools",
	"tool_choice",
	"parallel_tool_calls",
	"text",
	"reasoning",
	"max_output_tokens",
	"top_logprobs",
	"include",
	"truncation",
	"n",
	"modalities",
	"service_tier",
]);

/** Fields of the same name and meaning in chat: OpenAI's own, then those of servers that speak its chat. */
const ALIKE: ReadonlySet<string> = new Set([
	"temperature",
	"top_p",
	"presence_penalty",
	"frequency_penalty",
	"user",
	"safety_identifier",
	"prompt_cache_key",
	"prompt_cache_retention",
	"prompt_cache_options",
	"moderation",
	"seed",
	"stop",
	"logit_bias",
	"logprobs",
	"prediction",
	"reasoning_effort",
	"verbosity",
	"response_format",
	"web_search_options",
	"top_k",
	"top_a",
	"min_p",
	"repetition_penalty",
	"cache_control",
	"thinking",
	"chat_template_kwargs",
	"random_seed",
	"safe_prompt",
	"search_parameters",
	"plugins",
	"provider",
	"transforms",
	"usage",
]);

const ENCRYPTED_REASONING = "reasoning.encrypted_content";
const LOGPROBS = "message.output_text.logprobs";

export interface ChatRequestBody {
	readonly body: JsonObject;
	readonly dropped: readonly string[];
	/** The client keeps the conversation and wants the sealed thinking along. */
	readonly wantsEncrypted: boolean;
}

/**
 * A Responses request as chat.
 * @throws GatewayError 400 naming what chat cannot do.
 */
export function chatRequest(request: JsonObject, target: Target): ChatRequestBody {
	const drops = createDrops();
	refuseUnsaid(request);
	const include = readInclude(request.include, drops);
	const body: JsonObject = {
		model: target.model,
		messages: chatMessages(request, drops),
		...(target.stream ? { stream: true } : {}),
		...alike(request, drops),
		...chatTools(request, drops),
		...chatText(request.text, drops),
		...chatReasoning(request.reasoning, drops),
		...chatLogprobs(request, include.has(LOGPROBS)),
	};
	if (typeof request.max_output_tokens === "number") {
		body.max_completion_tokens = request.max_output_tokens;
	}
	if (typeof request.service_tier === "string" && request.service_tier !== "auto") {
		body.service_tier = request.service_tier;
	}
	if (request.truncation === "auto") {
		drops.add("truncation");
	}
	return { body, dropped: drops.list(), wantsEncrypted: include.has(ENCRYPTED_REASONING) };
}

/** What would be another request if it were left out. */
function refuseUnsaid(request: JsonObject): void {
	if (request.background === true) {
		throw unsupported("background", "this model answers at once only; leave it out");
	}
	if (request.prompt !== undefined && request.prompt !== null) {
		throw unsupported("prompt", "a stored prompt is known to OpenAI alone; send its text as 'instructions'");
	}
	if (typeof request.n === "number" && request.n !== 1) {
		throw unsupported("n", "a response is one answer; send the request several times");
	}
	if (Array.isArray(request.modalities) && request.modalities.includes("audio")) {
		throw unsupported("modalities", "a response cannot hold sound; use chat completions");
	}
}

function alike(request: JsonObject, drops: Drops): JsonObject {
	const fields: JsonObject = {};
	for (const [name, value] of Object.entries(request)) {
		if (value === undefined || value === null || READ.has(name)) {
			continue;
		}
		if (ALIKE.has(name)) {
			fields[name] = value;
		} else {
			drops.add(name);
		}
	}
	// OpenRouter's models draw pictures when asked for them.
	return Array.isArray(request.modalities) ? { ...fields, modalities: request.modalities } : fields;
}

/** What a client wants to be told besides. Only two of the words have a meaning in chat. */
function readInclude(include: JsonValue | undefined, drops: Drops): ReadonlySet<string> {
	const words = (Array.isArray(include) ? include : []).filter((word) => typeof word === "string");
	for (const word of words) {
		if (word !== ENCRYPTED_REASONING && word !== LOGPROBS) {
			drops.add(/^[a-z_.]{1,64}$/.test(word) ? `include[].${word}` : "include[]");
		}
	}
	return new Set(words);
}

function chatLogprobs(request: JsonObject, included: boolean): JsonObject {
	const top = typeof request.top_logprobs === "number" ? request.top_logprobs : 0;
	if (top === 0 && !included) {
		return {};
	}
	return { logprobs: true, ...(top > 0 ? { top_logprobs: top } : {}) };
}

/** `text`: how the answer is to be written. */
function chatText(text: JsonValue | undefined, drops: Drops): JsonObject {
	if (!isJsonObject(text)) {
		return {};
	}
	const { format, verbosity, ...rest } = text;
	for (const [name, value] of Object.entries(rest)) {
		if (value !== undefined && value !== null) {
			drops.add(`text.${name}`);
		}
	}
	return {
		...(isJsonObject(format) ? chatFormat(format) : {}),
		...(typeof verbosity === "string" ? { verbosity } : {}),
	};
}

/** Responses writes a schema flat, chat under `json_schema`. */
function chatFormat(format: JsonObject): JsonObject {
	if (format.type === undefined || format.type === "text") {
		return {};
	}
	if (format.type !== "json_schema" || isJsonObject(format.json_schema)) {
		return { response_format: format };
	}
	const { type, ...described } = format;
	const given = Object.entries(described).filter(([, value]) => value !== undefined && value !== null);
	return { response_format: { type, json_schema: Object.fromEntries(given) } };
}

function unsupported(field: string, advice: string): GatewayError {
	return badRequest(`The field '${field}' is not available for this model: ${advice}.`, field, "unsupported_parameter");
}

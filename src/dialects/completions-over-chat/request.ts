import { badRequest, type GatewayError } from "../../lib/errors.ts";
import type { JsonObject, JsonValue } from "../../lib/json-types.ts";
import { createDrops } from "../chat-hub/drops.ts";
import { mustBe } from "../fields.ts";
import type { Target } from "../translation.ts";

/** What of a completions request its answer depends on, besides what is sent. */
export interface CompletionWish {
	readonly body: JsonObject;
	readonly dropped: readonly string[];
	/** Stands before every answer; "" unless the client asked for `echo`. */
	readonly echo: string;
	/** How many answers were asked for. */
	readonly choices: number;
}

/** OpenAI's own: https://platform.openai.com/docs/api-reference/completions/create#completions-create-max_tokens */
const MAX_TOKENS_DEFAULT = 16;

/** Fields by which a chat answers in something else than text. */
const NOT_TEXT = ["tools", "functions", "tool_choice", "function_call", "audio", "modalities"];

/**
 * A legacy completions request as chat: the prompt becomes the message of a user. Every other field means the same in
 * both and travels on.
 * @throws GatewayError 400 naming the field, where chat has nothing like it.
 */
export function readCompletion(request: JsonObject, target: Target): CompletionWish {
	const { prompt: given, suffix, echo, best_of: bestOf, logprobs, messages, max_tokens: bound, ...rest } = request;
	const prompt = readPrompt(given);
	const choices = typeof rest.n === "number" ? rest.n : 1;
	if (typeof suffix === "string" && suffix !== "") {
		throw unsupported("suffix", "it cannot fill in a gap. Put the text after the gap into the prompt and ask for it");
	}
	if (logprobs !== undefined && logprobs !== null && logprobs !== false) {
		throw unsupported("logprobs", "its log probabilities have another form. Ask /v1/chat/completions for them");
	}
	if (typeof bestOf === "number" && bestOf > choices) {
		throw unsupported("best_of", "it cannot choose among answers. Set `n` and choose yourself");
	}
	for (const name of NOT_TEXT) {
		if (!isAbsent(rest[name])) {
			throw unsupported(name, "a completion is text alone. Use /v1/chat/completions");
		}
	}
	if (bound === 0) {
		throw mustBe("max_tokens", "at least 1: the model behind this alias is a chat model, which cannot score a prompt");
	}
	const drops = createDrops();
	if (!isAbsent(messages)) {
		drops.add("messages");
	}
	return {
		body: {
			...rest,
			model: target.model,
			messages: [{ role: "user", content: prompt }],
			max_tokens: typeof bound === "number" ? bound : defaultBound(target),
		},
		dropped: drops.list(),
		echo: echo === true ? prompt : "",
		choices,
	};
}

/** A completion without a bound is short; how short the gateway may have said already, for a budget. */
function defaultBound({ outputTokensMax }: Target): number {
	return outputTokensMax > 0 ? Math.min(MAX_TOKENS_DEFAULT, outputTokensMax) : MAX_TOKENS_DEFAULT;
}

/** A text, or a list of one text. */
function readPrompt(value: JsonValue | undefined): string {
	const [prompt, second] = Array.isArray(value) ? value : [value];
	if (second !== undefined && typeof prompt === "string") {
		throw unsupported("prompt", "it answers one prompt at a time. Send each prompt in a request of its own", "content");
	}
	if (typeof prompt !== "string") {
		throw unsupported(
			"prompt",
			"it does not know the token numbers of older models. Send the prompt as text",
			"content",
		);
	}
	if (prompt === "") {
		throw mustBe("prompt", "text that is not empty: the model behind this alias is a chat model");
	}
	return prompt;
}

function isAbsent(value: JsonValue | undefined): boolean {
	return value === undefined || value === null || (Array.isArray(value) && value.length === 0);
}

function unsupported(param: string, why: string, what: "parameter" | "content" = "parameter"): GatewayError {
	const message = `The field '${param}' is not supported here: the model behind this alias is a chat model, and ${why}.`;
	return badRequest(message, param, `unsupported_${what}`);
}

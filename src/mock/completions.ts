import type { JsonObject, JsonValue } from "../lib/json-types.ts";
import { isJsonObject } from "../lib/json-types.ts";
import { type Answer, composeAnswer } from "./answer.ts";
import { chatUsage } from "./chat.ts";
import { choiceCount, firstCount } from "./read.ts";
import {
	DONE,
	dataEvent,
	type MockCall,
	type MockEvent,
	MockRefusal,
	type MockReply,
	STREAM_FAILURE,
} from "./reply.ts";
import { countTokens } from "./text.ts";

const PROMPTS_MAX = 128;

/** One choice: its place and what it says. */
interface Choice {
	readonly index: number;
	readonly answer: Answer;
}

/** `POST /v1/completions`: `n` choices for each prompt. */
export function completions(call: MockCall): MockReply {
	const prompts = promptsOf(call.body.prompt);
	const perPrompt = choiceCount(call.body);
	const tokensMax = firstCount(call.body, ["max_tokens"]);
	const choices = prompts.flatMap((userText, position): Choice[] => {
		const answer = composeAnswer(call.script, { userText, toolResult: undefined, tools: [], tokensMax });
		return Array.from({ length: perPrompt }, (_, index) => ({ index: position * perPrompt + index, answer }));
	});
	const id = call.newId("cmpl-");
	const usage = completionsUsage(prompts, choices);
	return call.body.stream === true
		? {
				kind: "events",
				events: completionEvents({ call, id, choices, usage }),
				failure: dataEvent(STREAM_FAILURE),
			}
		: {
				kind: "json",
				body: {
					...envelope(call, id),
					choices: choices.map(({ index, answer }) => choiceBody(index, answer.text.join(""), answer.finish)),
					...(call.script.usage ? { usage } : {}),
				},
			};
}

function completionsUsage(prompts: readonly string[], choices: readonly Choice[]): JsonObject {
	const promptTokens = prompts.reduce((sum, prompt) => sum + countTokens(prompt), 0);
	const outputTokens = choices.reduce((sum, { answer }) => sum + answer.outputTokens, 0);
	const reasoningTokens = choices.reduce((sum, { answer }) => sum + answer.reasoningTokens, 0);
	const [first] = choices;
	return first === undefined ? {} : chatUsage(promptTokens, { ...first.answer, outputTokens, reasoningTokens }, 1);
}

function* completionEvents(reply: {
	readonly call: MockCall;
	readonly id: string;
	readonly choices: readonly Choice[];
	readonly usage: JsonObject;
}): Generator<MockEvent> {
	const { call, id, choices, usage } = reply;
	const options = call.body.stream_options;
	const includeUsage = call.script.usage && isJsonObject(options) && options.include_usage === true;
	const chunk = (content: JsonObject, token = false) =>
		dataEvent({ ...envelope(call, id), ...(includeUsage ? { usage: null } : {}), ...content }, { token });
	for (const { index, answer } of choices) {
		for (const piece of answer.text) {
			yield chunk({ choices: [choiceBody(index, piece, null)] }, true);
		}
		yield chunk({ choices: [choiceBody(index, "", answer.finish)] });
	}
	if (includeUsage) {
		yield chunk({ choices: [], usage });
	}
	yield DONE;
}

function envelope(call: MockCall, id: string): JsonObject {
	return { id, object: "text_completion", created: call.nowSeconds, model: call.model };
}

function choiceBody(index: number, text: string, finish: string | null): JsonObject {
	return { index, text, logprobs: null, finish_reason: finish };
}

/** A prompt is a text, texts, token numbers, or lists of token numbers. Numbers are echoed as they are. */
function promptsOf(prompt: JsonValue | undefined): readonly string[] {
	if (typeof prompt === "string") {
		return [prompt];
	}
	if (!Array.isArray(prompt) || prompt.length === 0 || prompt.length > PROMPTS_MAX) {
		throw new MockRefusal(400, `'prompt' must be a text or a list of 1 to ${PROMPTS_MAX}.`, { param: "prompt" });
	}
	if (prompt.every((entry) => typeof entry === "number")) {
		return [prompt.join(" ")];
	}
	return prompt.map((entry) => (Array.isArray(entry) ? entry.join(" ") : String(entry)));
}

import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import { openChoiceStream } from "../choice-stream.ts";
import { declaredFault } from "../provider-fault.ts";
import { estimatedTokens } from "../token-estimate.ts";
import { readTokenUsage } from "../token-usage.ts";
import type { AnswerReader } from "../types.ts";

export const chatAnswer: AnswerReader = {
	operation: "chat",
	answer: "json",
	usage: (answer) => readTokenUsage(answer.usage),
	fault: declaredFault,
	outputTokensSeen(answer) {
		let tokens = 0;
		for (const choice of Array.isArray(answer.choices) ? answer.choices : []) {
			const message = isJsonObject(choice) ? choice.message : undefined;
			tokens += (isJsonObject(message) ? messageTokens(message) : undefined) ?? 0;
		}
		return Math.ceil(tokens);
	},
	openStream: (choices = 1) => openChoiceStream(choiceTokens, choices),
};

function choiceTokens(choice: JsonObject): number | undefined {
	// Perplexity repeats the whole message beside the delta, so the delta is asked first.
	const message = choice.delta ?? choice.message;
	return isJsonObject(message) ? messageTokens(message) : undefined;
}

/** Estimated tokens of a message or a delta; undefined when it holds nothing a user would call output. */
function messageTokens(message: JsonObject): number | undefined {
	const content = valueTokens(message.content);
	const reasoning = valueTokens(message.reasoning_content) ?? valueTokens(message.reasoning);
	const tools = valueTokens(message.tool_calls) ?? valueTokens(message.function_call);
	const rest = valueTokens(message.refusal);
	if (content === undefined && reasoning === undefined && tools === undefined && rest === undefined) {
		return otherTokens(message);
	}
	return (content ?? 0) + (reasoning ?? 0) + (tools ?? 0) + (rest ?? 0);
}

/** Sound, pictures and OpenRouter's reasoning details (which repeat `reasoning` where that is there). */
function otherTokens(message: JsonObject): number | undefined {
	const { audio, images, reasoning_details: details } = message;
	if (isJsonObject(audio)) {
		return valueTokens(audio.transcript) ?? 1;
	}
	const isThere = (list: JsonValue | undefined): boolean => Array.isArray(list) && list.length > 0;
	return isThere(images) || isThere(details) ? (isThere(details) ? valueTokens(details) : 1) : undefined;
}

/** What a model did not say: labels, and the provider's own seals. */
const UNSPOKEN_KEYS: ReadonlySet<string> = new Set(["id", "type", "format", "signature", "data"]);

/** Strings count; objects and lists (tool calls, Mistral's content parts) count by the strings in them. */
function valueTokens(value: JsonValue | undefined): number | undefined {
	if (typeof value === "string") {
		return value === "" ? undefined : estimatedTokens(value);
	}
	if (typeof value !== "object" || value === null) {
		return undefined;
	}
	let tokens: number | undefined;
	for (const [key, entry] of Object.entries(value)) {
		const found = UNSPOKEN_KEYS.has(key) ? undefined : valueTokens(entry);
		tokens = found === undefined ? tokens : (tokens ?? 0) + found;
	}
	return tokens;
}

import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import type { Drops } from "../chat-hub/drops.ts";
import { readReasoningDetails, readReasoningWish } from "../chat-hub/reasoning.ts";

/**
 * Mistral knows `reasoning_effort` alone; OpenRouter's and Anthropic's ways to say it become that.
 * https://docs.mistral.ai/capabilities/reasoning/
 */
export function reasoningEffort(request: JsonObject, drops: Drops): JsonObject {
	const wish = readReasoningWish(request);
	if (wish.field === undefined || wish.field === "reasoning_effort") {
		const { reasoning_effort: effort } = request;
		return effort === undefined || effort === null ? {} : { reasoning_effort: effort };
	}
	if (wish.hidden) {
		drops.add("reasoning.exclude");
	}
	if (wish.budgetTokens !== undefined) {
		drops.add(wish.field === "thinking" ? "thinking.budget_tokens" : "reasoning.max_tokens");
	}
	if (wish.effort !== undefined) {
		return { reasoning_effort: wish.effort };
	}
	return { reasoning_effort: wish.enabled === false || wish.budgetTokens === 0 ? "none" : "high" };
}

/** Whether the model thinks when answering this: others are not shown what was thought before. */
export function isThinking(request: JsonObject, model: string): boolean {
	const { reasoning_effort: effort } = request;
	return (
		/^magistral/i.test(model) ||
		(typeof effort === "string" && effort !== "none") ||
		(request.prompt_mode !== undefined && request.prompt_mode !== null)
	);
}

/** Fields by which an assistant's message may hold what it thought. */
const THOUGHTS = ["reasoning_content", "reasoning", "reasoning_details", "thinking_blocks"] as const;

/**
 * An assistant's message as Mistral takes it: its thinking as a part of the content, in plain words. What only another
 * provider can read is left out.
 */
export function withThinking(message: JsonObject, thinks: boolean, drops: Drops): JsonObject {
	const { reasoning_content, reasoning, reasoning_details, thinking_blocks, ...rest } = message;
	const { own, foreign } = splitContent(message.content);
	const text = thoughtText(message);
	if (text === "" && foreign === 0) {
		return rest;
	}
	if (text !== "" && !thinks) {
		drops.add(`messages[].${THOUGHTS.find((name) => hasValue(message[name])) ?? "content[].thinking"}`);
	}
	const thought =
		text === "" || !thinks ? [] : [{ type: "thinking", thinking: [{ type: "text", text }], closed: true }];
	return thought.length === 0 && foreign === 0 ? rest : { ...rest, content: [...thought, ...own] };
}

/** Mistral's own thinking parts hold a list, those of others a text: the latter are read as thoughts. */
function splitContent(content: JsonValue | undefined): { own: readonly JsonValue[]; foreign: number } {
	if (!Array.isArray(content)) {
		const isText = typeof content === "string" && content !== "";
		return { own: isText ? [{ type: "text", text: content }] : [], foreign: 0 };
	}
	const own = content.filter((part) => !isForeignThought(part));
	return { own, foreign: content.length - own.length };
}

function isForeignThought(part: JsonValue): boolean {
	return (
		isJsonObject(part) &&
		((part.type === "thinking" && !Array.isArray(part.thinking)) ||
			part.type === "redacted_thinking" ||
			part.type === "reasoning")
	);
}

function thoughtText(message: JsonObject): string {
	const plain = message.reasoning_content ?? message.reasoning;
	if (typeof plain === "string" && plain !== "") {
		return plain;
	}
	const details = readReasoningDetails(message);
	return details.map((detail) => (detail.type === "reasoning.text" ? detail.text : "")).join("");
}

function hasValue(value: JsonValue | undefined): boolean {
	return value !== undefined && value !== null && value !== "";
}

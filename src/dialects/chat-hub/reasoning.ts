import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";

/**
 * A piece of a model's thinking as it travels through chat: the `reasoning_details` of OpenRouter, which its SDKs and
 * others know already. What a provider sealed (a signature, encrypted thinking) goes back to it unchanged on the next turn.
 * @see https://openrouter.ai/docs/use-cases/reasoning-tokens#preserving-reasoning-blocks
 */
export type ReasoningDetail =
	/** Thinking in plain words; `signature` proves to its provider that nobody changed them. */
	| (DetailFacts & {
			readonly type: "reasoning.text";
			readonly text: string;
			readonly signature?: string | undefined;
	  })
	/** Thinking that only its provider can read. */
	| (DetailFacts & { readonly type: "reasoning.encrypted"; readonly data: string })
	| (DetailFacts & { readonly type: "reasoning.summary"; readonly summary: string });

interface DetailFacts {
	/** Whose seal it is: only a translator of the same format may send it on. */
	readonly format: ReasoningFormat | (string & {});
	/** The tool call (or other object) that the seal belongs to, or that the thinking stands in front of. */
	readonly id?: string | undefined;
}

/** Who sealed a detail. Translators make and read only their own. */
export type ReasoningFormat =
	| "anthropic-claude-v1"
	| "google-gemini-v1"
	| "bedrock-converse-v1"
	| "cohere-v2"
	| "openai-responses-v1"
	| "unknown";

/** As it stands in an answer. `index` numbers the details of one message: SDKs that add up deltas need it. */
export function writeReasoningDetails(details: readonly ReasoningDetail[]): JsonObject[] {
	return details.map((detail, index) => {
		const written: JsonObject = { type: detail.type, format: detail.format, index };
		if (detail.id !== undefined) {
			written.id = detail.id;
		}
		switch (detail.type) {
			case "reasoning.text":
				return detail.signature === undefined
					? { ...written, text: detail.text }
					: { ...written, text: detail.text, signature: detail.signature };
			case "reasoning.encrypted":
				return { ...written, data: detail.data };
			default:
				return { ...written, summary: detail.summary };
		}
	});
}

/**
 * The details of an assistant's message in a request. Read from `reasoning_details`, whole or in the fragments that a
 * client collected from a stream (of one index and type: joined); else from LiteLLM's `thinking_blocks`, or from
 * `thinking` and `redacted_thinking` parts of the content. Bare `reasoning_content` holds no seal and is not read here.
 */
export function readReasoningDetails(message: JsonObject): ReasoningDetail[] {
	if (Array.isArray(message.reasoning_details) && message.reasoning_details.length > 0) {
		return joined(message.reasoning_details);
	}
	const blocks = Array.isArray(message.thinking_blocks) ? message.thinking_blocks : message.content;
	return Array.isArray(blocks) ? blocks.flatMap(fromThinkingBlock) : [];
}

function joined(entries: readonly JsonValue[]): ReasoningDetail[] {
	const details: { detail: ReasoningDetail; index: JsonValue | undefined }[] = [];
	for (const entry of entries) {
		const detail = isJsonObject(entry) ? readDetail(entry) : undefined;
		if (!isJsonObject(entry) || detail === undefined) {
			continue;
		}
		const last = details.at(-1);
		const isFragment = last !== undefined && entry.index !== undefined && last.index === entry.index;
		const merged = isFragment ? join(last.detail, detail) : undefined;
		if (last !== undefined && merged !== undefined) {
			last.detail = merged;
		} else {
			details.push({ detail, index: entry.index });
		}
	}
	return details.map(({ detail }) => detail);
}

/** undefined where the two are no fragments of one. */
function join(left: ReasoningDetail, right: ReasoningDetail): ReasoningDetail | undefined {
	if (left.type === "reasoning.text" && right.type === "reasoning.text") {
		return { ...left, text: left.text + right.text, signature: right.signature ?? left.signature };
	}
	if (left.type === "reasoning.summary" && right.type === "reasoning.summary") {
		return { ...left, summary: left.summary + right.summary };
	}
	return undefined;
}

function readDetail(entry: JsonObject): ReasoningDetail | undefined {
	const facts = {
		format: typeof entry.format === "string" ? entry.format : "unknown",
		id: typeof entry.id === "string" ? entry.id : undefined,
	};
	switch (entry.type) {
		case "reasoning.text":
			return {
				...facts,
				type: entry.type,
				text: typeof entry.text === "string" ? entry.text : "",
				signature: typeof entry.signature === "string" ? entry.signature : undefined,
			};
		case "reasoning.encrypted":
			return typeof entry.data === "string" ? { ...facts, type: entry.type, data: entry.data } : undefined;
		case "reasoning.summary":
			return typeof entry.summary === "string" ? { ...facts, type: entry.type, summary: entry.summary } : undefined;
		default:
			return undefined;
	}
}

/** Anthropic's own blocks, as LiteLLM's users keep them. */
function fromThinkingBlock(block: JsonValue): ReasoningDetail[] {
	if (!isJsonObject(block)) {
		return [];
	}
	const format = "anthropic-claude-v1";
	if (block.type === "thinking" && typeof block.thinking === "string") {
		const signature = typeof block.signature === "string" ? block.signature : undefined;
		return [{ type: "reasoning.text", text: block.thinking, signature, format }];
	}
	return block.type === "redacted_thinking" && typeof block.data === "string"
		? [{ type: "reasoning.encrypted", data: block.data, format }]
		: [];
}

/** What a client asks of a model's thinking, whichever of the usual fields it used. */
export interface ReasoningWish {
	/** none, minimal, low, medium, high, xhigh, max; whatever else a client wrote. undefined = it left that to the model. */
	readonly effort: string | undefined;
	/** Tokens to think with. */
	readonly budgetTokens: number | undefined;
	/** True where thinking was switched on without a measure (`thinking: {type: "adaptive"}`, `reasoning: {enabled: true}`). */
	readonly enabled: boolean | undefined;
	/** The thinking is not to be shown (`reasoning.exclude`). */
	readonly hidden: boolean;
	/** The field that said so, for `dropped`; undefined = none did. */
	readonly field: "reasoning_effort" | "reasoning" | "thinking" | undefined;
}

/**
 * OpenAI's `reasoning_effort`, OpenRouter's `reasoning: {effort, max_tokens, enabled, exclude}`, Anthropic's
 * `thinking: {type, budget_tokens}`. The most explicit wins: a budget over an effort.
 */
export function readReasoningWish(json: JsonObject): ReasoningWish {
	const { thinking, reasoning, reasoning_effort: effort } = json;
	const none = { effort: undefined, budgetTokens: undefined, enabled: undefined, hidden: false };
	if (isJsonObject(thinking)) {
		const budget = numberOf(thinking.budget_tokens);
		const enabled = thinking.type !== "disabled";
		const words = enabled && typeof effort === "string" ? effort : undefined;
		return { ...none, budgetTokens: enabled ? budget : undefined, effort: words, enabled, field: "thinking" };
	}
	if (isJsonObject(reasoning)) {
		return {
			// `reasoning` may say only whether to show it, beside OpenAI's own field.
			effort: [reasoning.effort, effort].find((word) => typeof word === "string"),
			budgetTokens: numberOf(reasoning.max_tokens),
			enabled: typeof reasoning.enabled === "boolean" ? reasoning.enabled : undefined,
			hidden: reasoning.exclude === true,
			field: "reasoning",
		};
	}
	return typeof effort === "string" ? { ...none, effort, field: "reasoning_effort" } : { ...none, field: undefined };
}

function numberOf(value: JsonValue | undefined): number | undefined {
	return typeof value === "number" && value >= 0 ? Math.floor(value) : undefined;
}

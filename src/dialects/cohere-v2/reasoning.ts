import { isJsonObject, type JsonObject } from "../../lib/json-types.ts";
import type { ReasoningDetail, ReasoningFormat, ReasoningWish } from "../chat-hub/reasoning.ts";
import type { ChatTurn } from "../chat-hub/request.ts";

const FORMAT: ReasoningFormat = "cohere-v2";

/** By this id a detail of ours is known as what Cohere calls the plan of its tool calls, and not as thinking. */
const PLAN = "tool_plan";

/** Tokens to think with for the efforts below "high", which Cohere has no words for. */
const BUDGET_OF_EFFORT: ReadonlyMap<string, number> = new Map([
	["minimal", 512],
	["low", 2_048],
	["medium", 8_192],
]);

/**
 * `thinking: {type, token_budget}`; undefined = left to the model. A budget must be at least 1, so none at all is the
 * word "disabled". A client may also give Cohere's own `thinking`.
 * @see https://docs.cohere.com/docs/reasoning
 */
export function cohereThinking(wish: ReasoningWish, json: JsonObject): JsonObject | undefined {
	const { effort, enabled } = wish;
	const own = isJsonObject(json.thinking) && enabled === true ? json.thinking.token_budget : undefined;
	const budget = typeof own === "number" ? own : wish.budgetTokens;
	if (enabled === false || effort === "none" || budget === 0) {
		return { type: "disabled" };
	}
	if (enabled === undefined && effort === undefined && budget === undefined) {
		return undefined;
	}
	const tokens = budget ?? BUDGET_OF_EFFORT.get(effort ?? "");
	return tokens === undefined ? { type: "enabled" } : { type: "enabled", token_budget: tokens };
}

/** What an assistant thought earlier, as Cohere takes it back. */
export interface EarlierThoughts {
	/** Content blocks of type thinking. */
	readonly thinking: readonly JsonObject[];
	readonly plan: string | undefined;
}

/**
 * Cohere's own thinking goes back as it came. Plain text whose origin nobody knows is a plan where tools were called,
 * which models of every kind take, and is left out elsewhere: only models that think take thinking.
 */
export function earlierThoughts(turn: ChatTurn): EarlierThoughts {
	const own = turn.reasoning.flatMap((detail) =>
		detail.format === FORMAT && detail.type === "reasoning.text" && detail.text !== "" ? [detail] : [],
	);
	const plan = own
		.filter(({ id }) => id === PLAN)
		.map(({ text }) => text)
		.join("");
	return {
		thinking: own.filter(({ id }) => id !== PLAN).map(({ text }) => ({ type: "thinking", thinking: text })),
		plan: turn.toolCalls.length === 0 ? undefined : plan || turn.reasoningText || undefined,
	};
}

/** Whether the turn holds a text of unknown origin that `earlierThoughts` leaves out. */
export function hasUnplacedThoughts({ toolCalls, reasoningText = "" }: ChatTurn): boolean {
	return toolCalls.length === 0 && reasoningText !== "";
}

/** Gathers the thinking of an answer, and the plan of its calls, for the next turn of the conversation. */
export interface Thoughts {
	/** @param block Which content block it is of; undefined = the plan. */
	add(text: string, block: number | undefined): void;
	/** Complete. */
	details(): readonly ReasoningDetail[];
}

export function createThoughts(): Thoughts {
	const pieces: { readonly block: number | undefined; text: string }[] = [];
	return {
		add(text, block) {
			const last = pieces.at(-1);
			if (last !== undefined && last.block === block) {
				last.text += text;
			} else if (text !== "") {
				pieces.push({ block, text });
			}
		},
		details: () =>
			pieces.map(({ block, text }) => ({
				type: "reasoning.text",
				text,
				format: FORMAT,
				id: block === undefined ? PLAN : undefined,
			})),
	};
}

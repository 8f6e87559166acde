import type { JsonObject } from "../../lib/json-types.ts";
import { BUDGET_MIN, BUDGET_UNSAID, BUDGETS, EFFORT_OF_BUDGET } from "../chat-hub/claude-thinking.ts";
import type { Drops } from "../chat-hub/drops.ts";
import type { ReasoningDetail, ReasoningWish } from "../chat-hub/reasoning.ts";
import type { ChatTurn } from "../chat-hub/request.ts";
import type { ModelFacts } from "./models.ts";

/** Whose seals these are. */
export const SEAL_FORMAT = "anthropic-claude-v1";

const STRENGTHS: readonly string[] = ["minimal", "low", "medium", "high", "xhigh", "max"];

export interface ThinkingPlan {
	/** The field `thinking`; undefined = the model's own default. */
	readonly thinking: JsonObject | undefined;
	/** `output_config.effort`. */
	readonly effort: string | undefined;
	/** Whether the request asks for thinking: it brings limits on sampling with it. */
	readonly asked: boolean;
}

const NOTHING: ThinkingPlan = { thinking: undefined, effort: undefined, asked: false };

/** Whether the client wants the model to think. undefined = it did not say. */
function wantsThinking(wish: ReasoningWish): boolean | undefined {
	if (wish.field === undefined) {
		return undefined;
	}
	if (wish.budgetTokens !== undefined) {
		return wish.budgetTokens > 0;
	}
	if (wish.effort !== undefined) {
		return wish.effort !== "none" && wish.effort !== "off";
	}
	return wish.enabled;
}

export interface ThinkingSituation {
	readonly facts: ModelFacts;
	readonly maxTokens: number;
	/** A tool must be called: no model thinks then. */
	readonly forcedTool: boolean;
	readonly turns: readonly ChatTurn[];
	readonly drops: Drops;
}

/**
 * How the wish is said to this model. What cannot be said is left out under the name of the client's field; a tool that
 * must be called, and a tool loop whose thinking the client has lost, come before the wish to think.
 */
export function planThinking(wish: ReasoningWish, situation: ThinkingSituation): ThinkingPlan {
	const { facts, forcedTool, drops } = situation;
	const wants = wantsThinking(wish);
	const field = wish.field ?? "reasoning_effort";
	if (wants === false) {
		return switchedOff(facts, () => drops.add(field));
	}
	// "Thinking may not be enabled when tool_choice forces tool use."
	if (forcedTool) {
		if (wants) {
			drops.add(field);
		}
		const thinksUnasked = facts.thinking === "adaptive" && facts.thinkingOff !== "never";
		return wants || thinksUnasked ? switchedOff(facts, () => undefined) : NOTHING;
	}
	if (!wants) {
		return NOTHING;
	}
	if (wish.effort !== undefined && !STRENGTHS.includes(wish.effort)) {
		drops.add(field);
	}
	if (facts.thinking === "adaptive") {
		return adaptive(wish, facts);
	}
	const budget = facts.thinking === "none" || blocksThinking(situation.turns) ? undefined : budgetOf(wish, situation);
	if (budget === undefined) {
		drops.add(field);
		return NOTHING;
	}
	return { thinking: { type: "enabled", budget_tokens: budget }, effort: undefined, asked: true };
}

function switchedOff(facts: ModelFacts, cannot: () => void): ThinkingPlan {
	switch (facts.thinkingOff) {
		case "omit":
			return NOTHING;
		case "never":
			cannot();
			return { ...NOTHING, effort: facts.efforts[0] };
		default:
			return { ...NOTHING, thinking: { type: facts.thinkingOff } };
	}
}

/** `display`: models from 4.7 on leave the text of their thinking out unless it is asked for. */
function adaptive(wish: ReasoningWish, facts: ModelFacts): ThinkingPlan {
	return {
		thinking: { type: "adaptive", display: wish.hidden ? "omitted" : "summarized" },
		effort: effortOf(wish, facts.efforts),
		asked: true,
	};
}

/** The strongest effort the model knows that is not above the one wished for, or its weakest. */
function effortOf({ effort, budgetTokens }: ReasoningWish, known: readonly string[]): string | undefined {
	const wished =
		budgetTokens === undefined
			? effort
			: (EFFORT_OF_BUDGET.find(([most]) => budgetTokens <= most)?.[1] ?? known.at(-1));
	const strength = wished === undefined ? -1 : STRENGTHS.indexOf(wished);
	if (strength === -1) {
		return undefined;
	}
	return STRENGTHS.slice(0, strength + 1).findLast((word) => known.includes(word)) ?? known[0];
}

/**
 * Tokens to think with: less than the answer's bound, so that something is left to answer with. The bound itself is never
 * raised: so much has been reserved of the key's budget. undefined where no budget is small enough.
 */
function budgetOf(wish: ReasoningWish, { maxTokens, drops }: ThinkingSituation): number | undefined {
	const explicit = wish.budgetTokens;
	const wished = explicit ?? BUDGETS.get(wish.effort ?? "") ?? BUDGET_UNSAID;
	const room = maxTokens - Math.max(1, Math.floor(maxTokens / 5));
	const most = explicit !== undefined && explicit < maxTokens ? explicit : room;
	const budget = Math.max(BUDGET_MIN, Math.min(wished, most));
	if (budget >= maxTokens) {
		return undefined;
	}
	if (explicit !== undefined && budget !== explicit) {
		drops.add(wish.field === "reasoning" ? "reasoning.max_tokens" : "thinking.budget_tokens");
	}
	return budget;
}

/**
 * With a budget, the turn that is going on must begin with thinking: "Expected `thinking` or `redacted_thinking`, but
 * found `tool_use`". It does not where the client lost it, where another model began the turn, and where the client
 * writes the beginning of the answer itself. Models that think adaptively do not mind.
 */
function blocksThinking(turns: readonly ChatTurn[]): boolean {
	const lastAsked = turns.findLastIndex(
		(turn) => turn.role !== "assistant" && turn.role !== "tool" && turn.parts.length > 0,
	);
	const began = turns.slice(lastAsked + 1).find((turn) => turn.role === "assistant");
	return began !== undefined && thinkingOf(began).front.length === 0;
}

/** The thinking of an earlier turn, unchanged and in its place. */
export interface PlacedThinking {
	readonly front: readonly JsonObject[];
	/** What stands in front of a call, by the id that the client knows the call by. */
	readonly beforeCall: ReadonlyMap<string, readonly JsonObject[]>;
}

/** Thinking without a seal, or under another's, is worth nothing here. */
export function thinkingOf({ reasoning, toolCalls }: ChatTurn): PlacedThinking {
	const calls = new Set(toolCalls.map(({ id }) => id));
	const front: JsonObject[] = [];
	const beforeCall = new Map<string, JsonObject[]>();
	for (const detail of reasoning) {
		const block = thinkingBlock(detail);
		if (block === undefined) {
			continue;
		}
		if (detail.id === undefined || !calls.has(detail.id)) {
			front.push(block);
		} else {
			beforeCall.set(detail.id, [...(beforeCall.get(detail.id) ?? []), block]);
		}
	}
	return { front, beforeCall };
}

function thinkingBlock(detail: ReasoningDetail): JsonObject | undefined {
	if (detail.format !== SEAL_FORMAT) {
		return undefined;
	}
	if (detail.type === "reasoning.encrypted") {
		return { type: "redacted_thinking", data: detail.data };
	}
	return detail.type === "reasoning.text" && detail.signature
		? { type: "thinking", thinking: detail.text, signature: detail.signature }
		: undefined;
}

/**
 * Newer models refuse a conversation whose beginning has changed since they thought about it. Apps change theirs as they
 * like (a date in the instructions, turns cut off), so what no longer fits is to be left out instead.
 * @see https://platform.claude.com/docs/en/build-with-claude/preserved-thinking/fix-bound-to-a-different-conversation
 */
export function unbound(plan: ThinkingPlan, betas: Set<string>): ThinkingPlan {
	if (plan.thinking !== undefined && plan.thinking.type !== "adaptive") {
		return plan;
	}
	betas.add("thinking-binding-controls-2026-08-01");
	const binding = { prefix_mismatch_behavior: "drop_block" };
	return { ...plan, thinking: { type: "adaptive", ...plan.thinking, block_binding: binding } };
}

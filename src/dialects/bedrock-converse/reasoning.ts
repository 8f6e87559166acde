import { isJsonObject, type JsonObject } from "../../lib/json-types.ts";
import { BUDGET_MIN, BUDGET_UNSAID, BUDGETS, EFFORT_OF_BUDGET } from "../chat-hub/claude-thinking.ts";
import type { Drops } from "../chat-hub/drops.ts";
import type { ReasoningWish } from "../chat-hub/reasoning.ts";
import type { ChatRequest, ChatTurn } from "../chat-hub/request.ts";
import { type BedrockModel, isGptOss, isNova2 } from "./models.ts";
import { reasoningBlocks } from "./thinking-blocks.ts";

/** How a model is asked to think, and what that leaves of the other parameters. */
export interface ReasoningPlan {
	/** For `additionalModelRequestFields`. */
	readonly additional: JsonObject;
	/** Anthropic's rules for sampling apply: thinking is on. */
	readonly claudeThinks: boolean;
	/** The bound to send where thinking needs one and the client gave none. */
	readonly maxTokens?: number | undefined;
	/** Nova at its highest effort takes neither temperature nor topP. */
	readonly withoutSampling?: boolean | undefined;
}

interface ReasoningContext {
	readonly json: JsonObject;
	readonly chat: ChatRequest;
	readonly model: BedrockModel;
	/** A tool must be called: Claude cannot think then. */
	readonly forced: boolean;
	/** Output tokens reserved, where the client gave no bound. */
	readonly outputTokensMax: number;
	readonly drops: Drops;
}

const OFF: ReasoningPlan = { additional: {}, claudeThinks: false };

/** Of an output bound, where the budget is ours to choose: something must be left to answer with. */
const BUDGET_SHARE_MAX = 0.8;

/** The thinking a client asked for, in the words of the model's maker; named as left out where it has none. */
export function planReasoning(context: ReasoningContext): ReasoningPlan {
	const { model, drops } = context;
	const wish = context.chat.reasoning;
	if (wish.field === undefined) {
		return OFF;
	}
	switch (model.family) {
		case "anthropic":
			return planClaude(wish, context);
		case "nova":
			return isNova2(model) ? planNova(wish, context) : dropped(wish, drops);
		case "openai":
			return planOpenai(wish, context);
		case "unknown":
			// Anthropic's own field says what the model behind the profile is.
			return wish.field === "thinking" && wish.enabled === true && !context.forced
				? planBudget(wish, context)
				: dropped(wish, drops);
		default:
			return dropped(wish, drops);
	}
}

function dropped(wish: ReasoningWish, drops: Drops): ReasoningPlan {
	if (!isOff(wish) && wish.field !== undefined) {
		drops.add(wish.field);
	}
	return OFF;
}

function isOff({ effort, enabled, budgetTokens }: ReasoningWish): boolean {
	return effort === "none" || effort === "off" || enabled === false || budgetTokens === 0;
}

/** A wish that leaves everything to the model, or only hides the thinking. */
function isEmpty({ effort, enabled, budgetTokens }: ReasoningWish): boolean {
	return effort === undefined && enabled === undefined && budgetTokens === undefined;
}

/** @see https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-extended-thinking.html */
function planClaude(wish: ReasoningWish, context: ReasoningContext): ReasoningPlan {
	const { claude } = context.model;
	if (claude === undefined || claude.thinking === "none") {
		return dropped(wish, context.drops);
	}
	if (isOff(wish)) {
		return claude.canStopThinking ? stopped(claude.thinksByDefault) : leastThinking(wish, context);
	}
	if (isEmpty(wish)) {
		return OFF;
	}
	if (context.forced) {
		// "Thinking may not be enabled when tool_choice forces tool use": the call is the contract, thinking a wish.
		context.drops.add(wish.field ?? "reasoning_effort");
		return stopped(claude.thinksByDefault);
	}
	if (wish.effort !== undefined && !BUDGETS.has(wish.effort)) {
		context.drops.add(wish.field ?? "reasoning_effort");
	}
	return claude.thinking === "budget" || (wish.budgetTokens !== undefined && claude.takesBudget)
		? planBudget(wish, context)
		: planAdaptive(wish, context);
}

function stopped(mustSaySo: boolean): ReasoningPlan {
	return mustSaySo ? { ...OFF, additional: { thinking: { type: "disabled" } } } : OFF;
}

function leastThinking(wish: ReasoningWish, { drops }: ReasoningContext): ReasoningPlan {
	drops.add(wish.field ?? "reasoning_effort");
	return { claudeThinks: true, additional: { output_config: { effort: "low" } } };
}

function planAdaptive(wish: ReasoningWish, { model, json, drops }: ReasoningContext): ReasoningPlan {
	if (wish.budgetTokens !== undefined) {
		drops.add(wish.field === "thinking" ? "thinking.budget_tokens" : "reasoning.max_tokens");
	}
	const asked = isJsonObject(json.thinking) ? json.thinking.display : undefined;
	const shown = model.claude?.hidesThinking === true ? { display: wish.hidden ? "omitted" : "summarized" } : {};
	const display = typeof asked === "string" ? { display: asked } : shown;
	const effort = claudeEffort(wish, model);
	const told = effort === undefined ? {} : { output_config: { effort } };
	return { claudeThinks: true, additional: { thinking: { type: "adaptive", ...display }, ...told } };
}

/** The nearest weaker word where the model does not know one; a budget by its size. */
function claudeEffort({ effort, budgetTokens }: ReasoningWish, { claude }: BedrockModel): string | undefined {
	if (effort === undefined && budgetTokens !== undefined) {
		return EFFORT_OF_BUDGET.find(([most]) => budgetTokens <= most)?.[1] ?? "max";
	}
	if (effort === "minimal") {
		return "low";
	}
	if (!BUDGETS.has(effort ?? "")) {
		return undefined;
	}
	return effort === "xhigh" && claude?.knowsXhigh === false ? "high" : effort;
}

/** A number of tokens, which must leave room in the output bound. */
function planBudget(wish: ReasoningWish, context: ReasoningContext): ReasoningPlan {
	const { chat, model, drops, outputTokensMax } = context;
	const field = wish.field ?? "reasoning_effort";
	const maxTokens = chat.outputTokensMax ?? outputTokensMax;
	const wanted = wish.budgetTokens ?? BUDGETS.get(wish.effort ?? "") ?? BUDGET_UNSAID;
	const share = wish.budgetTokens === undefined ? Math.floor(maxTokens * BUDGET_SHARE_MAX) : maxTokens - 1;
	const budget = Math.max(BUDGET_MIN, Math.min(wanted, share));
	if (budget >= maxTokens || lacksThinking(chat.turns, model)) {
		drops.add(field);
		return OFF;
	}
	if (wish.budgetTokens !== undefined && budget !== wish.budgetTokens) {
		drops.add(field === "thinking" ? "thinking.budget_tokens" : "reasoning.max_tokens");
	}
	return {
		claudeThinks: true,
		maxTokens: chat.outputTokensMax === undefined ? outputTokensMax : undefined,
		additional: { thinking: { type: "enabled", budget_tokens: budget } },
	};
}

/**
 * "When thinking is enabled, a final assistant message must start with a thinking block": a client that does not keep
 * them can go on with its tools all the same, without thinking until the next question. Adaptive thinking does not mind.
 */
function lacksThinking(turns: readonly ChatTurn[], model: BedrockModel): boolean {
	const lastAsked = turns.findLastIndex(
		(turn) => turn.role !== "assistant" && turn.role !== "tool" && turn.parts.length > 0,
	);
	const loop = turns.slice(lastAsked + 1);
	const first = loop.find((turn) => turn.role === "assistant");
	return first !== undefined && reasoningBlocks(first.reasoning, model).length === 0;
}

/**
 * Nova 2 thinks in three steps. At the highest it takes no bound on its output, so a client that gave one gets the
 * second: the bound is what it pays by.
 * @see https://docs.aws.amazon.com/nova/latest/nova2-userguide/extended-thinking.html
 */
function planNova(wish: ReasoningWish, { chat, drops }: ReasoningContext): ReasoningPlan {
	if (isOff(wish) || isEmpty(wish)) {
		return OFF;
	}
	if (wish.budgetTokens !== undefined) {
		drops.add(wish.field === "thinking" ? "thinking.budget_tokens" : "reasoning.max_tokens");
	}
	const step = threeSteps(wish.effort);
	const isBounded = step === "high" && chat.outputTokensMax !== undefined;
	if (isBounded) {
		drops.add(wish.field ?? "reasoning_effort");
	}
	const effort = isBounded ? "medium" : step;
	return {
		claudeThinks: false,
		withoutSampling: effort === "high",
		additional: { reasoningConfig: { type: "enabled", maxReasoningEffort: effort } },
	};
}

function threeSteps(effort: string | undefined): "low" | "medium" | "high" {
	switch (effort) {
		case "minimal":
		case "low":
			return "low";
		case "high":
		case "xhigh":
		case "max":
			return "high";
		default:
			return "medium";
	}
}

/**
 * gpt-oss takes OpenAI's flat field and three steps, GPT-5 and later the nested one and more.
 * @see https://github.com/stdapi-ai/stdapi.ai/issues/283
 */
function planOpenai(wish: ReasoningWish, { model, drops }: ReasoningContext): ReasoningPlan {
	if (wish.budgetTokens !== undefined) {
		drops.add(wish.field === "thinking" ? "thinking.budget_tokens" : "reasoning.max_tokens");
	}
	if (isGptOss(model)) {
		if (isOff(wish)) {
			drops.add(wish.field ?? "reasoning_effort");
			return { ...OFF, additional: { reasoning_effort: "low" } };
		}
		return wish.effort === undefined ? OFF : { ...OFF, additional: { reasoning_effort: threeSteps(wish.effort) } };
	}
	const effort = isOff(wish) ? "none" : wish.effort === "minimal" ? "low" : wish.effort;
	return effort === undefined ? OFF : { ...OFF, additional: { reasoning: { effort } } };
}

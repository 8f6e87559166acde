import type { JsonObject } from "../../lib/json-types.ts";
import type { Drops } from "../chat-hub/drops.ts";
import type { ReasoningWish } from "../chat-hub/reasoning.ts";
import type { ThinkingControl, ThinkingLevel } from "./models.ts";

type Levels = Extract<ThinkingControl, { by: "level" }>["levels"];

/** Google's own reading of OpenAI's efforts: https://ai.google.dev/gemini-api/docs/openai#thinking */
const BUDGETS: ReadonlyMap<string, number> = new Map([
	["minimal", 1_024],
	["low", 1_024],
	["medium", 8_192],
	["high", 24_576],
	["xhigh", Number.POSITIVE_INFINITY],
	["max", Number.POSITIVE_INFINITY],
]);
const LEVELS: ReadonlyMap<string, ThinkingLevel> = new Map([
	["minimal", "MINIMAL"],
	["low", "LOW"],
	["medium", "MEDIUM"],
	["high", "HIGH"],
	["xhigh", "HIGH"],
	["max", "HIGH"],
]);
const ORDER: readonly ThinkingLevel[] = ["MINIMAL", "LOW", "MEDIUM", "HIGH"];
/** As much as the model sees fit. */
const DYNAMIC_BUDGET = -1;

/** What a client wishes of the thinking, as the model takes it; undefined leaves it to the model. */
export function thinkingConfig(wish: ReasoningWish, control: ThinkingControl, drops: Drops): JsonObject | undefined {
	const { field, effort, budgetTokens, enabled } = wish;
	const isOff = effort === "none" || enabled === false || budgetTokens === 0;
	if (field === undefined || (effort === undefined && budgetTokens === undefined && enabled === undefined)) {
		return undefined;
	}
	if (control.by === "nothing") {
		if (!isOff) {
			drops.add(field);
		}
		return undefined;
	}
	if (isOff) {
		return leastThinking(control, field, drops);
	}
	return { ...measureOf(wish, control, drops), ...(wish.hidden ? {} : { includeThoughts: true }) };
}

/** Models that cannot stop thinking think as little as they can. */
function leastThinking(
	control: Exclude<ThinkingControl, { by: "nothing" }>,
	field: string,
	drops: Drops,
): JsonObject | undefined {
	if (control.by === "budget" && control.budgetMin === 0) {
		return { thinkingBudget: 0 };
	}
	drops.add(field);
	return control.by === "budget" ? { thinkingBudget: control.budgetMin } : { thinkingLevel: control.levels[0] };
}

/** A budget goes before an effort; Gemini refuses both at once. Later models take a budget as well, in their own way. */
function measureOf(
	{ effort, budgetTokens, field }: ReasoningWish,
	control: Exclude<ThinkingControl, { by: "nothing" }>,
	drops: Drops,
): JsonObject {
	const least = control.by === "budget" ? control.budgetLeast : 1;
	if (budgetTokens !== undefined) {
		return { thinkingBudget: Math.min(control.budgetMax, Math.max(least, budgetTokens)) };
	}
	if (effort !== undefined && !LEVELS.has(effort) && effort !== "auto") {
		drops.add(field ?? "reasoning_effort");
	}
	if (control.by === "level") {
		const level = LEVELS.get(effort ?? "");
		return level === undefined ? {} : { thinkingLevel: nearest(level, control.levels) };
	}
	const budget = BUDGETS.get(effort ?? "");
	return { thinkingBudget: budget === undefined ? DYNAMIC_BUDGET : Math.min(control.budgetMax, budget) };
}

/** The level itself, else the next above it, as Google does; the highest where there is none above. */
function nearest(level: ThinkingLevel, levels: Levels): ThinkingLevel {
	const place = ORDER.indexOf(level);
	return levels.find((candidate) => ORDER.indexOf(candidate) >= place) ?? levels.at(-1) ?? levels[0];
}

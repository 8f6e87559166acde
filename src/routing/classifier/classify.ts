import type { PromptMessage, PromptView } from "../../lib/prompt-view.ts";
import { type Evidence, evidenceOf, featureSignals, type Signal } from "./explain.ts";
import type { Model } from "./model.ts";
import { createReader, type Reader } from "./read-features.ts";
import { scoreText, type TextScore } from "./text-score.ts";

export interface Classified {
	/** 0 to 1: the share of ordinary prompts that are easier. */
	readonly score: number;
	/** What moved it, largest first, summing to it. Worked out when asked for, without reading the text again. */
	signals(): readonly Signal[];
}

/** How far back a message looks for the task it stands for. */
const EARLIER_TURNS_MAX = 12;
/** Of the turns looked at, so many are scored. */
const EARLIER_SCORED_MAX = 3;
/** What the answer that was approved counts for, where it asked for approval. */
const OFFER_SHARE = 0.35;
const OFFER_CONTENT_MIN = 5;
const OFFER_TAIL = 240;
/** A follow-up with so many words of substance says what it asks for. */
const FOLLOW_UP_CONTENT = 4;
const COURTESY_SCORE = 0.01;
const HEADING_SHARE = 0.1;
/** The most a system prompt adds. */
const SYSTEM_SHARE = 0.03;
/** Of what is left up to 1, the most that each adds, and how much of it there must be for half of that. */
const TOOL_COUNT = { max: 0.12, half: 6 };
const TOOL_ARGUMENTS = { max: 0.14, half: 8 };
const TOOL_STEPS = { max: 0.6, half: 3 };
/** "Hi" asks nothing of any tool. */
const TOOL_CONTENT_HALF = 3;

export type Classifier = (view: PromptView) => Classified;

export function createClassifier(model: Model): Classifier {
	const reader = createReader(model.tables);
	return (view) => {
		const parts = scoreView(model, reader, view);
		return {
			score: parts.score,
			signals: () => (parts.evidence === undefined ? [] : signalsOf(model, parts.steps, parts.evidence)),
		};
	};
}

interface ViewParts {
	readonly score: number;
	/** What the score of the task's own text was worked out from. */
	readonly evidence: Evidence | undefined;
	/** Score of the task's own text, and what was made of it, step by step. */
	readonly steps: readonly (readonly [name: string, score: number])[];
}

function scoreView(model: Model, reader: Reader, view: PromptView): ViewParts {
	const { messages } = view;
	const last = taskIndex(messages);
	const task = messages[last];
	if (task === undefined || task.text.trim() === "") {
		return { score: 0, evidence: undefined, steps: [] };
	}
	const own = scoreText(model, reader, task.text);
	const evidence = evidenceOf(model, reader, own);
	const inContext = withContext(model, reader, own, messages.slice(0, last));
	const system = messages.find(({ role, text }) => isSystem(role) && text !== "");
	const withSystem =
		system === undefined || system === task || own.kind === "courtesy"
			? inContext
			: inContext + SYSTEM_SHARE * scoreText(model, reader, system.text).score * (1 - inContext);
	const withTools = own.kind === "courtesy" ? withSystem : addTools(withSystem, own, view);
	return {
		score: withTools,
		evidence,
		steps: [
			["text", own.unheld],
			["last_line", own.score],
			["conversation", inContext],
			["system_prompt", withSystem],
			["tools", withTools],
		],
	};
}

/** The last user message; without one, the last message there is. */
function taskIndex(messages: readonly PromptMessage[]): number {
	const user = messages.findLastIndex(({ role }) => role === "user");
	return user === -1 ? messages.length - 1 : user;
}

function isSystem(role: string): boolean {
	return role === "system" || role === "developer";
}

function withContext(model: Model, reader: Reader, own: TextScore, before: readonly PromptMessage[]): number {
	switch (own.kind) {
		case "courtesy":
			return COURTESY_SCORE;
		case "heading":
			return own.score * HEADING_SHARE;
		case "approval":
			return approved(model, reader, before) ?? own.score * HEADING_SHARE;
		case "follow_up":
			return followUp(own, earlierTask(model, reader, before));
		case "task":
			return own.score;
	}
}

/** The fewer words a follow-up has, the less they say by themselves. */
function followUp({ score, content, share }: TextScore, earlier: number | undefined): number {
	return earlier === undefined ? score : Math.max(score * Math.min(1, content / FOLLOW_UP_CONTENT), share * earlier);
}

/** The score of what an approval approves: the task, and the answer that asked for approval. */
function approved(model: Model, reader: Reader, before: readonly PromptMessage[]): number | undefined {
	const task = earlierTask(model, reader, before);
	const answer = before.findLast(({ role, text }) => role === "assistant" && text !== "");
	if (answer === undefined || !/[?？؟]/.test(answer.text.slice(-OFFER_TAIL))) {
		return task;
	}
	const offer = scoreText(model, reader, answer.text);
	if (offer.content < OFFER_CONTENT_MIN) {
		return task;
	}
	return task === undefined ? offer.score : task + OFFER_SHARE * (offer.score - task);
}

/** The score of the latest user message that asks for something by itself. */
function earlierTask(model: Model, reader: Reader, before: readonly PromptMessage[]): number | undefined {
	let scored = 0;
	let best: number | undefined;
	for (const { role, text } of before.slice(-EARLIER_TURNS_MAX).reverse()) {
		if (role !== "user" || text.trim() === "") {
			continue;
		}
		const found = scoreText(model, reader, text);
		scored += 1;
		if (found.kind === "task" || found.kind === "heading") {
			return Math.max(found.kind === "task" ? found.score : found.score * HEADING_SHARE, best ?? 0);
		}
		if (found.kind === "follow_up") {
			best = Math.max(found.score, best ?? 0);
		}
		if (scored >= EARLIER_SCORED_MAX && best !== undefined) {
			return best;
		}
	}
	return best;
}

function addTools(score: number, own: TextScore, { tools }: PromptView): number {
	if (tools.count === 0) {
		return score;
	}
	// One tool that needs nothing is a request like any other.
	const more =
		saturating(tools.count - 1, TOOL_COUNT) +
		saturating(tools.required, TOOL_ARGUMENTS) +
		saturating(own.steps, TOOL_STEPS);
	return score + (1 - score) * more * (own.content / (own.content + TOOL_CONTENT_HALF));
}

/** Rises from 0 towards `max`, half of it at `half`: the tenth of a thing says less than the first. */
function saturating(amount: number, { max, half }: { readonly max: number; readonly half: number }): number {
	return (max * amount) / (amount + half);
}

function signalsOf(model: Model, steps: ViewParts["steps"], evidence: Evidence): readonly Signal[] {
	const signals = featureSignals(model, evidence);
	for (const [index, [name, score]] of steps.entries()) {
		const before = steps[index - 1]?.[1];
		if (before !== undefined && score !== before) {
			signals.push({ name, contribution: score - before });
		}
	}
	return signals.sort((left, right) => Math.abs(right.contribution) - Math.abs(left.contribution));
}

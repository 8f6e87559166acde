import type { Strategy, Tier } from "../config/types.ts";
import {
	type Decision,
	EXCLUSIONS,
	SESSION_OUTCOMES,
	SESSION_SOURCES,
	type SessionNote,
	type Signal,
} from "./types.ts";

/** The first entry of every text: another number would be another form. */
const FORM = 1;
/** Signals kept by name; the others are summed up as `other`, so that the sum stays the score. */
const SIGNALS_MAX = 8;
const STRATEGIES: readonly Strategy[] = ["round_robin", "least_latency", "least_busy", "cheapest", "classifier"];
const TIERS: readonly Tier[] = ["simple", "medium", "complex"];

/**
 * A decision as it lies in the ledger: a JSON array of fixed places, words as their place in lists (which
 * may grow at their ends only), numbers with four decimals. About 200 bytes.
 */
export function encodeDecision(decision: Decision): string {
	const { session, shadow } = decision;
	return JSON.stringify([
		FORM,
		STRATEGIES.indexOf(decision.strategy),
		// Rounded down: a score is never shown on the other side of a threshold.
		Math.floor(decision.score * 10_000) / 10_000,
		TIERS.indexOf(decision.bucket),
		shortened(decision.signals).flatMap(({ name, contribution }) => [name, Math.round(contribution * 10_000) / 10_000]),
		decision.candidates,
		decision.excluded.flatMap(({ deploymentId, reason }) => [deploymentId, EXCLUSIONS.indexOf(reason)]),
		session === undefined
			? 0
			: [SESSION_SOURCES.indexOf(session.source), SESSION_OUTCOMES.indexOf(session.outcome), session.warmAt ?? 0],
		shadow === undefined ? 0 : [STRATEGIES.indexOf(shadow.strategy), shadow.deploymentId],
	]);
}

function shortened(signals: readonly Signal[]): readonly Signal[] {
	if (signals.length <= SIGNALS_MAX) {
		return signals;
	}
	const rest = signals.slice(SIGNALS_MAX).reduce((sum, { contribution }) => sum + contribution, 0);
	return [...signals.slice(0, SIGNALS_MAX), { name: "other", contribution: rest }];
}

/** undefined for a text of another form, or none at all: what is told of a request never fails for it. */
export function decodeDecision(text: string | undefined): Decision | undefined {
	if (text === undefined) {
		return undefined;
	}
	let parts: unknown;
	try {
		parts = JSON.parse(text);
	} catch {
		return undefined;
	}
	if (!Array.isArray(parts) || parts[0] !== FORM) {
		return undefined;
	}
	const [, strategyAt, score, bucketAt, signals, candidates, excluded, session, shadow] = parts as readonly unknown[];
	const strategy = at(STRATEGIES, strategyAt);
	const bucket = at(TIERS, bucketAt);
	if (strategy === undefined || bucket === undefined || !isNumber(score)) {
		return undefined;
	}
	return {
		strategy,
		score,
		bucket,
		signals: pairs(signals).flatMap(([name, contribution]) =>
			isText(name) && isNumber(contribution) ? [{ name, contribution }] : [],
		),
		candidates: list(candidates).filter(isText),
		excluded: pairs(excluded).flatMap(([deploymentId, reasonAt]) => {
			const reason = at(EXCLUSIONS, reasonAt);
			return isText(deploymentId) && reason !== undefined ? [{ deploymentId, reason }] : [];
		}),
		session: decodeSession(list(session)),
		shadow: decodeShadow(list(shadow)),
	};
}

function decodeSession([sourceAt, outcomeAt, warmAt]: readonly unknown[]): SessionNote | undefined {
	const source = at(SESSION_SOURCES, sourceAt);
	const outcome = at(SESSION_OUTCOMES, outcomeAt);
	return source === undefined || outcome === undefined
		? undefined
		: { source, outcome, warmAt: isText(warmAt) ? warmAt : undefined };
}

function decodeShadow([strategyAt, deploymentId]: readonly unknown[]): Decision["shadow"] {
	const strategy = at(STRATEGIES, strategyAt);
	return strategy === undefined || !isText(deploymentId) ? undefined : { strategy, deploymentId };
}

/** undefined for a place that the list does not have: a later version's, perhaps. */
function at<Word>(words: readonly Word[], place: unknown): Word | undefined {
	return isNumber(place) ? words[place] : undefined;
}

function isText(value: unknown): value is string {
	return typeof value === "string";
}

/** `1e999` is JSON too. */
function isNumber(value: unknown): value is number {
	return Number.isFinite(value);
}

function list(value: unknown): readonly unknown[] {
	return Array.isArray(value) ? value : [];
}

function pairs(value: unknown): readonly (readonly [unknown, unknown])[] {
	const flat = list(value);
	return Array.from(
		{ length: Math.floor(flat.length / 2) },
		(_, index) => [flat[2 * index], flat[2 * index + 1]] as const,
	);
}

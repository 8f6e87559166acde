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
/** Signals kept by name; what the others come to is `other`, so that the sum stays the score. */
const SIGNALS_MAX = 8;
/** Figures are kept as whole numbers of this part of one. */
const UNITS = 10_000;
const STRATEGIES: readonly Strategy[] = ["round_robin", "least_latency", "least_busy", "cheapest", "classifier"];
const TIERS: readonly Tier[] = ["simple", "medium", "complex"];

/**
 * A decision as it lies in the ledger: a JSON array of fixed places, words as their place in lists (which may grow at
 * their ends only), figures in ten-thousandths, and a deployment that is named once already as its place among the
 * candidates and those excluded. About 280 bytes for three deployments.
 */
export function encodeDecision(decision: Decision): string {
	const { candidates, excluded, session, shadow } = decision;
	const scoreUnits = roundedDown(decision.score);
	const named = [...candidates, ...excluded.map(({ deploymentId }) => deploymentId)];
	const refer = (id: string) => {
		const place = named.indexOf(id);
		return place < 0 ? id : place;
	};
	return JSON.stringify([
		FORM,
		STRATEGIES.indexOf(decision.strategy),
		scoreUnits,
		TIERS.indexOf(decision.bucket),
		signalUnits(decision.signals, scoreUnits),
		candidates,
		excluded.flatMap(({ deploymentId, reason }) => [deploymentId, EXCLUSIONS.indexOf(reason)]),
		session === undefined
			? 0
			: [
					SESSION_SOURCES.indexOf(session.source),
					SESSION_OUTCOMES.indexOf(session.outcome),
					...(session.warmAt === undefined ? [] : [refer(session.warmAt)]),
				],
		shadow === undefined ? 0 : [STRATEGIES.indexOf(shadow.strategy), refer(shadow.deploymentId)],
	]);
}

/** A score is never shown on the other side of a threshold. */
function roundedDown(score: number): number {
	const units = Math.round(score * UNITS);
	return units / UNITS > score ? units - 1 : units;
}

/** Names and figures by turns. */
function signalUnits(signals: readonly Signal[], scoreUnits: number): readonly (string | number)[] {
	const kept = signals
		.slice(0, SIGNALS_MAX)
		.map(({ name, contribution }) => [name, Math.round(contribution * UNITS)] as const);
	const rest = scoreUnits - kept.reduce((sum, [, units]) => sum + units, 0);
	return signals.length > SIGNALS_MAX ? [...kept.flat(), "other", rest] : kept.flat();
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
	const [, strategyAt, score, bucketAt, signals, candidateIds, exclusions, session, shadow] =
		parts as readonly unknown[];
	const strategy = at(STRATEGIES, strategyAt);
	const bucket = at(TIERS, bucketAt);
	if (strategy === undefined || bucket === undefined || !isNumber(score)) {
		return undefined;
	}
	const candidates = list(candidateIds).filter(isText);
	const excluded = pairs(exclusions).flatMap(([deploymentId, reasonAt]) => {
		const reason = at(EXCLUSIONS, reasonAt);
		return isText(deploymentId) && reason !== undefined ? [{ deploymentId, reason }] : [];
	});
	const named = [...list(candidateIds), ...pairs(exclusions).map(([id]) => id)];
	const referred = (reference: unknown) => {
		const id = isNumber(reference) ? named[reference] : reference;
		return isText(id) ? id : undefined;
	};
	return {
		strategy,
		score: score / UNITS,
		bucket,
		signals: pairs(signals).flatMap(([name, units]) =>
			isText(name) && isNumber(units) ? [{ name, contribution: units / UNITS }] : [],
		),
		candidates,
		excluded,
		session: decodeSession(list(session), referred),
		shadow: decodeShadow(list(shadow), referred),
	};
}

type Referred = (reference: unknown) => string | undefined;

function decodeSession([sourceAt, outcomeAt, warm]: readonly unknown[], referred: Referred): SessionNote | undefined {
	const source = at(SESSION_SOURCES, sourceAt);
	const outcome = at(SESSION_OUTCOMES, outcomeAt);
	return source === undefined || outcome === undefined ? undefined : { source, outcome, warmAt: referred(warm) };
}

function decodeShadow([strategyAt, reference]: readonly unknown[], referred: Referred): Decision["shadow"] {
	const strategy = at(STRATEGIES, strategyAt);
	const deploymentId = referred(reference);
	return strategy === undefined || deploymentId === undefined ? undefined : { strategy, deploymentId };
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

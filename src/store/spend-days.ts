import type { OpeningWrite, SettleWrite } from "./attempt-rows.ts";
import { countedUsage } from "./attempt-rows.ts";

const DAY_MS = 86_400_000;

/** Days since 1970-01-01, UTC: the same integer arithmetic in JavaScript and in both SQL dialects. */
export function dayOf(atMs: number): number {
	return Math.floor(atMs / DAY_MS);
}

export function dayStartMs(day: number): number {
	return day * DAY_MS;
}

/** YYYY-MM-DD. */
export function dayName(day: number): string {
	return new Date(dayStartMs(day)).toISOString().slice(0, 10);
}

/** The facts of an earlier attempt of the same request that decide whether a later one counts as another request. */
export interface EarlierAttempt {
	readonly provider: string;
	readonly model: string;
	readonly priceVersion: string | null;
}

/** What one settled attempt adds to its day. */
export function spendCell(write: SettleWrite, earlier: readonly EarlierAttempt[]) {
	const { opening, closing } = write;
	const isUnpriced = opening.priceVersion === undefined;
	const unpricedEarlier = earlier.filter((attempt) => attempt.priceVersion === null);
	const requests = firsts(write, earlier);
	const unpriced = isUnpriced ? firsts(write, unpricedEarlier) : NONE;
	return {
		day: dayOf(write.openedAtMs),
		keyId: opening.keyId,
		team: opening.team ?? "",
		provider: opening.provider,
		model: opening.model,
		requests: requests.any,
		requestsByProvider: requests.byProvider,
		requestsByModel: requests.byModel,
		requestsByBoth: requests.byBoth,
		unpriced: unpriced.any,
		unpricedByProvider: unpriced.byProvider,
		unpricedByModel: unpriced.byModel,
		unpricedByBoth: unpriced.byBoth,
		errors: closing.outcome === "upstream_failed" ? 1 : 0,
		...countedUsage(closing.usage),
		costNano: closing.costNano,
	};
}

export type SpendCell = ReturnType<typeof spendCell>;

/** The cells of one transaction, those of the same day, key and model added up: one write for all of them. */
export interface SpendCells {
	add(cell: SpendCell): void;
	all(): Iterable<SpendCell>;
}

export function createSpendCells(): SpendCells {
	const cells = new Map<string, SpendCell>();
	return {
		add(cell) {
			const key = `${cell.day}\n${cell.keyId}\n${cell.team}\n${cell.provider}\n${cell.model}`;
			const known = cells.get(key);
			cells.set(key, known === undefined ? cell : sum(known, cell));
		},
		all: () => cells.values(),
	};
}

function sum(left: SpendCell, right: SpendCell): SpendCell {
	const { day, keyId, team, provider, model, ...figures } = left;
	const total = { ...figures };
	// Object.keys() forgets what the keys are.
	for (const name of Object.keys(figures) as (keyof typeof figures)[]) {
		total[name] += right[name];
	}
	return { day, keyId, team, provider, model, ...total };
}

const NONE = { any: 0, byProvider: 0, byModel: 0, byBoth: 0 };

/** 1 where the attempt is the request's first one in a group of that kind, else 0. */
function firsts({ opening }: OpeningWrite, earlier: readonly EarlierAttempt[]): typeof NONE {
	const sameProvider = earlier.filter((attempt) => attempt.provider === opening.provider);
	return {
		any: earlier.length === 0 ? 1 : 0,
		byProvider: sameProvider.length === 0 ? 1 : 0,
		byModel: earlier.some((attempt) => attempt.model === opening.model) ? 0 : 1,
		byBoth: sameProvider.some((attempt) => attempt.model === opening.model) ? 0 : 1,
	};
}

import { USAGE_BUCKETS } from "./attempt-rows.ts";
import type { DayDifference } from "./housekeeping-types.ts";

/** What is added up of attempts, as in `spend_days`. Seconds are the one figure with a fraction. */
export const FIGURES = [
	"requests",
	"requestsByProvider",
	"requestsByModel",
	"requestsByBoth",
	"unpriced",
	"unpricedByProvider",
	"unpricedByModel",
	"unpricedByBoth",
	"errors",
	...USAGE_BUCKETS,
	"costNano",
] as const;
export type Figure = (typeof FIGURES)[number];

/** Whole numbers as bigint: a sum may be above 2^53, and is to be right to the nano-dollar. */
export type Figures = { [Name in Exclude<Figure, "seconds">]: bigint } & { seconds: number };

export interface CellKey {
	readonly keyId: string;
	readonly team: string;
	readonly provider: string;
	readonly model: string;
}

export function noFigures(): Figures {
	// Object.fromEntries() forgets which keys it was given.
	return Object.fromEntries(FIGURES.map((name) => [name, name === "seconds" ? 0 : 0n])) as Figures;
}

/** Most figures of most attempts are zero. */
export function addFigures(sum: Figures, more: Readonly<Record<Figure, number | bigint>>): void {
	for (const name of FIGURES) {
		const value = more[name];
		if (name === "seconds") {
			sum.seconds += Number(value);
		} else if (value) {
			sum[name] += BigInt(value);
		}
	}
}

/** The sums of a day, by key, team, provider and model. */
export function createDaySums() {
	const cells = new Map<string, { readonly key: CellKey; readonly figures: Figures }>();
	return {
		add(key: CellKey, more: Readonly<Record<Figure, number | bigint>>): void {
			const name = `${key.keyId}\n${key.team}\n${key.provider}\n${key.model}`;
			let cell = cells.get(name);
			if (cell === undefined) {
				const { keyId, team, provider, model } = key;
				cell = { key: { keyId, team, provider, model }, figures: noFigures() };
				cells.set(name, cell);
			}
			addFigures(cell.figures, more);
		},
		cells: (): ReadonlyMap<string, { readonly key: CellKey; readonly figures: Figures }> => cells,
		total(): Figures {
			const total = noFigures();
			for (const { figures } of cells.values()) {
				addFigures(total, figures);
			}
			return total;
		},
	};
}

export type DaySums = ReturnType<typeof createDaySums>;

const NOTHING: Readonly<Figures> = Object.freeze(noFigures());

/** Cell by cell. */
export function differingCells(rows: DaySums, rollUps: DaySums): readonly DayDifference[] {
	const names = new Set([...rows.cells().keys(), ...rollUps.cells().keys()]);
	return [...names].flatMap((name) => {
		const left = rows.cells().get(name);
		const right = rollUps.cells().get(name);
		const key = left?.key ?? right?.key;
		const cell = key && { key: key.keyId, team: key.team, provider: key.provider, model: key.model };
		return differingFigures(left?.figures ?? NOTHING, right?.figures ?? NOTHING).map((found) => ({ cell, ...found }));
	});
}

/** The names of both sums that are not equal. */
export function differingFigures(rows: Figures, rollUp: Figures): readonly Omit<DayDifference, "cell">[] {
	return FIGURES.filter((name) =>
		name === "seconds" ? !isNear(rows.seconds, rollUp.seconds) : rows[name] !== rollUp[name],
	).map((figure) => ({ figure, rows: String(rows[figure]), rollUp: String(rollUp[figure]) }));
}

/** Seconds are added up in another order, which changes their last digits. */
function isNear(left: number, right: number): boolean {
	return Math.abs(left - right) <= 1e-6 * Math.max(1, Math.abs(left), Math.abs(right));
}

import { dayOf, dayStartMs } from "./spend-days.ts";
import { hasAttempts, isPruned, keyDays, type SliceDeps, sliceAttempts, sliceDays } from "./spend-slices.ts";
import { createSpendTotals } from "./spend-totals.ts";
import type { AttemptReader } from "./types.ts";

export interface SpendDeps extends SliceDeps {
	/** Lets other work go on between two slices. */
	readonly turn: () => Promise<void>;
}

/** Spend reports: whole days from `spend_days`, the rest of the first and the last day from the attempts themselves. */
export function createSpendReport(deps: SpendDeps): AttemptReader["spend"] {
	return async ({ fromMs, toMs, groupBy }) => {
		const totals = createSpendTotals(groupBy);
		const { fromDay, endDay, edges } = await plan(deps, fromMs, toMs);
		const sources = edges.map((edge) => sliceAttempts(deps, { ...edge, groupBy }));
		if (fromDay < endDay) {
			sources.push(sliceDays(deps, { fromDay, endDay, groupBy }));
		}
		for (const source of sources) {
			for await (const slice of source) {
				slice.forEach(totals.add);
				await deps.turn();
			}
		}
		return totals.rows();
	};
}

/** One key's days: the primary key of `spend_days` finds them day by day, so one statement is short enough. */
export function createKeySpend(deps: SliceDeps): AttemptReader["spendOfKey"] {
	return async (query) => {
		const totals = createSpendTotals(query.groupBy);
		(await keyDays(deps, query)).forEach(totals.add);
		return totals.rows();
	};
}

/**
 * A day that the range cuts is still a whole day where nothing was opened in the part outside the range, and where rows are
 * deleted, so that nobody knows any more which part of the day they belong to.
 */
async function plan(deps: SpendDeps, fromMs: number, toMs: number) {
	const edges: { fromMs: number; toMs: number }[] = [];
	let fromDay = dayOf(fromMs);
	let endDay = dayOf(toMs - 1) + 1;
	const isCut = async (day: number, outside: { fromMs: number; toMs: number }) =>
		outside.fromMs < outside.toMs &&
		(await hasAttempts(deps, outside.fromMs, outside.toMs)) &&
		!(await isPruned(deps, day));
	const cutsFirst = await isCut(fromDay, { fromMs: dayStartMs(fromDay), toMs: fromMs });
	const cutsLast = await isCut(endDay - 1, { fromMs: toMs, toMs: dayStartMs(endDay) });
	if (cutsFirst) {
		edges.push({ fromMs, toMs: Math.min(toMs, dayStartMs(fromDay + 1)) });
		fromDay += 1;
	}
	if (cutsLast && fromDay < endDay) {
		edges.push({ fromMs: Math.max(fromMs, dayStartMs(endDay - 1)), toMs });
		endDay -= 1;
	}
	return { fromDay, endDay, edges };
}

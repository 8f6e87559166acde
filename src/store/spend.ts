import { dayOf, dayStartMs } from "./spend-days.ts";
import { hasAttempts, type SliceDeps, sliceAttempts, sliceDays } from "./spend-slices.ts";
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

/** A day that the range cuts is still a whole day where nothing was opened in the part outside the range. */
async function plan(deps: SpendDeps, fromMs: number, toMs: number) {
	const edges: { fromMs: number; toMs: number }[] = [];
	let fromDay = dayOf(fromMs);
	let endDay = dayOf(toMs - 1) + 1;
	const cutsFirst = dayStartMs(fromDay) < fromMs && (await hasAttempts(deps, dayStartMs(fromDay), fromMs));
	const cutsLast = toMs < dayStartMs(endDay) && (await hasAttempts(deps, toMs, dayStartMs(endDay)));
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

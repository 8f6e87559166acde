import { asc, eq } from "drizzle-orm";
import type { NanoUsd } from "../lib/money.ts";
import { toAttemptRow } from "./attempt-rows.ts";
import { createRoutedRequests } from "./routed-requests.ts";
import { createKeySpend, createSpendReport, type SpendDeps } from "./spend.ts";
import type { AttemptReader } from "./types.ts";

/** Rows that are read one by one, not added up in SQL: about 5 ms of the event loop, with what is made of them. */
const SINGLE_ROWS_MAX = 250;
/** The end of time, for reports that have no end. */
const FOREVER_MS = 8.64e15;

/** Everything that only reads. */
export function createAttemptReader(deps: SpendDeps): Omit<AttemptReader, "recover"> {
	const {
		db,
		tables: { attempts },
	} = deps;
	const spend = createSpendReport(deps);

	return {
		spend,
		spendOfKey: createKeySpend(deps),
		...createRoutedRequests({ ...deps, sliceRowsMax: Math.min(deps.sliceRowsMax, SINGLE_ROWS_MAX) }),

		async spentSince(fromMs) {
			const spent = new Map<string, NanoUsd>();
			for (const row of await spend({ fromMs, toMs: FOREVER_MS, groupBy: ["key", "team"] })) {
				addTo(spent, `key:${row.group.key}`, row.costNano);
				if (row.group.team !== undefined) {
					addTo(spent, `team:${row.group.team}`, row.costNano);
				}
			}
			return spent;
		},

		async byRequest(requestId) {
			const rows = await db
				.select()
				.from(attempts)
				.where(eq(attempts.requestId, requestId))
				.orderBy(asc(attempts.attempt));
			return rows.map(toAttemptRow);
		},

		async ownerOf(objectId) {
			// The first to make an object owns it: a provider that repeats an id cannot take it away.
			const [owner] = await db
				.select({
					keyId: attempts.keyId,
					team: attempts.team,
					deploymentId: attempts.deploymentId,
					requestId: attempts.requestId,
				})
				.from(attempts)
				.where(eq(attempts.objectId, objectId))
				.orderBy(asc(attempts.openedAt), asc(attempts.requestId), asc(attempts.attempt))
				.limit(1);
			return owner && { ...owner, team: owner.team ?? undefined };
		},
	};
}

/** A figure above nine million dollars is beyond every budget that can be set: it stays at the largest exact number. */
function addTo(spent: Map<string, NanoUsd>, subject: string, costNano: bigint): void {
	const sum = BigInt(spent.get(subject) ?? 0) + costNano;
	spent.set(subject, sum > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(sum));
}

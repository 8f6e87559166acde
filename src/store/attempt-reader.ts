import { asc, eq, isNull } from "drizzle-orm";
import type { NanoUsd } from "../lib/money.ts";
import { NO_USAGE } from "../lib/usage.ts";
import type { AttemptLog } from "./attempt-log.ts";
import { type SettleWrite, toAttemptRow } from "./attempt-rows.ts";
import { createKeySpend, createSpendReport, type SpendDeps } from "./spend.ts";
import type { AttemptReader, AttemptRow } from "./types.ts";

/** Attempts settled in one transaction after a crash. */
const RECOVER_ROWS_MAX = 256;
/** The end of time, for reports that have no end. */
const FOREVER_MS = 8.64e15;

export interface AttemptReaderDeps extends SpendDeps {
	/** As AttemptLog; PostgreSQL's has to be waited for. */
	readonly log: { write(...writes: Parameters<AttemptLog["write"]>): void | Promise<void> };
}

export function createAttemptReader(deps: AttemptReaderDeps): AttemptReader {
	const {
		db,
		tables: { attempts },
		log,
	} = deps;
	const spend = createSpendReport(deps);

	return {
		spend,
		spendOfKey: createKeySpend(deps),

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

		async recover(atMs) {
			const recovered = [];
			for (;;) {
				const rows = await db
					.select()
					.from(attempts)
					.where(isNull(attempts.settledAt))
					.orderBy(asc(attempts.openedAt))
					.limit(RECOVER_ROWS_MAX);
				if (rows.length === 0) {
					return recovered;
				}
				const writes = rows.map((row) => crashed(toAttemptRow(row), atMs));
				await log.write([], writes);
				for (const { opening, closing } of writes) {
					recovered.push({ requestId: opening.requestId, attempt: opening.attempt, costNano: closing.costNano });
				}
				await deps.turn();
			}
		},
	};
}

/** Nobody knows what the provider produced, so the worst case is charged, and marked as such. */
function crashed({ opening, openedAtMs }: AttemptRow, atMs: number): SettleWrite {
	return {
		opening: { ...opening, budgets: [] },
		openedAtMs,
		closing: {
			outcome: "crashed",
			upstreamStatus: undefined,
			errorClass: "gateway_crashed",
			usage: NO_USAGE,
			usageSource: "crash_estimate",
			costNano: opening.reservedNano,
			ttftMs: undefined,
			durationMs: Math.max(0, atMs - openedAtMs),
			objectId: undefined,
		},
		settledAtMs: atMs,
	};
}

/** A figure above nine million dollars is beyond every budget that can be set: it stays at the largest exact number. */
function addTo(spent: Map<string, NanoUsd>, subject: string, costNano: bigint): void {
	const sum = BigInt(spent.get(subject) ?? 0) + costNano;
	spent.set(subject, sum > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(sum));
}

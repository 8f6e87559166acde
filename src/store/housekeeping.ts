import type { Database } from "bun:sqlite";
import { createCheckDay } from "./check-day.ts";
import type { SyncDb } from "./db.ts";
import type { Housekeeping } from "./housekeeping-types.ts";
import { createLedgerRows } from "./ledger-rows.ts";
import { createPruneDay } from "./prune-day.ts";
import type { Tables } from "./tables.ts";

/** `PRAGMA auto_vacuum`: free pages are given back when asked to. */
const AUTO_VACUUM_INCREMENTAL = 2;

export interface HousekeepingDeps {
	readonly client: Database;
	readonly syncDb: SyncDb;
	readonly tables: Tables;
	readonly turn: () => Promise<void>;
	readonly onCommit: () => void;
	readonly dropOldestKept: Housekeeping["dropOldestKept"];
	readonly dropOldestUnserved: Housekeeping["dropOldestUnserved"];
	/** Rows that one statement reads. */
	readonly sliceRowsMax: number;
}

export function createHousekeeping(deps: HousekeepingDeps): Housekeeping {
	const { client, onCommit } = deps;
	const rows = createLedgerRows(deps);
	const pragma = (name: "page_size" | "page_count" | "freelist_count" | "auto_vacuum"): number =>
		client.query<Record<string, number>, []>(`PRAGMA ${name}`).get()?.[name] ?? 0;

	return {
		claim: () => Promise.resolve(true),
		async size() {
			const pageBytes = pragma("page_size");
			const pages = pragma("page_count");
			return {
				fileBytes: pages * pageBytes,
				usedBytes: (pages - pragma("freelist_count")) * pageBytes,
				canShrink: pragma("auto_vacuum") === AUTO_VACUUM_INCREMENTAL,
			};
		},
		async nextDay(fromDay, endDay) {
			return rows.nextDay(fromDay, endDay);
		},
		checkDay: createCheckDay({ ...deps, rows }),
		pruneDay: createPruneDay({ ...deps, rows }),
		dropOldestKept: deps.dropOldestKept,
		dropOldestUnserved: deps.dropOldestUnserved,
		async shrink(pagesMax) {
			const before = pragma("freelist_count");
			client.run(`PRAGMA incremental_vacuum(${pagesMax})`);
			const given = before - pragma("freelist_count");
			if (given > 0) {
				onCommit();
			}
			return given;
		},
	};
}

import { Database } from "bun:sqlite";
import { join } from "node:path";

/** A row of the gateway's ledger, as it stands on disk. */
export interface BookRow {
	readonly request_id: string;
	readonly attempt: number;
	readonly key_id: string;
	readonly team: string;
	readonly model: string;
	readonly reserved_nano: bigint;
	readonly cost_nano: bigint;
	readonly opened_at: bigint;
	/** null = under way, or left so by a crash. */
	readonly settled_at: bigint | null;
	readonly outcome: string | null;
	readonly usage_source: string | null;
}

/** The gateway's own books, whatever database they are in. */
export interface Books {
	readonly rows: readonly BookRow[];
	/** What the daily sums say was spent, by key and by team. */
	readonly sumsByKey: ReadonlyMap<string, bigint>;
	readonly sumsByTeam: ReadonlyMap<string, bigint>;
	/** "ok", or what the database says of itself. */
	readonly integrity: string;
}

export function databaseIn(dataDirectory: string): string {
	return join(dataDirectory, "gateway-llm.db");
}

/** Reads by SQL of its own, also while a gateway is running. */
export function readSqliteBooks(dataDirectory: string): Books {
	const client = new Database(databaseIn(dataDirectory), { readonly: true, safeIntegers: true });
	try {
		client.run("PRAGMA busy_timeout = 5000");
		return client.transaction(() => {
			const rows = client
				.query<BookRow & { attempt: bigint | number }, []>(
					`select request_id, attempt, key_id, coalesce(team, '') as team, model, reserved_nano, cost_nano, opened_at,
					 settled_at, outcome, usage_source from attempts order by request_id, attempt`,
				)
				.all()
				.map((row) => ({ ...row, attempt: Number(row.attempt) }));
			const check = client.query<{ integrity_check: string }, []>("PRAGMA integrity_check").all();
			return {
				rows,
				sumsByKey: sums(client, "key_id"),
				sumsByTeam: sums(client, "team"),
				integrity: check.map((line) => line.integrity_check).join("; "),
			};
		})();
	} finally {
		client.close();
	}
}

function sums(client: Database, column: "key_id" | "team"): ReadonlyMap<string, bigint> {
	const found = client
		.query<{ name: string; cost: bigint }, []>(
			`select ${column} as name, sum(cost_nano) as cost from spend_days group by ${column}`,
		)
		.all();
	return new Map(found.map(({ name, cost }) => [name, cost]));
}

export function addUp<T>(
	items: Iterable<T>,
	nameOf: (item: T) => string,
	nanoOf: (item: T) => bigint,
): Map<string, bigint> {
	const totals = new Map<string, bigint>();
	for (const item of items) {
		totals.set(nameOf(item), (totals.get(nameOf(item)) ?? 0n) + nanoOf(item));
	}
	return totals;
}

import type { Db } from "./db.ts";
import { createDropOldestKept } from "./drop-oldest-kept.ts";
import type { Housekeeping } from "./housekeeping-types.ts";
import { checkPostgresDay } from "./postgres-check-day.ts";
import { nextDayWithRows } from "./postgres-ledger-rows.ts";
import type { PostgresPool } from "./postgres-pool.ts";
import { createPostgresPruneDay } from "./postgres-prune-day.ts";
import type { Tables } from "./tables.ts";
import type { Transact } from "./transact.ts";
import { createDropOldestUnserved } from "./unserved-rows.ts";

/**
 * What is in use, by rows and not by pages: PostgreSQL does not tell which pages are empty inside, and a bound on the
 * size of its files would go on deleting after the rows are gone. Bytes a row are estimated, indices included; the counts
 * are the server's own estimates, a second old, and 0 until it has looked at a table for the first time.
 */
const SIZE = `select
	(select coalesce(sum(pg_total_relation_size(relid)), 0) from pg_stat_user_tables where schemaname = current_schema()),
	(select coalesce(sum(8192 + n_live_tup * case relname when 'attempts' then 900 when 'unserved_requests' then 600 else 300 end), 0)
		from pg_stat_user_tables where schemaname = current_schema()
			and relname not in ('responses', 'conversation_items'))
	+ (select coalesce(sum(bytes), 0) from responses) + (select coalesce(sum(bytes), 0) from conversations)`;

/** One instance at a time, as long as it lives, since it has begun to look at days that the next one would look at anew. */
const CLAIM = `insert into meta (key, value) values ('upkeep_instance', $1)
	on conflict (key) do update set value = excluded.value
	where meta.value = excluded.value
		or not exists (select 1 from instances where id = meta.value and ended_at is null)
	returning value`;

export function createPostgresHousekeeping(deps: {
	readonly instanceId: string;
	readonly pool: PostgresPool;
	readonly db: Db;
	readonly transact: Transact;
	readonly tables: Tables;
}): Housekeeping {
	const { pool, db, transact, tables } = deps;
	return {
		async claim() {
			return (await pool.run((connection) => connection.values(CLAIM, [deps.instanceId]))).length > 0;
		},
		async size() {
			const [row] = await pool.run((connection) => connection.values(SIZE));
			const [files, rows] = (row ?? []).map(Number);
			const usedBytes = rows ?? 0;
			// The server gives free pages back by itself, as far as it does.
			return { fileBytes: Math.max(files ?? 0, usedBytes), usedBytes, canShrink: true };
		},
		nextDay: (fromDay, endDay) => nextDayWithRows(db, tables, fromDay, endDay),
		checkDay: (day) => checkPostgresDay(day, { db, tables, atOnce: transact }),
		pruneDay: createPostgresPruneDay(transact, tables),
		dropOldestKept: createDropOldestKept({ transact, tables }),
		dropOldestUnserved: createDropOldestUnserved({ transact, tables }),
		shrink: () => Promise.resolve(0),
	};
}

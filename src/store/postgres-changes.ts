import type { Change, ChangeFeed } from "../instances/types.ts";
import type { PostgresTransact } from "./postgres-db.ts";
import type { PostgresPool } from "./postgres-pool.ts";
import type { Recorded } from "./recorded.ts";
import { rowsOf, run } from "./transact.ts";

const PAGE_ROWS = 1_000;
const NEXT_MS_MAX = 1_000;

/**
 * Last of all, since it makes every other change wait until this one is committed: numbers are in the order of the
 * commits, and who has seen one has seen all before it. ($1 kind, $2 id.)
 */
const RECORD = `with next as (
		insert into change_counter (id, last) values (1, 1)
		on conflict (id) do update set last = change_counter.last + 1 returning last
	)
	insert into changes (kind, id, seq) select $1, $2, last from next
	on conflict (kind, id) do update set seq = excluded.seq`;

export function createRecorded(transact: PostgresTransact): Recorded {
	return ({ kind, id }, statement) =>
		transact(function* (db, values) {
			const rows = yield* rowsOf(statement(db));
			if (rows.length > 0) {
				yield* run(values(RECORD, [kind, id]));
			}
			return rows;
		});
}

/** A row at least, which has the number of the last change. ($1 the number after which to look.) */
const NEXT = `select coalesce(counter.last, 0)::text, change.seq::text, change.kind, change.id
	from (select max(last) as last from change_counter) as counter
	left join changes as change on change.seq > $1
	order by change.seq limit ${PAGE_ROWS}`;

interface Page {
	readonly last: number;
	readonly changes: readonly (Change & { readonly seq: number })[];
}

/** Opens the feed: what is committed from now on is told by it. */
export async function openPostgresChanges(pool: PostgresPool): Promise<ChangeFeed> {
	async function page(after: number): Promise<Page> {
		const rows = await pool.run(({ values }) => values(NEXT, [after]), NEXT_MS_MAX);
		const changes = rows
			.filter(([, seq]) => seq !== null)
			// What is in the column was a Change once.
			.map(([, seq, kind, id]) => ({ seq: Number(seq), kind: kind as Change["kind"], id: String(id) }));
		return { last: Number(rows[0]?.[0] ?? 0), changes };
	}

	/** Told so far. */
	let cursor = (await page(Number.MAX_SAFE_INTEGER)).last;
	/** One call after the other: each goes on where the one before has ended. */
	let before: Promise<unknown> = Promise.resolve();

	async function read(): Promise<readonly Change[]> {
		const found: Change[] = [];
		for (let after = cursor; ; ) {
			const { last, changes } = await page(after);
			if (last < cursor) {
				// The database is an older one now, a standby that has taken over: nobody knows which of its changes were told.
				cursor = 0;
				return read();
			}
			found.push(...changes.map(({ kind, id }) => ({ kind, id })));
			after = changes.at(-1)?.seq ?? after;
			if (changes.length < PAGE_ROWS) {
				cursor = after;
				return found;
			}
		}
	}

	return {
		next() {
			const reading = before.then(read);
			before = reading.catch(() => {});
			return reading;
		},
	};
}

import { eq, isNull } from "drizzle-orm";
import type { RecoveredAttempt } from "../instances/types.ts";
import type { Db } from "./db.ts";
import type { WriteAttempts } from "./postgres-attempt-log.ts";
import type { PostgresConnection } from "./postgres-connection.ts";
import type { PostgresTransact } from "./postgres-db.ts";
import { crashes, dispatched, recoveredOf } from "./recover-attempts.ts";
import type { Tables } from "./tables.ts";
import { rowsOf, run, type Steps } from "./transact.ts";

type Values = PostgresConnection["values"];

/** Now, by the clock of the database, Unix milliseconds. */
export const NOW_MS = "(extract(epoch from clock_timestamp()) * 1000)::bigint";

export interface BuryDeps {
	readonly transact: PostgresTransact;
	readonly tables: Tables;
	readonly write: WriteAttempts;
}

/**
 * Settles what an instance has left dispatched, at its reservation, then frees what it held of budgets, then forgets it.
 * Its row in `instances` has to say that it ended: only then nothing new is granted to it, and it says itself that it
 * lives again before it goes on. Many may do it at once, or be killed while they do: each step is a transaction that holds
 * the row, and the next one goes on from there. In this order, since what is reserved must not be free before it is
 * charged.
 * @param patience `skip`: somebody else who is about it may finish it. `wait`: it is over when the promise resolves.
 * @returns What was settled here.
 */
export type Bury = (
	instanceId: string,
	atMs: number,
	patience: "skip" | "wait",
) => Promise<readonly RecoveredAttempt[]>;

export function createBury({ transact, tables, write }: BuryDeps): Bury {
	const { attempts } = tables;

	/** undefined: all is done. */
	function* step(
		db: Db,
		values: Values,
		...[instanceId, atMs, patience]: Parameters<Bury>
	): Steps<readonly RecoveredAttempt[] | undefined> {
		const lock = patience === "skip" ? "for update skip locked" : "for update";
		const held = yield* lines(
			values(`select 1 from instances where id = $1 and ended_at is not null ${lock}`, [instanceId]),
		);
		if (held.length === 0) {
			return undefined;
		}
		// Rows without a name are of a version that wrote none.
		const which = instanceId === "" ? isNull(attempts.instance) : eq(attempts.instance, instanceId);
		const writes = crashes(yield* rowsOf(dispatched(db, tables, which)), atMs);
		if (writes.length > 0) {
			yield* run(
				write(
					values,
					[],
					writes.map((settle) => ({ ...settle, instance: instanceId })),
				),
			);
			return writes.map(recoveredOf);
		}
		yield* fold(values, instanceId);
		yield* run(values("delete from instances where id = $1", [instanceId]));
		return undefined;
	}

	return async (...args) => {
		const recovered: RecoveredAttempt[] = [];
		for (;;) {
			const settled = await transact((db, values) => step(db, values, ...args));
			if (settled === undefined) {
				return recovered;
			}
			recovered.push(...settled);
		}
	};
}

/**
 * Moves what an instance spent to the instance "". A settle of its that comes later, out of an outbox, makes a row anew,
 * which is moved in turn. Locked in the order in which settles lock.
 */
function* fold(values: Values, instanceId: string): Steps<void> {
	if (instanceId === "") {
		return;
	}
	yield* run(
		values("select 1 from budget_accounts where instance = $1 and instance <> '' order by subject, month for update", [
			instanceId,
		]),
	);
	yield* run(
		values(
			`with gone as (delete from budget_accounts where instance = $1 and instance <> '' returning subject, month, spent)
			insert into budget_accounts (subject, month, instance, entitled, spent, sequence)
			select subject, month, '', 0, spent, 0 from gone where spent > 0 order by subject, month
			on conflict (subject, month, instance) do update set spent = budget_accounts.spent + excluded.spent`,
			[instanceId],
		),
	);
}

function* lines(answer: ReturnType<Values>): Steps<readonly (readonly unknown[])[]> {
	return (yield answer) as Awaited<ReturnType<Values>>;
}

import type { Database } from "bun:sqlite";
import { and, eq, getTableColumns, isNull, lt, type Placeholder, type SQL, sql } from "drizzle-orm";
import {
	CLOSING_COLUMNS,
	closingColumns,
	OPENING_COLUMNS,
	type OpeningWrite,
	openingColumns,
	type SettleWrite,
} from "./attempt-rows.ts";
import type { SyncDb } from "./db.ts";
import { nativeStatement } from "./native-statement.ts";
import { createSpendCells, type EarlierAttempt, type SpendCell, type SpendCells, spendCell } from "./spend-days.ts";
import type { Tables } from "./tables.ts";

/** Puts attempts into the ledger, synchronously: a transaction with an await in it would commit at the await. */
export interface AttemptLog {
	/** All rows or none. A row that is already there, or already settled, is left as it is. Throws what SQLite raises. */
	write(openings: readonly OpeningWrite[], settles: readonly SettleWrite[]): void;
}

export interface AttemptLogDeps {
	readonly client: Database;
	readonly syncDb: SyncDb;
	readonly tables: Tables;
}

export function createAttemptLog({ client, syncDb, tables }: AttemptLogDeps): AttemptLog {
	const insertOpening = nativeStatement<keyof Opening>(client, openingInsert(syncDb, tables));
	const upsertSettled = nativeStatement<keyof (Opening & Closing)>(client, settledUpsert(syncDb, tables));
	const addToDay = nativeStatement<keyof SpendCell>(client, spendDayUpsert(syncDb, tables));
	const earlierAttempts = prepareEarlier(syncDb, tables);

	function settle(write: SettleWrite, days: SpendCells): void {
		const { requestId, attempt } = write.opening;
		const changes = upsertSettled.run({ ...openingColumns(write), ...closingColumns(write) });
		if (changes > 0) {
			const earlier: readonly EarlierAttempt[] = attempt === 0 ? [] : earlierAttempts.all({ requestId, attempt });
			days.add(spendCell(write, earlier));
		}
	}

	const transaction = client.transaction((openings: readonly OpeningWrite[], settles: readonly SettleWrite[]) => {
		for (const write of openings) {
			insertOpening.run(openingColumns(write));
		}
		const days = createSpendCells();
		for (const write of settles) {
			settle(write, days);
		}
		for (const cell of days.all()) {
			addToDay.run(cell);
		}
	});
	return {
		write(openings, settles) {
			transaction.immediate(openings, settles);
		},
	};
}

type Opening = ReturnType<typeof openingColumns>;
type Closing = ReturnType<typeof closingColumns>;

function openingInsert(db: SyncDb, { attempts }: Tables) {
	return db.insert(attempts).values(placeholders(OPENING_COLUMNS)).onConflictDoNothing();
}

/** One statement for a row that is on disk as dispatched and for one that is not there yet. Changes nothing settled. */
function settledUpsert(db: SyncDb, { attempts }: Tables) {
	const columns = getTableColumns(attempts);
	const set: Record<string, SQL> = {};
	for (const name of CLOSING_COLUMNS) {
		set[name] = sql`excluded.${sql.identifier(columns[name].name)}`;
	}
	return db
		.insert(attempts)
		.values(placeholders([...OPENING_COLUMNS, ...CLOSING_COLUMNS]))
		.onConflictDoUpdate({ target: [attempts.requestId, attempts.attempt], set, setWhere: isNull(attempts.settledAt) });
}

function spendDayUpsert(db: SyncDb, { spendDays }: Tables) {
	const { day, keyId, team, provider, model, ...figures } = getTableColumns(spendDays);
	const set: Record<string, SQL> = {};
	for (const [name, column] of Object.entries(figures)) {
		set[name] = sql`${column} + excluded.${sql.identifier(column.name)}`;
	}
	// Object.keys() forgets what the keys are.
	const names = Object.keys(getTableColumns(spendDays)) as (keyof Tables["spendDays"]["$inferSelect"])[];
	return db
		.insert(spendDays)
		.values(placeholders(names))
		.onConflictDoUpdate({ target: [day, keyId, team, provider, model], set });
}

function prepareEarlier(db: SyncDb, { attempts }: Tables) {
	return db
		.select({ provider: attempts.provider, model: attempts.model, priceVersion: attempts.priceVersion })
		.from(attempts)
		.where(and(eq(attempts.requestId, sql.placeholder("requestId")), lt(attempts.attempt, sql.placeholder("attempt"))))
		.prepare();
}

function placeholders<const Name extends string>(names: readonly Name[]): Record<Name, Placeholder<Name>> {
	// Object.fromEntries() forgets which keys it was given.
	return Object.fromEntries(names.map((name) => [name, sql.placeholder(name)])) as Record<Name, Placeholder<Name>>;
}

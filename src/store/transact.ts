import type { Database } from "bun:sqlite";
import type { Db } from "./db.ts";

/**
 * The statements of one transaction, in their order, each yielded to whoever runs it: `bun:sqlite` has to run them
 * without an await in between, PostgreSQL cannot but wait for each. Written once for both.
 */
export type Steps<Result> = Generator<PromiseLike<unknown>, Result, unknown>;

/** All statements or none. On disk when the promise resolves. */
export type Transact = <Result>(steps: (db: Db) => Steps<Result>) => Promise<Result>;

/** Runs one statement. `yield*` gives its rows. */
export function* rowsOf<Row>(statement: PromiseLike<Row[]>): Steps<Row[]> {
	// What is given back is what the statement was answered with.
	return (yield statement) as Row[];
}

/** Runs a statement that has no rows. */
export function* run(statement: PromiseLike<unknown>): Steps<void> {
	yield statement;
}

/** Runs statements one after the other, waiting for each. */
export async function inTurn<Result>(running: Steps<Result>): Promise<Result> {
	let step = running.next();
	while (step.done !== true) {
		step = running.next(await step.value);
	}
	return step.value;
}

export function createSqliteTransact(client: Database, db: Db, onCommit: () => void): Transact {
	const transaction = client.transaction(<Result>(steps: (db: Db) => Steps<Result>): Result => {
		const running = steps(db);
		let step = running.next();
		while (step.done !== true) {
			// Every builder of drizzle has it, and on bun:sqlite it answers at once.
			step = running.next((step.value as unknown as { all(): unknown }).all());
		}
		return step.value;
	});
	return async (steps) => {
		const result = transaction.immediate(steps);
		onCommit();
		return result as ReturnType<typeof steps> extends Steps<infer Result> ? Result : never;
	};
}

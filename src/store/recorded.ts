import type { Change } from "../instances/types.ts";
import type { Db } from "./db.ts";

/**
 * Runs a statement of an administrator, and tells the other instances of it in the same transaction: they hear of what is
 * committed and of nothing else. A statement that gives no row back has changed nothing.
 */
export type Recorded = <Row>(change: Change, statement: (db: Db) => PromiseLike<Row[]>) => Promise<Row[]>;

/** Where one process has the database for itself, nobody else has to hear of it. */
export function unrecorded(db: Db): Recorded {
	return async (_change, statement) => statement(db);
}

import { SQL } from "bun";

/** A deadline of our own: nobody knows what the server made of the statement. */
export class PostgresTimeout extends Error {
	override readonly name = "PostgresTimeout";
}

/** The connection ended before the statement was sent. */
export class PostgresLost extends Error {
	override readonly name = "PostgresLost";
}

/** The server, or this connection to it, is about to go, or takes no writes: a new connection may lead to a better one. */
const CONNECTION_STATES = new Set(["25006", "57P01", "57P02", "57P03", "57P05", "25P03"]);
/** Two transactions met; one of them has to begin again. */
const COLLISION_STATES = new Set(["40001", "40P01"]);

/** The SQLSTATE of an error (https://www.postgresql.org/docs/current/errcodes-appendix.html); undefined when the server did not raise it. */
export function sqlState(error: unknown): string | undefined {
	const raised = error instanceof Error && !(error instanceof SQL.PostgresError) ? error.cause : error;
	return raised instanceof SQL.PostgresError && /^[0-9A-Z]{5}$/.test(raised.errno ?? "") ? raised.errno : undefined;
}

/** False when the connection still does what it should: the server has answered, and it was no farewell. */
export function isConnectionFault(error: unknown): boolean {
	const state = sqlState(error);
	return state === undefined || state.startsWith("08") || CONNECTION_STATES.has(state);
}

export function isCollision(error: unknown): boolean {
	return COLLISION_STATES.has(sqlState(error) ?? "");
}

/**
 * True when the values of a row are at fault, so that trying again can never help: data exceptions, violated constraints,
 * and what is larger than the server's limits.
 */
export function isPostgresRowFault(error: unknown): boolean {
	const kind = sqlState(error)?.slice(0, 2);
	return kind === "22" || kind === "23" || kind === "54";
}

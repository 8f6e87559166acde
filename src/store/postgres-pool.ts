import type { Connect, PostgresConnection } from "./postgres-connection.ts";
import { createPostgresConnections, type PoolState, type PostgresConnections } from "./postgres-connections.ts";
import { isConnectionFault, PostgresLost, PostgresTimeout } from "./postgres-errors.ts";

export interface PoolDeps {
	readonly connect: Connect;
	readonly connectionsMax: number;
	/** Nobody waits longer than this for one job, the wait for a connection included. Milliseconds. */
	readonly deadlineMs: number;
}

/**
 * Connections, never more than allowed. A statement on a server that hangs would be waited for without end by every
 * client there is, so each job has a deadline: its connection is cut then, and the idle ones, which are likely to hang
 * too, with it. New ones are made as they are needed.
 */
export interface PostgresPool {
	/**
	 * A job on a connection of its own.
	 * @throws PostgresTimeout at the deadline; what was running may still come to pass.
	 */
	run<Result>(job: (connection: PostgresConnection) => Promise<Result>, deadlineMs?: number): Promise<Result>;
	state(): PoolState;
	/** Cuts all connections; whoever waits is refused at the deadline at the latest. */
	close(): void;
}

export function createPostgresPool({ connect, connectionsMax, deadlineMs }: PoolDeps): PostgresPool {
	const connections = createPostgresConnections(connect, connectionsMax);
	let isClosed = false;
	return {
		async run(job, limitMs = deadlineMs) {
			if (isClosed) {
				throw new PostgresLost("The connections to PostgreSQL are closed.");
			}
			return withDeadline(connections, job, limitMs);
		},
		state: connections.state,
		close() {
			isClosed = true;
			connections.close();
		},
	};
}

function withDeadline<Result>(
	connections: PostgresConnections,
	job: (connection: PostgresConnection) => Promise<Result>,
	limitMs: number,
): Promise<Result> {
	const { promise, resolve, reject } = Promise.withResolvers<Result>();
	let held: PostgresConnection | undefined;

	const applicant = {
		take(connection: PostgresConnection) {
			held = connection;
			void work(connection);
		},
	};

	async function work(connection: PostgresConnection): Promise<void> {
		try {
			resolve(await job(connection));
			connections.giveBack(connection);
		} catch (error) {
			reject(error);
			if (isConnectionFault(error) || connection.isLost()) {
				connections.discard(connection);
			} else {
				connections.giveBack(connection);
			}
		} finally {
			clearTimeout(timer);
		}
	}

	const timer = setTimeout(() => {
		reject(new PostgresTimeout(`PostgreSQL did not answer within ${limitMs} ms.`));
		connections.leave(applicant);
		if (held !== undefined) {
			connections.discardIdle();
			connections.discard(held);
		}
	}, limitMs);
	connections.acquire(applicant);
	return promise;
}

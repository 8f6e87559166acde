import type { Connect, PostgresConnection } from "./postgres-connection.ts";
import { isConnectionFault, PostgresTimeout } from "./postgres-errors.ts";

export interface PoolDeps {
	readonly connect: Connect;
	readonly connectionsMax: number;
	/** Nobody waits longer than this for one job, the wait for a connection included. Milliseconds. */
	readonly deadlineMs: number;
}

export interface PoolState {
	readonly open: number;
	readonly idle: number;
	readonly waiting: number;
	/** Connections that were given up since the start. */
	readonly replaced: number;
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
	/** Cuts all connections; whoever waits is refused. */
	close(): void;
}

interface Waiter {
	take(connection: PostgresConnection): void;
	refuse(error: Error): void;
}

export function createPostgresPool({ connect, connectionsMax, deadlineMs }: PoolDeps): PostgresPool {
	const open = new Set<PostgresConnection>();
	const idle: PostgresConnection[] = [];
	const waiting = new Set<Waiter>();
	let replaced = 0;
	let isClosed = false;

	function takeIdle(): PostgresConnection | undefined {
		for (;;) {
			const known = idle.pop();
			if (known === undefined || !known.isLost()) {
				return known;
			}
			discard(known);
		}
	}

	function acquire(waiter: Waiter): void {
		const known = takeIdle();
		if (known !== undefined) {
			waiter.take(known);
		} else if (open.size < connectionsMax) {
			const made = connect();
			open.add(made);
			waiter.take(made);
		} else {
			waiting.add(waiter);
		}
	}

	function serveNext(): void {
		const [next] = waiting;
		if (next !== undefined) {
			waiting.delete(next);
			acquire(next);
		}
	}

	function giveBack(connection: PostgresConnection): void {
		if (open.has(connection)) {
			idle.push(connection);
			serveNext();
		}
	}

	function discard(connection: PostgresConnection): void {
		if (open.delete(connection)) {
			replaced += 1;
			connection.destroy();
			serveNext();
		}
	}

	return {
		run(job, limitMs = deadlineMs) {
			if (isClosed) {
				return Promise.reject(new PostgresTimeout("The connections to PostgreSQL are closed."));
			}
			return new Promise((resolve, reject) => {
				let held: PostgresConnection | undefined;
				const timer = setTimeout(() => {
					waiting.delete(waiter);
					reject(new PostgresTimeout(`PostgreSQL did not answer within ${limitMs} ms.`));
					if (held !== undefined) {
						idle.splice(0).forEach(discard);
						discard(held);
					}
				}, limitMs);
				const waiter: Waiter = {
					take(connection) {
						held = connection;
						job(connection).then(
							(result) => {
								clearTimeout(timer);
								resolve(result);
								giveBack(connection);
							},
							(error: unknown) => {
								clearTimeout(timer);
								reject(error);
								(isConnectionFault(error) ? discard : giveBack)(connection);
							},
						);
					},
					refuse(error) {
						clearTimeout(timer);
						reject(error);
					},
				};
				acquire(waiter);
			});
		},
		state: () => ({ open: open.size, idle: idle.length, waiting: waiting.size, replaced }),
		close() {
			isClosed = true;
			for (const waiter of waiting) {
				waiter.refuse(new PostgresTimeout("The connections to PostgreSQL are closed."));
			}
			waiting.clear();
			idle.length = 0;
			for (const connection of open) {
				connection.destroy();
			}
			open.clear();
		},
	};
}

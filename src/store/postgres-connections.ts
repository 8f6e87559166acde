import type { Connect, PostgresConnection } from "./postgres-connection.ts";

/** Somebody who wants a connection. */
export interface Applicant {
	take(connection: PostgresConnection): void;
}

/** Connections of which never more are open than allowed. Who finds none waits in a line. */
export interface PostgresConnections {
	acquire(applicant: Applicant): void;
	/** No longer wants one. */
	leave(applicant: Applicant): void;
	giveBack(connection: PostgresConnection): void;
	/** Cuts a connection; another one may be made in its place. */
	discard(connection: PostgresConnection): void;
	discardIdle(): void;
	/** Cuts all of them. */
	close(): void;
	state(): PoolState;
}

export interface PoolState {
	readonly open: number;
	readonly idle: number;
	readonly waiting: number;
	/** Connections that were given up since the start. */
	readonly replaced: number;
}

export function createPostgresConnections(connect: Connect, connectionsMax: number): PostgresConnections {
	const open = new Set<PostgresConnection>();
	const idle: PostgresConnection[] = [];
	const waiting = new Set<Applicant>();
	let replaced = 0;

	function takeIdle(): PostgresConnection | undefined {
		for (;;) {
			const known = idle.pop();
			if (known === undefined || !known.isLost()) {
				return known;
			}
			discard(known);
		}
	}

	function acquire(applicant: Applicant): void {
		const known = takeIdle();
		if (known === undefined && open.size >= connectionsMax) {
			waiting.add(applicant);
			return;
		}
		const connection = known ?? connect();
		open.add(connection);
		applicant.take(connection);
	}

	function serveNext(): void {
		const [next] = waiting;
		if (next !== undefined) {
			waiting.delete(next);
			acquire(next);
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
		acquire,
		leave: (applicant) => void waiting.delete(applicant),
		giveBack(connection) {
			if (open.has(connection)) {
				idle.push(connection);
				serveNext();
			}
		},
		discard,
		discardIdle: () => idle.splice(0).forEach(discard),
		close() {
			waiting.clear();
			idle.length = 0;
			for (const connection of open) {
				connection.destroy();
			}
			open.clear();
		},
		state: () => ({ open: open.size, idle: idle.length, waiting: waiting.size, replaced }),
	};
}

import { SQL } from "bun";
import { PostgresLost } from "./postgres-errors.ts";
import { fromPostgres, postgresValue } from "./postgres-values.ts";

/** How long one connection may take for what it does. Milliseconds. */
export interface ConnectionLimits {
	readonly connectMs: number;
	/** The server ends a statement that takes longer. */
	readonly statementMs: number;
	/** The server ends a statement that waits longer for a lock. */
	readonly lockMs: number;
}

/** One connection to the server. Statements on it run one after the other. */
export interface PostgresConnection {
	/** Rows as lists of values. Rejects with what the server or the network raises; has no deadline of its own. */
	values(text: string, parameters?: readonly unknown[]): Promise<readonly (readonly unknown[])[]>;
	/** True once it has ended: it does not come back. */
	isLost(): boolean;
	/** Cuts the connection, whatever it is doing. Returns at once; what was running rejects. */
	destroy(): void;
}

export type Connect = () => PostgresConnection;

/**
 * Bun's own client, one connection of it: its pool is not used (docs/adr/0014-postgres-client.md). It connects with the
 * first statement. It would connect again by itself when it has lost its connection, in the middle of a transaction too,
 * whose other half would then be committed alone: so one that was lost is never used again.
 */
export function connector(url: string, limits: ConnectionLimits): Connect {
	return () => {
		let isLost = false;
		let hasConnected = false;
		const client = new SQL(url, {
			max: 1,
			// Statements without a name: one round trip each, no plans that pile up, and a pooler in between may change servers.
			prepare: false,
			connectionTimeout: limits.connectMs / 1_000,
			idleTimeout: 0,
			maxLifetime: 0,
			onconnect() {
				isLost ||= hasConnected;
				hasConnected = true;
			},
			onclose() {
				isLost = true;
			},
			connection: {
				application_name: "gateway-llm",
				statement_timeout: limits.statementMs,
				lock_timeout: limits.lockMs,
				// A transaction whose gateway has gone silent must not keep its locks.
				idle_in_transaction_session_timeout: limits.statementMs,
			},
		});
		return {
			async values(text, parameters = []) {
				if (isLost) {
					throw new PostgresLost("The connection to PostgreSQL was lost.");
				}
				const rows: readonly (readonly unknown[])[] = await client.unsafe(text, parameters.map(postgresValue)).values();
				return rows.map((row) => row.map(fromPostgres));
			},
			isLost: () => isLost,
			destroy() {
				isLost = true;
				// The promise of a closing that never ends (https://github.com/oven-sh/bun/issues/42804) is nobody's business.
				client.close({ timeout: 0 }).catch(() => {});
			},
		};
	};
}

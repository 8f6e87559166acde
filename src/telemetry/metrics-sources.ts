/** A figure that somebody else keeps, read when it is asked for; undefined = there is none at the moment. */
export type Figure = () => number | undefined;

/**
 * What the parts of the gateway can tell about their state. A part that does not exist leaves its source out, and its
 * metric is then left out too.
 */
export interface StateSources {
	/** Called for each answer of `/health/ready`; undefined = no Redis is configured. */
	readonly redis?: (() => "ok" | "down" | undefined) | undefined;
	/** Decisions that had to wait for Redis, and those it failed, since the start. */
	readonly redisWaits?: Figure | undefined;
	readonly redisFailures?: Figure | undefined;
	/** Instances that share the database, this one included. */
	readonly instances?: Figure | undefined;
	/** Ledger rows that wait in memory, and on local disk. A database that has an outbox always tells a number. */
	readonly ledgerQueuedRows?: Figure | undefined;
	readonly outboxRows?: Figure | undefined;
	/** Requests that had to wait for the database to grant budget, and those that it could not be asked for. */
	readonly budgetLeaseWaits?: Figure | undefined;
	readonly budgetLeaseUnavailable?: Figure | undefined;
}

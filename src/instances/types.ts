/** What an administrator has changed, by way of any instance. */
export interface Change {
	readonly kind: "key" | "team" | "deployment";
	readonly id: string;
}

/** Tells this instance what the others have changed in the shared database. */
export interface ChangeFeed {
	/**
	 * What was changed since the last call, those of this instance included; each at least once, none left out. One query
	 * where nothing was. The first call begins where the feed was opened: what was read from the database later than that
	 * holds everything earlier.
	 * Rejects when the database does not answer in time; the next call then tells what this one could not.
	 */
	next(): Promise<readonly Change[]>;
}

/** A row of an attempt that its instance can no longer settle. */
export interface RecoveredAttempt {
	readonly requestId: string;
	readonly attempt: number;
	readonly costNano: number;
}

/** The instances that share a database. */
export interface Membership {
	/**
	 * Says that this instance lives, and asks how many do. An instance that was taken for dead meanwhile is told so, once:
	 * its budgets were given to the others, and its open attempts settled at their reservation.
	 */
	beat(): Promise<{ readonly instances: number; readonly wasTakenForDead: boolean }>;
	/** Settles what instances left open that have not been seen for long, and frees what they held of budgets. */
	reap(atMs: number): Promise<readonly RecoveredAttempt[]>;
	/** This instance ends: what it holds of budgets is free from now on. Everything is settled before. */
	leave(): Promise<void>;
}

/** A quick word to the other instances. It may get lost: what it announces is found without it, a little later. */
export interface Nudges {
	/** Something was changed. Never throws, never waits. */
	send(): void;
	/** Called for each nudge of any instance, this one included; perhaps more than once. */
	listen(onNudge: () => void): void;
}

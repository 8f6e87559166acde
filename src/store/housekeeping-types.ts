/** Where a walk through the rows of a day, newest first, has come to. */
export interface RowCursor {
	readonly openedAt: number;
	readonly requestId: string;
	readonly attempt: number;
}

/** A sum of a day that its rows and `spend_days` do not agree on. */
export interface DayDifference {
	/** undefined: the day as a whole, since some of its rows are deleted and only known by their sum. */
	readonly cell:
		| { readonly key: string; readonly team: string; readonly provider: string; readonly model: string }
		| undefined;
	readonly figure: string;
	/** Of the rows, with what was deleted of them. */
	readonly rows: string;
	/** In `spend_days`. */
	readonly rollUp: string;
}

export interface DayCheck {
	/** Days since 1970-01-01, UTC. */
	readonly day: number;
	/** Rows there are, and those among them that are not settled: they are in no sum yet. */
	readonly attempts: number;
	readonly unsettled: number;
	/** Rows that are known by their sum only. */
	readonly pruned: number;
	readonly differences: readonly DayDifference[];
}

export interface DatabaseSize {
	readonly fileBytes: number;
	/** Without the pages that are free for what comes next. */
	readonly usedBytes: number;
	/** False: free pages stay in the file, until somebody rebuilds it. */
	readonly canShrink: boolean;
}

/**
 * Keeps the database bounded. Each call is one short transaction, or lets other work go on between its statements. Days
 * are UTC, numbered since 1970-01-01.
 */
export interface Housekeeping {
	/**
	 * False: another instance that shares the database keeps it bounded. Two at once would take each other's deletions for
	 * sums that are wrong. Whoever has it keeps it while it lives.
	 */
	claim(): Promise<boolean>;
	size(): Promise<DatabaseSize>;
	/** The first day from `fromDay` until before `endDay` that has rows of attempts. */
	nextDay(fromDay: number, endDay: number): Promise<number | undefined>;
	/** Adds up the rows of a day and compares with `spend_days`. */
	checkDay(day: number): Promise<DayCheck>;
	/**
	 * Looks at some rows of a day and deletes those that nobody needs any more: not unsettled ones, not those with a later
	 * attempt (which counts by them), not the makers of stored objects opened since `ownersSinceMs`.
	 * @returns `next`: where to go on; undefined when the day has been walked through.
	 */
	pruneDay(
		day: number,
		from: RowCursor | undefined,
		bounds: { readonly rowsMax: number; readonly ownersSinceMs: number },
	): Promise<{ readonly deleted: number; readonly next: RowCursor | undefined }>;
	/** Deletes the oldest kept responses or conversations last changed before an instant. Returns how many. */
	dropOldestKept(beforeMs: number, rowsMax: number): Promise<number>;
	/** Deletes the oldest requests that no provider was asked for, from before an instant. Returns how many. */
	dropOldestUnserved(beforeMs: number, rowsMax: number): Promise<number>;
	/** Gives free pages back to the file system. Returns how many. */
	shrink(pagesMax: number): Promise<number>;
}

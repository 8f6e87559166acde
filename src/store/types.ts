import type { KeyListQuery, KeyPage, KeyRecord, KeySettings } from "../keys/types.ts";
import type { NanoUsd } from "../lib/money.ts";
import type { Usage } from "../lib/usage.ts";
import type { AttemptClosing, AttemptOpening, ObjectOwner } from "../metering/ledger-types.ts";

/** Rows of virtual keys. `hash` is SHA-256 of the secret, hex. */
export interface KeyStore {
	/** Every key, revoked ones too (a revoked token is told so). */
	all(): Promise<readonly (KeyRecord & { readonly hash: string })[]>;
	insert(record: KeyRecord & { readonly hash: string }): Promise<void>;
	get(id: string): Promise<KeyRecord | undefined>;
	/** Newest first; revoked keys left out. */
	list(query: KeyListQuery): Promise<KeyPage>;
	update(id: string, settings: Partial<KeySettings>): Promise<KeyRecord | undefined>;
	/** False when there is no unrevoked key of that id. */
	revoke(id: string, atMs: number): Promise<boolean>;
	touch(lastUsed: ReadonlyMap<string, number>): Promise<void>;
}

/** Writes of the ledger. Both are queued and group-committed: at once when idle, whatever waits when busy. */
export interface AttemptWriter {
	/** Queues the row as dispatched. Throws nothing. */
	opened(opening: AttemptOpening, atMs: number): void;
	/**
	 * Resolves when the row is committed as settled; never rejects. An opening still in the queue becomes one single write.
	 * While the disk refuses rows (`healthy()` is false) it resolves once the row is in the bounded journal, so that no
	 * running answer waits for a disk: the row is written when the disk recovers.
	 */
	settled(opening: AttemptOpening, openedAtMs: number, closing: AttemptClosing, atMs: number): Promise<void>;
	/** False from the first refused commit until one succeeds again. */
	healthy(): boolean;
	/** Resolves when everything queued so far is on disk. */
	flush(): Promise<void>;
}

/** What an operator should hear about, once for each change of state. */
export type StoreProblem =
	/** The group or others have rights to the database file, which holds key hashes and spend. */
	| { readonly kind: "file_open_to_others"; readonly path: string }
	/** The disk refuses rows; they wait in memory. */
	| { readonly kind: "writes_failing"; readonly cause: unknown }
	/** `openingsDropped`: rows that made room for others, and are written when their attempt settles. */
	| { readonly kind: "writes_recovered"; readonly openingsDropped: number }
	/** A cost that is in no ledger: the journal was full, the row can never be written, or the process had to end. */
	| {
			readonly kind: "settle_lost";
			readonly reason: "journal_full" | "row_refused" | "closed";
			readonly requestId: string;
			readonly attempt: number;
			readonly keyId: string;
			readonly costNano: NanoUsd;
			readonly cause: unknown;
	  };

export const SPEND_DIMENSIONS = ["key", "team", "model", "provider", "day"] as const;
export type SpendDimension = (typeof SPEND_DIMENSIONS)[number];

export interface SpendRow {
	/** One entry a requested dimension. `day` is YYYY-MM-DD, UTC; a key without a team has team undefined. */
	readonly group: Readonly<Partial<Record<SpendDimension, string | undefined>>>;
	/** Distinct requests with a settled attempt in the group; one counts at its first attempt there, on that attempt's day. */
	readonly requests: number;
	/** Attempts that failed upstream. */
	readonly errors: number;
	readonly usage: Usage;
	readonly costNano: bigint;
	/** Distinct requests with an attempt in the group for which no price is known. */
	readonly unpricedRequests: number;
}

export interface AttemptRow {
	readonly opening: Omit<AttemptOpening, "budgets">;
	readonly openedAtMs: number;
	/** undefined while in flight. */
	readonly closing: AttemptClosing | undefined;
	readonly settledAtMs: number | undefined;
}

/** Reads of the ledger. Spend belongs to the instant its attempt was opened. */
export interface AttemptReader {
	/** Settled cost by subject (`key:…`, `team:…`) since an instant, to rebuild the budget book at start. */
	spentSince(fromMs: number): Promise<ReadonlyMap<string, NanoUsd>>;
	/** Settled attempts. `fromMs` inclusive, `toMs` exclusive. In slices: other work goes on meanwhile. */
	spend(query: {
		readonly fromMs: number;
		readonly toMs: number;
		readonly groupBy: readonly SpendDimension[];
	}): Promise<readonly SpendRow[]>;
	byRequest(requestId: string): Promise<readonly AttemptRow[]>;
	ownerOf(objectId: string): Promise<ObjectOwner | undefined>;
	/**
	 * Start-up: settles every row that a crash left dispatched, at its reservation, source `crash_estimate`.
	 * Returns what was settled, for the log.
	 */
	recover(
		atMs: number,
	): Promise<readonly { readonly requestId: string; readonly attempt: number; readonly costNano: NanoUsd }[]>;
}

/** Deployments an administrator took out of rotation. */
export interface DeploymentStateStore {
	disabled(): Promise<ReadonlySet<string>>;
	setEnabled(deploymentId: string, enabled: boolean, atMs: number): Promise<void>;
}

export interface Store {
	readonly keys: KeyStore;
	readonly attempts: AttemptReader;
	readonly writer: AttemptWriter;
	readonly deploymentStates: DeploymentStateStore;
	/** False when the database does not answer a trivial query. */
	ready(): Promise<boolean>;
	/** Flushes, checkpoints, closes. */
	close(): Promise<void>;
}

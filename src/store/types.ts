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
	/** Resolves when the row is committed as settled. An opening still in the queue becomes one single write. */
	settled(opening: AttemptOpening, openedAtMs: number, closing: AttemptClosing, atMs: number): Promise<void>;
	healthy(): boolean;
	flush(): Promise<void>;
}

export const SPEND_DIMENSIONS = ["key", "team", "model", "provider", "day"] as const;
export type SpendDimension = (typeof SPEND_DIMENSIONS)[number];

export interface SpendRow {
	/** One entry a requested dimension. `day` is YYYY-MM-DD, UTC; a key without a team has team undefined. */
	readonly group: Readonly<Partial<Record<SpendDimension, string | undefined>>>;
	/** Distinct requests. */
	readonly requests: number;
	/** Attempts that failed upstream. */
	readonly errors: number;
	readonly usage: Usage;
	readonly costNano: bigint;
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
	/** `fromMs` inclusive, `toMs` exclusive. */
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

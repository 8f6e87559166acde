import type { OperationId } from "../dialects/types.ts";
import type { ChangeFeed, Membership } from "../instances/types.ts";
import type { KeyListQuery, KeyPage, KeyRecord, KeySettings } from "../keys/types.ts";
import type { JsonObject } from "../lib/json-types.ts";
import type { NanoUsd } from "../lib/money.ts";
import type { Usage } from "../lib/usage.ts";
import type { BudgetAuthority } from "../limits/authority-types.ts";
import type { TeamOverrides } from "../limits/team-types.ts";
import type { AttemptClosing, AttemptOpening, ObjectOwner } from "../metering/ledger-types.ts";
import type { ConversationRecord, Item, Maker, ResponseRecord } from "../responses/types.ts";
import type { RoutedRequestReader } from "../routing/report/types.ts";
import type { Housekeeping } from "./housekeeping-types.ts";

/** Rows of virtual keys. `hash` is SHA-256 of the secret, hex. */
export interface KeyStore {
	/** Every key, revoked ones too (a revoked token is told so). */
	all(): Promise<readonly (KeyRecord & { readonly hash: string })[]>;
	insert(record: KeyRecord & { readonly hash: string }): Promise<void>;
	get(id: string): Promise<KeyRecord | undefined>;
	/** Newest first; revoked keys left out. */
	list(query: KeyListQuery): Promise<KeyPage>;
	/** Those of the given ids that there are, revoked ones too. At most 1,000. */
	some(ids: readonly string[]): Promise<readonly (KeyRecord & { readonly hash: string })[]>;
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
	/** The shared database refuses rows, or is late: from now on they wait on local disk. */
	| { readonly kind: "database_away"; readonly cause: unknown }
	/** It has them all, those of an earlier process too, and takes new ones itself again. */
	| { readonly kind: "database_back"; readonly rowsReplayed: number }
	/** So many rows wait on local disk that no new requests are taken on. Running ones go on. */
	| { readonly kind: "outbox_full"; readonly rows: number }
	/** Rows on local disk can be neither read nor dropped. None is lost: they are written again, which changes nothing. */
	| { readonly kind: "outbox_failing"; readonly cause: unknown }
	/** The process ends while rows wait on local disk: a start with the same data directory brings them to the database. */
	| { readonly kind: "outbox_left"; readonly rows: number }
	/** Requests that no provider was asked for and whose trail is lost: more than are written, or the database was away. */
	| {
			readonly kind: "unserved_not_kept";
			readonly tooMany: number;
			readonly notWritten: number;
			/** Of the last write that failed. */
			readonly cause?: unknown;
	  }
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
export interface AttemptReader extends RoutedRequestReader {
	/** Settled cost by subject (`key:…`, `team:…`) since an instant, to rebuild the budget book at start. */
	spentSince(fromMs: number): Promise<ReadonlyMap<string, NanoUsd>>;
	/** Settled attempts. `fromMs` inclusive, `toMs` exclusive. In slices: other work goes on meanwhile. */
	spend(query: {
		readonly fromMs: number;
		readonly toMs: number;
		readonly groupBy: readonly SpendDimension[];
	}): Promise<readonly SpendRow[]>;
	/** Settled attempts of one key on whole UTC days (days since 1970-01-01, `endDay` exclusive): a handful of rows a day. */
	spendOfKey(query: {
		readonly keyId: string;
		readonly fromDay: number;
		readonly endDay: number;
		readonly groupBy: readonly ("model" | "day")[];
	}): Promise<readonly SpendRow[]>;
	byRequest(requestId: string): Promise<readonly AttemptRow[]>;
	ownerOf(objectId: string): Promise<ObjectOwner | undefined>;
	/**
	 * Start-up: settles every row that a crash left dispatched, at its reservation, source `crash_estimate`. Where several
	 * instances share the database: of the process that had this data directory before, once the database has what waited
	 * there for it. Returns what was settled, for the log.
	 */
	recover(
		atMs: number,
	): Promise<readonly { readonly requestId: string; readonly attempt: number; readonly costNano: NanoUsd }[]>;
}

/** A request that was let in and that no provider was asked for: what is told of it later. */
export interface UnservedRequest {
	readonly requestId: string;
	readonly keyId: string;
	readonly team: string | undefined;
	readonly alias: string;
	readonly operation: OperationId;
	readonly streamed: boolean;
	/** Unix milliseconds. */
	readonly atMs: number;
	/** What the client was told. */
	readonly status: number;
	readonly code: string | undefined;
	/** See routing/decision-text.ts. */
	readonly decision: string;
}

/** Requests that no provider was asked for. They cost nothing, so one may be lost. */
export interface UnservedStore {
	/** Never throws, and nobody waits for it: written a moment later with others, so many a second at most. */
	keep(request: UnservedRequest): void;
	/** Also what is not written yet. */
	byRequest(requestId: string): Promise<UnservedRequest | undefined>;
	/** Resolves when what was kept so far is on disk, or cannot be. */
	flush(): Promise<void>;
}

/** What administrators have set for teams. */
export interface TeamStore {
	all(): Promise<ReadonlyMap<string, TeamOverrides>>;
	/** Replaces what is set for a team; nothing set = no row. */
	set(team: string, overrides: TeamOverrides, atMs: number): Promise<void>;
}

/** Deployments an administrator took out of rotation. */
export interface DeploymentStateStore {
	disabled(): Promise<ReadonlySet<string>>;
	setEnabled(deploymentId: string, enabled: boolean, atMs: number): Promise<void>;
}

/**
 * Which kept rows there still are: those whose own time is not over, and that are younger than what is kept now. A
 * shorter retention thus counts at once, a longer one for what is made from then on. Unix milliseconds.
 */
export interface Horizon {
	readonly nowMs: number;
	/** Rows made (conversations: last changed) then or before are gone. */
	readonly keptSinceMs: number;
}

/** How much of a history is read. */
export interface HistoryBounds {
	readonly countMax: number;
	/** UTF-8 bytes of JSON. */
	readonly bytesMax: number;
}

/** What a turn leaves behind. */
export interface TurnWrite {
	/** undefined: this turn is not kept as a response. */
	readonly record: ResponseRecord | undefined;
	/** Items that are added to a conversation; one whose id is there already gets a new one, so that none is lost. */
	readonly append: (ConversationChange & { readonly items: readonly Item[] }) | undefined;
}

export interface ConversationChange {
	readonly conversationId: string;
	readonly changedAtMs: number;
	readonly expiresAtMs: number;
}

export type TurnSaved =
	/** `appended`: the conversation was still there. True where none was named. */
	| { readonly saved: true; readonly appended: boolean }
	/** Nothing was written: it is larger than a row may be, or the id belongs to another response. */
	| { readonly saved: false; readonly reason: "too_large" | "id_taken" };

export type Chain =
	/** Oldest first. */
	| { readonly kind: "whole"; readonly turns: readonly ResponseRecord[] }
	/** `id` is not there: never was, deleted, or its time is over. */
	| { readonly kind: "broken"; readonly id: string }
	| { readonly kind: "too_long" };

/** Responses that the gateway keeps. Every write is one transaction, on disk when its promise resolves. */
export interface ResponseStore {
	/** Writes a turn whole or not at all. Rejects with what the disk raises. */
	save(turn: TurnWrite): Promise<TurnSaved>;
	get(id: string, horizon: Horizon): Promise<ResponseRecord | undefined>;
	/** A response and those it was built upon. Other work goes on meanwhile. */
	chain(id: string, bounds: HistoryBounds, horizon: Horizon): Promise<Chain>;
	/** Output items by their ids, among the responses of this maker's key or team; the newest where an id is there twice. */
	findItems(
		ids: readonly string[],
		maker: Maker,
		bounds: HistoryBounds,
		horizon: Horizon,
	): Promise<ReadonlyMap<string, Item> | "too_long">;
	/** False when there is none. */
	delete(id: string): Promise<boolean>;
	/** Deletes responses and conversations whose time is over, some at a time. Returns how many. */
	prune(horizon: Horizon, rowsMax: number): Promise<number>;
}

export type ItemsAdded =
	| { readonly kind: "added" }
	/** There is no such conversation any more. */
	| { readonly kind: "gone" }
	/** It would grow beyond the bounds. */
	| { readonly kind: "full" }
	| { readonly kind: "duplicate"; readonly id: string };

/** Conversations and their items. Whose they are is for the caller to ask. */
export interface ConversationStore {
	create(record: Omit<ConversationRecord, "itemCount" | "bytes">, items: readonly Item[]): Promise<void>;
	get(id: string, horizon: Horizon): Promise<ConversationRecord | undefined>;
	/** False when it is gone. */
	setMetadata(change: ConversationChange, metadata: JsonObject): Promise<boolean>;
	/** With all its items. */
	delete(id: string): Promise<boolean>;
	/** All items or none. */
	addItems(change: ConversationChange, items: readonly Item[], bounds: HistoryBounds): Promise<ItemsAdded>;
	/** undefined: `after` is not in the conversation. */
	listItems(
		id: string,
		query: { readonly order: "asc" | "desc"; readonly after: string | undefined; readonly limit: number },
	): Promise<{ readonly items: readonly Item[]; readonly hasMore: boolean } | undefined>;
	/** All items in their order. Other work goes on meanwhile. */
	allItems(id: string): Promise<readonly Item[]>;
	getItem(id: string, itemId: string): Promise<Item | undefined>;
	deleteItem(change: ConversationChange, itemId: string): Promise<boolean>;
}

/** What a database that several instances use at the same time offers on top. */
export interface SharedStore {
	/** Of this process, another one after each start. */
	readonly instanceId: string;
	readonly budgets: BudgetAuthority;
	readonly membership: Membership;
	readonly changes: ChangeFeed;
}

export interface Store {
	/** undefined: one process has the database for itself. */
	readonly shared: SharedStore | undefined;
	readonly keys: KeyStore;
	readonly teams: TeamStore;
	readonly attempts: AttemptReader;
	readonly writer: AttemptWriter;
	readonly unserved: UnservedStore;
	readonly deploymentStates: DeploymentStateStore;
	readonly responses: ResponseStore;
	readonly conversations: ConversationStore;
	readonly housekeeping: Housekeeping;
	/** Ledger rows that the database does not have yet. */
	readonly backlog: {
		/** In memory. */
		readonly queuedRows: () => number;
		/** On local disk; undefined: there is no outbox. */
		readonly outboxRows: (() => number) | undefined;
	};
	/** False when the database does not answer a trivial query. */
	ready(): Promise<boolean>;
	/** Flushes, checkpoints, closes. */
	close(): Promise<void>;
}

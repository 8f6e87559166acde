import type { OpeningWrite, SettleWrite } from "./attempt-rows.ts";

/** A row that waits on local disk until the shared database takes it. */
export type OutboxRow =
	| { readonly kind: "opening"; readonly write: OpeningWrite }
	| { readonly kind: "settle"; readonly write: SettleWrite };

/**
 * Ledger rows on local disk: what the shared database has not taken yet outlives both its outage and the end of this
 * process. One process at a time has it open.
 */
export interface Outbox {
	/** On disk when it returns (survives kill -9). All or none. Throws what the disk raises. */
	append(rows: readonly OutboxRow[]): void;
	/** The oldest rows behind a place (of all: by default), in the order they were appended, each with its place. */
	oldest(rowsMax: number, afterPlace?: number): readonly { readonly place: number; readonly row: OutboxRow }[];
	/** Drops rows up to and including a place: the database has them. */
	dropThrough(place: number): void;
	count(): number;
	/** False when so much waits that no new work should be taken on. What is appended all the same is kept. */
	hasRoom(): boolean;
	/** The instance that used this outbox before this process did; undefined = none. */
	readonly previousInstance: string | undefined;
	/** From now on it belongs to this one. */
	takeOver(instanceId: string): void;
	close(): void;
}

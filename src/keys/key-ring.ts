import { timingSafeEqual } from "node:crypto";
import { digestSecret, hasValidShape } from "./secret.ts";
import type { KeyRecord } from "./types.ts";

/** One key in memory. The record is replaced as a whole, so that a request never sees half a change. */
export interface RingEntry {
	record: KeyRecord;
	readonly digest: Buffer;
	/** Newer than the record's while it waits to be written. */
	lastUsedAt: number | undefined;
}

/** Every key of the gateway, in memory: a request is never told apart from a database. */
export interface KeyRing {
	add(record: KeyRecord, hash: string): void;
	byId(id: string): RingEntry | undefined;
	/** The key of a token; undefined for a malformed one and for an unknown one alike. */
	byToken(token: string): RingEntry | undefined;
	size(): number;
}

export function createKeyRing(): KeyRing {
	const byDigest = new Map<string, RingEntry>();
	const byId = new Map<string, RingEntry>();
	// One buffer for all look-ups: they are synchronous.
	const presented = Buffer.alloc(32);

	return {
		add(record, hash) {
			const digest = Buffer.from(hash, "hex");
			const entry: RingEntry = { record, digest, lastUsedAt: record.lastUsedAt };
			byDigest.set(digest.toString("latin1"), entry);
			byId.set(record.id, entry);
		},
		byId: (id) => byId.get(id),
		byToken(token) {
			if (!hasValidShape(token)) {
				return undefined;
			}
			digestSecret(token, presented);
			const entry = byDigest.get(presented.toString("latin1"));
			return entry !== undefined && timingSafeEqual(entry.digest, presented) ? entry : undefined;
		},
		size: () => byId.size,
	};
}

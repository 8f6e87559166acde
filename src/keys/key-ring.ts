import { timingSafeEqual } from "node:crypto";
import type { Clock } from "../lib/clock.ts";
import { digestSecret, hasValidShape } from "./secret.ts";
import type { KeyRecord } from "./types.ts";

/** One key in memory. The record is replaced as a whole, so that a request never sees half a change. */
export interface RingEntry {
	/** Changed by `replace` alone. */
	record: KeyRecord;
	readonly digest: Buffer;
	/** Newer than the record's while it waits to be written. */
	lastUsedAt: number | undefined;
}

/** Every key of the gateway, in memory: a request is never told apart from a database. */
export interface KeyRing {
	/** A key that is not there yet. */
	add(record: KeyRecord, hash: string): void;
	/**
	 * What is known of a key from now on. One that was revoked stays so, whatever the record says: no reading of a database
	 * and no answer that took its time can make it valid again.
	 */
	replace(entry: RingEntry, record: KeyRecord): void;
	byId(id: string): RingEntry | undefined;
	/** The key of a token; undefined for a malformed one and for an unknown one alike. */
	byToken(token: string): RingEntry | undefined;
	size(): number;
}

export interface KeyRingDeps {
	readonly clock: Clock;
	/** Called with the id of each key that can be used no longer. */
	readonly onUnusable: (keyId: string) => void;
}

export function createKeyRing({ clock, onUnusable }: KeyRingDeps): KeyRing {
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
		replace(entry, given) {
			const { revokedAt } = entry.record;
			const record = revokedAt === undefined ? given : { ...given, revokedAt };
			const nowMs = clock.now();
			const wasUsable = isUsable(entry.record, nowMs);
			entry.record = record;
			entry.lastUsedAt = latest(entry.lastUsedAt, record.lastUsedAt);
			if (wasUsable && !isUsable(record, nowMs)) {
				onUnusable(record.id);
			}
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

/** The later of two last uses, each written down by somebody else. */
export function latest(one: number | undefined, other: number | undefined): number | undefined {
	return one === undefined || other === undefined ? (one ?? other) : Math.max(one, other);
}

function isUsable({ enabled, revokedAt, expiresAt }: KeyRecord, nowMs: number): boolean {
	return enabled && revokedAt === undefined && (expiresAt === undefined || expiresAt > nowMs);
}

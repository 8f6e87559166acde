import type { Clock } from "../lib/clock.ts";
import { unauthorized } from "../lib/errors.ts";
import { newId } from "../lib/ids.ts";
import { createSerial } from "../lib/serial.ts";
import { saved } from "../store/saved.ts";
import type { KeyStore, Store } from "../store/types.ts";
import { createKeyRing, type KeyRing, type RingEntry } from "./key-ring.ts";
import { hashSecret, hintOf, mintSecret } from "./secret.ts";
import type { KeyDirectory, KeyRecord } from "./types.ts";
import { createUseLog, type UseLog } from "./use-log.ts";

export interface KeyDirectoryDeps {
	readonly store: Pick<Store, "keys">;
	readonly clock: Clock;
	/** How often last uses are written. */
	readonly flushMs: number;
}

export interface RunningKeyDirectory extends KeyDirectory {
	/** Writes the last uses gathered since the last time. */
	flush(): Promise<void>;
	/** Stops the timer after a last flush; the store is the caller's to close. */
	close(): Promise<void>;
}

/** Loads every key: from then on a token is verified in memory, and a change counts from the moment it is written. */
export async function createKeyDirectory({ store, clock, flushMs }: KeyDirectoryDeps): Promise<RunningKeyDirectory> {
	const ring = createKeyRing();
	for (const { hash, ...record } of await store.keys.all()) {
		ring.add(record, hash);
	}
	const uses = createUseLog(store.keys, flushMs);
	const listeners: ((keyId: string) => void)[] = [];
	const invalidated = (keyId: string) => {
		for (const listener of listeners) {
			listener(keyId);
		}
	};
	return {
		verify: createVerify(ring, uses, clock),
		...createReads(ring, store.keys),
		...createChanges({ ring, keys: store.keys, clock, invalidated }),
		onRevoked(listener) {
			listeners.push(listener);
		},
		flush: uses.flush,
		close: uses.close,
	};
}

function createVerify(ring: KeyRing, uses: UseLog, clock: Clock): KeyDirectory["verify"] {
	return (token) => {
		const entry = ring.byToken(token);
		if (entry === undefined) {
			throw unauthorized(
				"This is not a virtual key of this gateway. Send one as 'Authorization: Bearer gw_virt_…'; an administrator " +
					"mints it with POST /admin/keys.",
			);
		}
		const { record } = entry;
		const nowMs = clock.now();
		if (record.revokedAt !== undefined) {
			throw unauthorized("This virtual key has been revoked. Mint a new one with POST /admin/keys.", "key_revoked");
		}
		if (!record.enabled) {
			throw unauthorized(
				`This virtual key is disabled. Enable it with PATCH /admin/keys/${record.id} {"enabled": true}.`,
				"key_disabled",
			);
		}
		if (record.expiresAt !== undefined && record.expiresAt <= nowMs) {
			throw unauthorized(
				`This virtual key has expired. Mint a new one with POST /admin/keys, or move its expires_at with PATCH ` +
					`/admin/keys/${record.id}.`,
				"key_expired",
			);
		}
		uses.used(entry, nowMs);
		return record;
	};
}

function createReads(ring: KeyRing, keys: KeyStore): Pick<KeyDirectory, "get" | "list"> {
	return {
		async get(id) {
			const entry = ring.byId(id);
			return entry === undefined || entry.record.revokedAt !== undefined ? undefined : current(entry);
		},
		async list(query) {
			const page = await keys.list(query);
			const records = page.keys.map((record) => {
				const entry = ring.byId(record.id);
				return entry === undefined ? record : current(entry);
			});
			return { keys: records, nextAfter: page.nextAfter };
		},
	};
}

interface ChangeDeps {
	readonly ring: KeyRing;
	readonly keys: KeyStore;
	readonly clock: Clock;
	readonly invalidated: (keyId: string) => void;
}

function createChanges({
	ring,
	keys,
	clock,
	invalidated,
}: ChangeDeps): Pick<KeyDirectory, "create" | "update" | "revoke"> {
	// Memory follows the order in which the database applied the changes.
	const inOrder = createSerial();
	return {
		async create(settings) {
			const secret = mintSecret();
			const record: KeyRecord = {
				...settings,
				id: newId("vk"),
				createdAt: clock.now(),
				lastUsedAt: undefined,
				revokedAt: undefined,
				keyHint: hintOf(secret),
			};
			const hash = hashSecret(secret);
			await saved("The key was not created", () => keys.insert({ ...record, hash }));
			ring.add(record, hash);
			return { record, secret };
		},

		update(id, settings) {
			return inOrder(async () => {
				const changed = await saved("The key was not changed", () => keys.update(id, settings));
				const entry = ring.byId(id);
				if (changed === undefined || entry === undefined || entry.record.revokedAt !== undefined) {
					return undefined;
				}
				const wasUsable = isUsable(entry.record, clock.now());
				entry.record = changed;
				if (wasUsable && !isUsable(changed, clock.now())) {
					invalidated(id);
				}
				return current(entry);
			});
		},

		async revoke(id) {
			const entry = ring.byId(id);
			if (entry === undefined) {
				return false;
			}
			const atMs = clock.now();
			if (entry.record.revokedAt === undefined) {
				// In memory first: whatever the disk does, no request is accepted from here on.
				entry.record = { ...entry.record, revokedAt: atMs };
				invalidated(id);
			}
			return saved("The key is refused from now on, but would be valid again after a restart", () =>
				keys.revoke(id, atMs),
			);
		},
	};
}

function isUsable(record: KeyRecord, nowMs: number): boolean {
	return record.enabled && (record.expiresAt === undefined || record.expiresAt > nowMs);
}

function current({ record, lastUsedAt }: RingEntry): KeyRecord {
	return { ...record, lastUsedAt };
}

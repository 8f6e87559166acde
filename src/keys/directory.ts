import type { Clock } from "../lib/clock.ts";
import { unauthorized } from "../lib/errors.ts";
import type { Store } from "../store/types.ts";
import { createKeyChanges } from "./key-changes.ts";
import { createKeyReads } from "./key-reads.ts";
import { createKeyRing, type KeyRing } from "./key-ring.ts";
import type { KeyDirectory } from "./types.ts";
import { createUseLog, type UseLog } from "./use-log.ts";

export interface KeyDirectoryDeps {
	readonly store: Pick<Store, "keys">;
	readonly clock: Clock;
	/** How often last uses are written. */
	readonly flushMs: number;
	/** Called after each change that is on disk: others may want to know. */
	readonly onChanged?: (() => void) | undefined;
}

export interface RunningKeyDirectory extends KeyDirectory {
	/**
	 * Reads keys again that another process may have changed, and those that an earlier call could not: in force when the
	 * promise resolves. Rejects when the database does not answer; whatever is known to be revoked stays revoked.
	 */
	reload(ids: readonly string[]): Promise<void>;
	/** Writes the last uses gathered since the last time. */
	flush(): Promise<void>;
	/** Stops the timer after a last flush; the store is the caller's to close. */
	close(): Promise<void>;
}

/** Loads every key: from then on a token is verified in memory, and a change counts from the moment it is written. */
export async function createKeyDirectory(deps: KeyDirectoryDeps): Promise<RunningKeyDirectory> {
	const { clock, flushMs, onChanged = () => {} } = deps;
	const { keys } = deps.store;
	const listeners: ((keyId: string) => void)[] = [];
	const ring = createKeyRing({
		clock,
		onUnusable(keyId) {
			for (const listener of listeners) {
				listener(keyId);
			}
		},
	});
	for (const { hash, ...record } of await keys.all()) {
		ring.add(record, hash);
	}
	const uses = createUseLog(keys, flushMs);
	const reads = createKeyReads(ring, keys);
	return {
		verify: createVerify(ring, uses, clock),
		get: reads.get,
		list: reads.list,
		...createKeyChanges({ ring, reads, keys, clock, onChanged }),
		reload: reads.inStep.reread,
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

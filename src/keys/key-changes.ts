import type { Clock } from "../lib/clock.ts";
import { newId } from "../lib/ids.ts";
import { createSerial } from "../lib/serial.ts";
import { saved } from "../store/saved.ts";
import type { KeyStore } from "../store/types.ts";
import { current, type KeyReads } from "./key-reads.ts";
import type { KeyRing } from "./key-ring.ts";
import { hashSecret, hintOf, mintSecret } from "./secret.ts";
import type { KeyDirectory, KeyRecord } from "./types.ts";

export interface KeyChangesDeps {
	readonly ring: KeyRing;
	readonly reads: KeyReads;
	readonly keys: KeyStore;
	readonly clock: Clock;
	/** Called after each change that is on disk. */
	readonly onChanged: () => void;
}

/** What administrators do to keys by way of this process. Memory follows the order in which the database applied it. */
export function createKeyChanges(deps: KeyChangesDeps): Pick<KeyDirectory, "create" | "update" | "revoke"> {
	const { ring, reads, keys, clock, onChanged } = deps;
	const inOrder = createSerial();

	async function update(id: string, settings: Parameters<KeyDirectory["update"]>[1]): Promise<KeyRecord | undefined> {
		const entry = ring.byId(id) ?? (await reads.lookUp(id));
		if (entry === undefined) {
			return undefined;
		}
		const changed = await reads.inStep.change(
			id,
			() => saved("The key was not changed", () => keys.update(id, settings)),
			(record) => {
				if (record !== undefined) {
					ring.replace(entry, record);
				}
			},
		);
		if (changed === undefined) {
			return undefined;
		}
		onChanged();
		return entry.record.revokedAt === undefined ? current(entry) : undefined;
	}

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
			// A reading may have been quicker than the answer, and then knows at least as much.
			if (ring.byId(record.id) === undefined) {
				ring.add(record, hash);
			}
			onChanged();
			return { record, secret };
		},

		update: (id, settings) => inOrder(() => update(id, settings)),

		async revoke(id) {
			const entry = ring.byId(id) ?? (await reads.lookUp(id));
			if (entry === undefined) {
				return false;
			}
			const atMs = clock.now();
			if (entry.record.revokedAt === undefined) {
				// In memory first: whatever the disk does, no request is accepted from here on.
				ring.replace(entry, { ...entry.record, revokedAt: atMs });
			}
			const revoked = await saved(
				"The key is refused here from now on, but not by other instances and not after a restart",
				() => keys.revoke(id, atMs),
			);
			if (revoked) {
				onChanged();
			}
			return revoked;
		},
	};
}

import { GatewayError } from "../lib/errors.ts";
import { createInStep, type InStep } from "../lib/in-step.ts";
import type { KeyStore } from "../store/types.ts";
import { type KeyRing, latest, type RingEntry } from "./key-ring.ts";
import type { KeyDirectory, KeyRecord } from "./types.ts";

/** Keys that the store is asked for at once. */
const READ_MAX = 1_000;

type StoredKey = KeyRecord & { readonly hash: string };

/** Keys as administrators ask for them: what another process has changed in the meantime is seen. */
export interface KeyReads extends Pick<KeyDirectory, "get" | "list"> {
	readonly inStep: InStep;
	/**
	 * A key that is not in memory: another process may have made it just now.
	 * @throws GatewayError 503 when that cannot be said.
	 */
	lookUp(id: string): Promise<RingEntry | undefined>;
}

export function createKeyReads(ring: KeyRing, keys: KeyStore): KeyReads {
	const inStep = createInStep({
		read: (ids) => readSome(keys, ids),
		keep(rows: readonly StoredKey[], isOutdated) {
			for (const { hash, ...record } of rows) {
				keepRow(ring, record, hash, isOutdated(record.id));
			}
		},
	});

	async function lookUp(id: string): Promise<RingEntry | undefined> {
		try {
			await inStep.reread([id]);
		} catch (cause) {
			// Memory will do, where it knows the key.
			if (ring.byId(id) === undefined) {
				throw unanswered(cause);
			}
		}
		return ring.byId(id);
	}

	return {
		inStep,
		lookUp,
		async get(id) {
			const entry = await lookUp(id);
			return entry === undefined || entry.record.revokedAt !== undefined ? undefined : current(entry);
		},
		async list(query) {
			const page = await keys.list(query);
			const records = page.keys.flatMap((record) => {
				const entry = ring.byId(record.id);
				return entry?.record.revokedAt === undefined
					? [{ ...record, lastUsedAt: latest(record.lastUsedAt, entry?.lastUsedAt) }]
					: [];
			});
			return { keys: records, nextAfter: page.nextAfter };
		},
	};
}

/** A key as people may see it. */
export function current({ record, lastUsedAt }: RingEntry): KeyRecord {
	return { ...record, lastUsedAt };
}

function keepRow(ring: KeyRing, record: KeyRecord, hash: string, isOutdated: boolean): void {
	const entry = ring.byId(record.id);
	if (entry === undefined) {
		ring.add(record, hash);
	} else if (!isOutdated) {
		ring.replace(entry, record);
	} else if (record.revokedAt !== undefined) {
		// However old the rest of the row is by now: nobody takes a revocation back.
		ring.replace(entry, { ...entry.record, revokedAt: record.revokedAt });
	}
}

async function readSome(keys: KeyStore, ids: readonly string[]): Promise<readonly StoredKey[]> {
	const rows: StoredKey[] = [];
	for (let start = 0; start < ids.length; start += READ_MAX) {
		rows.push(...(await keys.some(ids.slice(start, start + READ_MAX))));
	}
	return rows;
}

function unanswered(cause: unknown): GatewayError {
	return new GatewayError({
		status: 503,
		type: "service_unavailable",
		kind: "ledger_unavailable",
		code: "store_unavailable",
		message: "The gateway's database does not answer, so that nobody can say whether there is such a key. Try again.",
		cause,
	});
}

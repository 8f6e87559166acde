import type { KeyStore } from "../store/types.ts";
import type { RingEntry } from "./key-ring.ts";

/** Remembers which keys were used, and writes the times in batches: a request pays for no write. */
export interface UseLog {
	used(entry: RingEntry, atMs: number): void;
	/** Writes what has gathered. What cannot be written is kept for the next time. */
	flush(): Promise<void>;
	/** Flushes for the last time. */
	close(): Promise<void>;
}

export function createUseLog(store: KeyStore, flushMs: number): UseLog {
	/** At most one entry a key. */
	let touched = new Set<RingEntry>();
	const timer = setInterval(() => void flush(), flushMs).unref();

	async function flush(): Promise<void> {
		if (touched.size === 0) {
			return;
		}
		const batch = touched;
		touched = new Set();
		try {
			await store.touch(new Map([...batch].map(({ record, lastUsedAt }) => [record.id, lastUsedAt ?? 0])));
		} catch {
			// A last use is a nicety. The disk's trouble is told by the ledger, which feels it first.
			touched = new Set([...batch, ...touched]);
		}
	}

	return {
		used(entry, atMs) {
			entry.lastUsedAt = atMs;
			touched.add(entry);
		},
		flush,
		close() {
			clearInterval(timer);
			return flush();
		},
	};
}

import type { OpeningWrite, SettleWrite } from "./attempt-rows.ts";

export interface QueuedSettle extends SettleWrite {
	/** Those who wait for the row to be safe. */
	readonly waiting: (() => void)[];
}

/** Up to so many rows, in the order in which they have to be written. */
export interface WriteBatch {
	readonly openings: readonly OpeningWrite[];
	readonly settles: readonly QueuedSettle[];
}

/** Rows that are not on disk yet: the queue while the disk accepts rows, the journal while it does not. Never above `rowsMax`. */
export interface WriteQueue {
	size(): number;
	addOpening(write: OpeningWrite): void;
	/** Takes the place of the attempt's opening. The first settle of an attempt counts. */
	addSettle(write: SettleWrite): QueuedSettle;
	/** Openings first: a retry's settle looks for the rows of the attempts before it. */
	next(rowsMax: number): WriteBatch;
	remove(batch: WriteBatch): void;
	forEachSettle(visit: (write: QueuedSettle) => void): void;
	/** Makes room by giving up the oldest row: openings first, since a settle writes its whole row anyway. Not the `spared`. */
	takeOldest(spared?: ReadonlySet<unknown>): OpeningWrite | QueuedSettle | undefined;
}

const NONE: ReadonlySet<unknown> = new Set();

export function createWriteQueue(): WriteQueue {
	const openings = new Map<string, OpeningWrite>();
	const settles = new Map<string, QueuedSettle>();
	return {
		size: () => openings.size + settles.size,
		addOpening(write) {
			openings.set(keyOf(write), write);
		},
		addSettle(write) {
			const key = keyOf(write);
			openings.delete(key);
			const known = settles.get(key);
			if (known !== undefined) {
				return known;
			}
			const queued: QueuedSettle = { ...write, waiting: [] };
			settles.set(key, queued);
			return queued;
		},
		next(rowsMax) {
			const firstOpenings = openings.values().take(rowsMax).toArray();
			return {
				openings: firstOpenings,
				settles: settles
					.values()
					.take(rowsMax - firstOpenings.length)
					.toArray(),
			};
		},
		remove(batch) {
			for (const write of batch.openings) {
				openings.delete(keyOf(write));
			}
			for (const write of batch.settles) {
				settles.delete(keyOf(write));
			}
		},
		forEachSettle(visit) {
			for (const write of settles.values()) {
				visit(write);
			}
		},
		takeOldest(spared = NONE) {
			const sources: readonly Map<string, OpeningWrite | QueuedSettle>[] = [openings, settles];
			for (const source of sources) {
				for (const [key, write] of source) {
					if (!spared.has(write)) {
						source.delete(key);
						return write;
					}
				}
			}
			return undefined;
		},
	};
}

function keyOf({ opening }: OpeningWrite): string {
	return `${opening.requestId} ${opening.attempt}`;
}

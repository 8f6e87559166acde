/**
 * Keeps what is in memory in step with a store that other processes change too. A reading and a write that overlap say
 * nothing about which of the two saw more, so nothing is concluded from them: what overlapped is read again.
 */
export interface InStep {
	/**
	 * Resolves when a reading that began after the call is in memory, with these ids and whatever is outstanding. Nothing
	 * is read where nothing is wanted. One reading at a time: calls meanwhile share the next.
	 * Rejects when the store cannot be read; the ids then stay outstanding until a later call.
	 */
	reread(ids: Iterable<string>): Promise<void>;
	/**
	 * A change made here. In memory when the promise resolves: by `keep`, or by a reading that began after the write was
	 * answered. Rejects with what the write raises, and leaves memory alone then.
	 */
	change<Result>(id: string, write: () => Promise<Result>, keep: (result: Result) => void): Promise<Result>;
}

export interface InStepDeps<Rows> {
	readonly read: (ids: readonly string[]) => Promise<Rows>;
	/** Puts a reading into memory, except for ids that were changed here since it began. */
	readonly keep: (rows: Rows, isOutdated: (id: string) => boolean) => void;
}

export function createInStep<Rows>({ read, keep }: InStepDeps<Rows>): InStep {
	let wanted = new Set<string>();
	let last: Promise<unknown> = Promise.resolve();
	/** The reading that has not begun yet. */
	let next: Promise<void> | undefined;
	/** How many readings have been put into memory. */
	let kept = 0;
	/** Changed here since the running reading began. */
	const changed = new Set<string>();

	function want(ids: Iterable<string>): void {
		wanted = wanted.union(new Set(ids));
	}

	async function round(): Promise<void> {
		next = undefined;
		const ids = wanted;
		wanted = new Set();
		changed.clear();
		try {
			const rows = await read([...ids]);
			keep(rows, (id) => changed.has(id));
			kept += 1;
		} catch (error) {
			want(ids);
			throw error;
		}
		if (changed.size > 0) {
			// Not waited for: a change made here every moment must not keep those of others from being read.
			reread(changed).catch(() => {});
		}
	}

	function reread(ids: Iterable<string>): Promise<void> {
		want(ids);
		if (wanted.size === 0) {
			return Promise.resolve();
		}
		if (next === undefined) {
			next = last.then(round);
			last = next.catch(() => {});
		}
		return next;
	}

	return {
		reread,
		async change(id, write, keepHere) {
			const keptBefore = kept;
			const result = await write();
			changed.add(id);
			if (kept === keptBefore) {
				keepHere(result);
				return result;
			}
			// What was read meanwhile may hold something newer than this answer, which took its time.
			await reread([id]).catch(() => {
				changed.add(id);
				keepHere(result);
			});
			return result;
		},
	};
}

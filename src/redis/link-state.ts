import type { Clock } from "../lib/clock.ts";

export interface RedisState {
	readonly name: "ok" | "down";
	/** Why it is down, in words for an operator; nothing secret. */
	readonly reason: string | undefined;
	/** Since when, monotonic milliseconds. */
	readonly sinceMs: number;
}

export type StateWatcher = (state: RedisState) => void;

/** Tells its watchers of each change once, and of the first state that is known. A new reason alone is no change. */
export function createLinkState(clock: Clock, reason: string, watcher: StateWatcher | undefined) {
	const watchers = new Set<StateWatcher>(watcher ? [watcher] : []);
	let state: RedisState = { name: "down", reason, sinceMs: clock.monotonic() };
	let isKnown = false;
	let isClosed = false;
	return {
		now: () => state,
		become(name: RedisState["name"], why: string | undefined): void {
			if (isClosed) {
				return;
			}
			const isChange = state.name !== name || !isKnown;
			isKnown = true;
			state = { name, reason: why, sinceMs: isChange ? clock.monotonic() : state.sinceMs };
			if (isChange) {
				for (const tell of watchers) {
					tell(state);
				}
			}
		},
		watch(onState: StateWatcher): () => void {
			watchers.add(onState);
			return () => void watchers.delete(onState);
		},
		close(): void {
			isClosed = true;
			state = { name: "down", reason: "closed", sinceMs: clock.monotonic() };
		},
	};
}

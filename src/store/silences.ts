import type { Clock } from "../lib/clock.ts";

/** What the database says of an instance that it has not given up yet. */
export interface Sign {
	readonly id: string;
	/** Opaque: another one after each sign of life. */
	readonly seenAt: string;
}

export interface SilencesDeps {
	readonly clock: Pick<Clock, "monotonic">;
	/** Who gave no sign for so long is silent. */
	readonly silentMs: number;
	/** Who listens less often than this may have been away itself. */
	readonly gapMs: number;
}

/**
 * Who gives no sign of life, by one's own watch. A clock of the database that jumps forward thus kills nobody; and who was
 * away itself, as all are when the database was away, begins to listen anew.
 */
export interface Silences {
	/** What was heard just now. */
	heard(signs: readonly Sign[]): void;
	/** True when this instance has listened all the time that one must be silent for. */
	isWatchful(): boolean;
	silent(): readonly Sign[];
}

export function createSilences({ clock, silentMs, gapMs }: SilencesDeps): Silences {
	let known = new Map<string, { readonly seenAt: string; readonly sinceMs: number }>();
	let listeningSinceMs = Number.POSITIVE_INFINITY;
	let heardAtMs = Number.NEGATIVE_INFINITY;
	const isAwake = () => clock.monotonic() - heardAtMs <= gapMs;
	const isWatchful = () => isAwake() && heardAtMs - listeningSinceMs >= silentMs;
	return {
		heard(signs) {
			const nowMs = clock.monotonic();
			if (!isAwake()) {
				known = new Map();
				listeningSinceMs = nowMs;
			}
			heardAtMs = nowMs;
			known = new Map(
				signs.map(({ id, seenAt }) => {
					const before = known.get(id);
					return [id, before?.seenAt === seenAt ? before : { seenAt, sinceMs: nowMs }];
				}),
			);
		},
		isWatchful,
		silent() {
			const quiet = [...known].filter(([, { sinceMs }]) => heardAtMs - sinceMs >= silentMs);
			return isAwake() ? quiet.map(([id, { seenAt }]) => ({ id, seenAt })) : [];
		},
	};
}

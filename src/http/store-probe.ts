import type { Clock } from "../lib/clock.ts";

/** Whether the database answers. Never rejects; answers within a second. */
export type StoreProbe = () => Promise<boolean>;

/** A database that has not answered by then does not answer. */
const ANSWER_MS_MAX = 1_000;
/** Whoever asks again within this time is told the same: probes must not load what they look at. */
const TRUSTED_MS = 500;
/** A question that is still open does not keep the next one waiting for ever. */
const GIVEN_UP_MS = 10_000;

/**
 * One question at a time, however many ask. While it is late everybody is told that the database is away, and once it
 * has been answered after all, what it said.
 */
export function createStoreProbe(ready: () => Promise<boolean>, clock: Pick<Clock, "monotonic">): StoreProbe {
	let known: { readonly isReady: boolean; readonly atMs: number } | undefined;
	let question: { readonly askedAtMs: number; readonly answer: Promise<boolean> } | undefined;

	function ask(): Promise<boolean> {
		const asked = {
			askedAtMs: clock.monotonic(),
			answer: within(ANSWER_MS_MAX, Promise.try(ready).then(told, refused)),
		};
		question = asked;
		return asked.answer;

		function told(isReady: boolean): boolean {
			// One that was given up is old news.
			if (question === asked) {
				known = { isReady, atMs: clock.monotonic() };
				question = undefined;
			}
			return isReady;
		}
		function refused(): boolean {
			return told(false);
		}
	}

	return function isReady() {
		const nowMs = clock.monotonic();
		if (question !== undefined && nowMs - question.askedAtMs < GIVEN_UP_MS) {
			return question.answer;
		}
		return known !== undefined && nowMs - known.atMs < TRUSTED_MS ? Promise.resolve(known.isReady) : ask();
	};
}

/** False when the answer is late. */
function within(milliseconds: number, answer: Promise<boolean>): Promise<boolean> {
	const late = Promise.withResolvers<boolean>();
	const timer = setTimeout(() => late.resolve(false), milliseconds);
	timer.unref();
	return Promise.race([answer, late.promise]).finally(() => clearTimeout(timer));
}

import type { Clock } from "../lib/clock.ts";
import { withinDeadline } from "../redis/deadline.ts";
import { neverFits } from "./shared-alone.ts";
import { createSharedCaller, type SharedCaller } from "./shared-caller.ts";
import { createDecider } from "./shared-decide.ts";
import { noteDemand } from "./shared-demand.ts";
import { runsLow } from "./shared-lease.ts";
import { levelsAlone, levelsOfAll } from "./shared-levels.ts";
import { isLimited, type SharedSubject } from "./shared-subject.ts";
import { createSharedSubjects } from "./shared-subjects.ts";
import { wholeUnits } from "./shared-ticket.ts";
import { type SharedCounters, type SharedLimiter, wholeInstances } from "./shared-types.ts";
import type { LimitLevels } from "./types.ts";

export interface SharedLimiterDeps {
	/** undefined: there are none, and each instance has its part of every limit. */
	readonly counters: SharedCounters | undefined;
	readonly clock: Clock;
	/** Of this boot. */
	readonly instanceId: string;
	/** How many instances there are, as far as the database knows. */
	readonly instances: () => number;
	/** Longest that a request waits for the counters, milliseconds. */
	readonly deadlineMs?: number | undefined;
	/** Of an instance not seen for so long, slots and units are free. */
	readonly expiryMs?: number | undefined;
}

const DEADLINE_MS = 25;
const EXPIRY_MS = 30_000;
const TICK_MS = 200;

/**
 * Rate and parallel limits that several instances keep together. Units and slots are leased a little ahead of need, and
 * decided about here and at once; a request that finds too little of them waits for the counters, and no longer than the
 * deadline. While they are away each instance decides by its part of each limit (limit / instances), and tells afterwards.
 */
export function createSharedLimiter(deps: SharedLimiterDeps): SharedLimiter {
	const { clock, counters, deadlineMs = DEADLINE_MS } = deps;
	const nowMs = () => Math.floor(clock.monotonic());
	const instances = () => caller?.instances() ?? wholeInstances(deps.instances());
	const canAsk = () => !isClosed && counters?.state().name === "ok";
	const subjects = createSharedSubjects(instances, counters !== undefined);
	const caller = counters && createSharedCaller({ ...deps, counters, expiryMs: deps.expiryMs ?? EXPIRY_MS, subjects });
	const decider = createDecider({ caller, canAsk, instances, nowMs, deadlineMs, onNews });
	const beganMs = clock.monotonic();
	let isClosed = false;

	function onNews(subject: SharedSubject, isUrgent: boolean): void {
		subjects.touch(subject);
		if (caller && canAsk() && (isUrgent || runsLow(subject, instances(), nowMs())) && isLimited(subject.limits)) {
			caller.tell([subject]);
			caller.pump();
		}
	}
	function askLevels(subject: SharedSubject, { askLevels: question }: SharedCaller): Promise<LimitLevels> {
		const { promise, resolve } = Promise.withResolvers<LimitLevels>();
		const failed = () => resolve(levelsAlone(subject, instances(), nowMs()));
		question({ subject, heard: (answer) => resolve(levelsOfAll(subject, answer)), failed });
		// Late, though not lost.
		withinDeadline(promise, deadlineMs, clock).catch(failed);
		return promise;
	}
	const stop = caller && keepTelling(caller, counters, subjects, nowMs);
	return {
		take(wanted, promptTokens) {
			const atMs = nowMs();
			const tokens = wholeUnits(promptTokens);
			const found = wanted.map((limits) => subjects.of(limits, atMs));
			for (const { demand } of found) {
				noteDemand(demand, tokens, atMs);
			}
			const never = neverFits(wanted, tokens);
			return never ? decider.refuse(never) : decider.decide(found, tokens);
		},
		levels(limits) {
			const subject = subjects.of(limits, nowMs());
			return caller && canAsk() && isLimited(limits)
				? askLevels(subject, caller)
				: levelsAlone(subject, instances(), nowMs());
		},
		forget(subjectId) {
			const subject = subjects.forget(subjectId);
			if (subject) {
				caller?.drop(subject);
			}
		},
		state() {
			const { name, reason, sinceMs } = counters?.state() ?? { name: "off", reason: undefined, sinceMs: beganMs };
			const counts = { calls: 0, callsFailed: 0, ...caller?.counts, ...decider.counts };
			return { name, reason, sinceMs, instances: instances(), counts };
		},
		async close() {
			if (!isClosed) {
				isClosed = true;
				stop?.();
				await caller?.end();
			}
		},
	};
}

/** Tells the counters every 200 ms what there is to tell, and at once when they are back. Returns how to end that. */
function keepTelling(
	caller: SharedCaller,
	counters: SharedCounters,
	subjects: ReturnType<typeof createSharedSubjects>,
	nowMs: () => number,
): () => void {
	function tell(): void {
		if (counters.state().name === "ok") {
			caller.tell(subjects.news(nowMs()));
			caller.pump();
		}
	}
	const timer = setInterval(tell, TICK_MS);
	timer.unref();
	const stopWatching = counters.watch(({ name }) => {
		if (name === "ok") {
			tell();
		} else {
			caller.giveUp();
			subjects.giveUpLeases();
		}
	});
	tell();
	return () => {
		clearInterval(timer);
		stopWatching();
	};
}

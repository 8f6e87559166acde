import type { Clock } from "../lib/clock.ts";
import { type AskedLevels, createBatch } from "./shared-batch.ts";
import { createSharedLine } from "./shared-line.ts";
import { createWaitingQueue, type WaitingTake } from "./shared-queue.ts";
import type { SharedSubject } from "./shared-subject.ts";
import { type SharedCounters, wholeInstances } from "./shared-types.ts";

export interface SharedCallerDeps {
	readonly counters: SharedCounters;
	readonly clock: Clock;
	readonly instanceId: string;
	/** Instances as far as anybody else knows. */
	readonly instances: () => number;
	readonly expiryMs: number;
	readonly subjects: {
		/** Of this one there may be more to tell soon. */
		touch(subject: SharedSubject): void;
		/** All of which something is known that counters without their data have to be told. */
		used(atMs: number): readonly SharedSubject[];
		/** All of which there is something to tell. */
		news(atMs: number): readonly SharedSubject[];
	};
}

export type SharedCaller = ReturnType<typeof createSharedCaller>;

const REQUESTS_MAX = 200;
const SUBJECTS_MAX = 200;
const BEAT_MS = 1_000;

/**
 * Asks and tells, one call at a time: what comes up meanwhile goes into the next one. So what a call tells is the whole
 * truth of this instance, and nothing is used twice.
 */
export function createSharedCaller(deps: SharedCallerDeps) {
	const { counters, clock, subjects } = deps;
	const line = createSharedLine(deps);
	const waiting = createWaitingQueue(clock);
	const questions: AskedLevels[] = [];
	const telling = new Set<SharedSubject>();
	let running: Promise<void> | undefined;
	let isLast = false;

	const atMs = () => Math.floor(clock.monotonic());
	const instances = () => Math.max(line.live(), wholeInstances(deps.instances()));
	const canCall = () => counters.state().name === "ok";
	const hasWork = () => waiting.hasUnasked() || questions.length > 0 || telling.size > 0 || line.silentMs() >= BEAT_MS;

	async function call(): Promise<void> {
		const contents = {
			takes: waiting.next(REQUESTS_MAX),
			levels: questions.splice(0, REQUESTS_MAX),
			told: takeFirst(telling, SUBJECTS_MAX),
		};
		const batch = createBatch(contents, instances(), atMs());
		try {
			const { answer, hasLost } = await line.send(batch, instances(), isLast);
			batch.finish(answer, atMs());
			if (hasLost) {
				tell(subjects.used(atMs()));
			}
		} catch {
			// Whoever came while this call was not answered need not find it out again.
			giveUp(contents.levels);
		}
		waiting.ended();
		for (const { subject } of batch.reports) {
			subjects.touch(subject);
		}
	}
	async function work(): Promise<void> {
		// What is asked in the same turn goes into one call.
		await Promise.resolve();
		while (hasWork() && canCall()) {
			await call();
		}
	}
	/** Nobody is going to answer those who wait. */
	function giveUp(levels: readonly AskedLevels[]): void {
		waiting.expireAll();
		failAll(levels);
	}
	/** Calls when there is something to ask or to tell, or when nothing was for a second. */
	function pump(): void {
		if (canCall() && !isLast) {
			running ??= work().finally(() => {
				running = undefined;
				if (hasWork()) {
					pump();
				}
			});
		}
	}
	/** In the next call. */
	const tell = (told: readonly SharedSubject[]) => addAll(telling, told);
	return {
		counts: line.counts,
		instances,
		pump,
		tell,
		ask(take: WaitingTake): void {
			waiting.add(take);
			pump();
		},
		askLevels(question: AskedLevels): void {
			questions.push(question);
			pump();
		},
		/** The subject no longer exists. */
		drop: (subject: SharedSubject) => void telling.delete(subject),
		/** Nobody is there any more. */
		giveUp: () => giveUp(questions.splice(0)),
		/** Tells all that is to be told, and that this was the last. */
		async end(): Promise<void> {
			await running;
			isLast = true;
			tell(subjects.news(atMs()));
			do {
				if (canCall()) {
					await call();
				}
			} while (canCall() && telling.size > 0);
		},
	};
}

function failAll(questions: readonly AskedLevels[]): void {
	for (const question of questions) {
		question.failed();
	}
}

function addAll<T>(set: Set<T>, added: readonly T[]): void {
	for (const one of added) {
		set.add(one);
	}
}

/** Takes the first out of a set. */
function takeFirst<T>(set: Set<T>, max: number): readonly T[] {
	const first: T[] = [];
	for (const one of set) {
		if (first.length === max) {
			break;
		}
		first.push(one);
	}
	for (const one of first) {
		set.delete(one);
	}
	return first;
}

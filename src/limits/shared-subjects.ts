import { hasNews, isQuiet } from "./shared-report.ts";
import { aloneBuckets, createSharedSubject, isLimited, type SharedSubject, viewNow } from "./shared-subject.ts";
import type { LimitSubject } from "./types.ts";

/** The first look for subjects that can be dropped; later ones come when the number has doubled. */
const SWEEP_SIZE_MIN = 1_024;
/** Beyond this many subjects the oldest that are quiet are dropped. */
const SUBJECTS_MAX = 200_000;

/**
 * The subjects of an instance, and which of them may have something to tell.
 * @param canTell False: nobody is ever told anything.
 */
export function createSharedSubjects(instances: () => number, canTell: boolean) {
	const states = new Map<string, SharedSubject>();
	const active = new Set<SharedSubject>();
	let sweepSize = SWEEP_SIZE_MIN;
	let lives = 0;

	function drop(state: SharedSubject): void {
		state.isGone = true;
		states.delete(state.id);
		active.delete(state);
	}
	/** Drops what is the same as nothing; when that is not enough, the oldest quiet ones. */
	function sweep(atMs: number): void {
		for (const state of states.values()) {
			if (isQuiet(state) && !active.has(state) && isUnused(state, instances(), atMs)) {
				drop(state);
			}
		}
		let surplus = states.size - SUBJECTS_MAX / 2;
		for (const state of states.values()) {
			if (surplus <= 0) {
				return;
			}
			if (isQuiet(state)) {
				drop(state);
				surplus -= 1;
			}
		}
	}
	return {
		/** The subject's state, with the limits that it has now. */
		of(limits: LimitSubject, atMs: number): SharedSubject {
			let state = states.get(limits.id);
			if (!state) {
				if (states.size >= sweepSize) {
					sweep(atMs);
					sweepSize = Math.min(Math.max(SWEEP_SIZE_MIN, states.size * 2), SUBJECTS_MAX);
				}
				lives += 1;
				state = createSharedSubject(limits, lives, atMs);
				states.set(limits.id, state);
			}
			state.limits = limits;
			return state;
		},
		touch(state: SharedSubject): void {
			if (canTell && !state.isGone && (isLimited(state.limits) || state.epoch !== undefined)) {
				active.add(state);
			}
		},
		/** Those that have something to tell. The others are looked at again when they are touched. */
		news(atMs: number): readonly SharedSubject[] {
			const found: SharedSubject[] = [];
			for (const state of active) {
				if (hasNews(state, instances(), atMs)) {
					found.push(state);
				} else if (isQuiet(state)) {
					active.delete(state);
				}
			}
			return found;
		},
		/** Those of which something is used or running: all that counters without their data have to know. */
		used(atMs: number): readonly SharedSubject[] {
			return [...states.values()].filter(
				(state) => active.has(state) || viewNow(state.tpm, atMs) > 0 || viewNow(state.rpm, atMs) > 0,
			);
		},
		/** What was leased is void. */
		giveUpLeases(): void {
			for (const state of active) {
				state.tpm.held = 0;
				state.rpm.held = 0;
				state.slots = 0;
			}
		},
		forget(id: string): SharedSubject | undefined {
			const state = states.get(id);
			if (state) {
				drop(state);
			}
			return state;
		},
	};
}

function isUnused(state: SharedSubject, instances: number, atMs: number): boolean {
	if (viewNow(state.tpm, atMs) > 0 || viewNow(state.rpm, atMs) > 0) {
		return false;
	}
	if (state.alone === undefined) {
		return true;
	}
	const { tpm, rpm } = aloneBuckets(state, instances, atMs);
	return tpm.used === 0 && rpm.used === 0;
}

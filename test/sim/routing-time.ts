import { drainMicrotasks } from "bun:jsc";
import type { Clock } from "../../src/lib/clock.ts";
import type { Deadlines } from "../../src/lib/deadlines.ts";

/** A world's time: it passes from event to event, as fast as these can be carried out. */
export interface SimulatedTime {
	readonly clock: Clock;
	readonly deadlines: Deadlines;
	/** Calls `task` in so many milliseconds. Events of the same instant keep their order. Returns how to prevent it. */
	after(milliseconds: number, task: () => void): () => void;
	/** Moves the wall clock alone. */
	stepWall(milliseconds: number): void;
	/** Lets time pass, with everything that each event sets going; `onStep` is called after every one of them. */
	passUntil(monotonicMs: number, onStep: () => void): void;
	/** Events to come. */
	pending(): number;
}

interface Event {
	dueAtMs: number;
	order: number;
	/** undefined: it is not to happen any more. */
	task: (() => void) | undefined;
}

/**
 * No timer, no turn of the event loop: what waits for promises is run to its end between two events, so that thousands of
 * histories a minute are played, each one the same whenever it is played again.
 */
export function createSimulatedTime(wallStartMs: number): SimulatedTime {
	const queue = createQueue();
	let nowMs = 0;
	let wallOffsetMs = wallStartMs;
	let waitingDeadlines = 0;

	function at(dueAtMs: number, task: () => void): Event {
		const event: Event = { dueAtMs, order: 0, task };
		queue.push(event);
		return event;
	}

	function deadlineAfter(afterMs: number, onExpired: () => void) {
		let event: Event | undefined = at(nowMs + afterMs, expire);
		waitingDeadlines += 1;
		function expire(): void {
			event = undefined;
			waitingDeadlines -= 1;
			onExpired();
		}
		return {
			reset(nextMs: number) {
				if (event !== undefined) {
					event.task = undefined;
					event = at(nowMs + nextMs, expire);
				}
			},
			clear() {
				if (event !== undefined) {
					event.task = undefined;
					event = undefined;
					waitingDeadlines -= 1;
				}
			},
		};
	}

	return {
		clock: { now: () => wallOffsetMs + nowMs, monotonic: () => nowMs },
		deadlines: { after: deadlineAfter, count: () => waitingDeadlines },
		after(milliseconds, task) {
			const event = at(nowMs + milliseconds, task);
			return () => {
				event.task = undefined;
			};
		},
		stepWall(milliseconds) {
			wallOffsetMs += milliseconds;
		},
		passUntil(monotonicMs, onStep) {
			for (let event = queue.popUntil(monotonicMs); event !== undefined; event = queue.popUntil(monotonicMs)) {
				const { task } = event;
				if (task !== undefined) {
					nowMs = Math.max(nowMs, event.dueAtMs);
					task();
					drainMicrotasks();
					onStep();
				}
			}
			nowMs = monotonicMs;
		},
		pending: queue.size,
	};
}

/** The earliest first; of the same instant the one that was put in first. A binary heap. */
function createQueue() {
	const heap: Event[] = [];
	let made = 0;
	const isBefore = (one: Event, other: Event) =>
		one.dueAtMs < other.dueAtMs || (one.dueAtMs === other.dueAtMs && one.order < other.order);

	function sift(start: number, event: Event): void {
		let at = start;
		for (;;) {
			let child = 2 * at + 1;
			const left = heap[child];
			const right = heap[child + 1];
			if (left === undefined) {
				break;
			}
			let least = left;
			if (right !== undefined && isBefore(right, left)) {
				child += 1;
				least = right;
			}
			if (!isBefore(least, event)) {
				break;
			}
			heap[at] = least;
			at = child;
		}
		heap[at] = event;
	}

	return {
		size: () => heap.length,
		push(event: Event): void {
			made += 1;
			event.order = made;
			let at = heap.length;
			heap.push(event);
			while (at > 0) {
				const above = (at - 1) >> 1;
				const parent = heap[above];
				if (parent === undefined || !isBefore(event, parent)) {
					break;
				}
				heap[at] = parent;
				at = above;
			}
			heap[at] = event;
		},
		popUntil(endMs: number): Event | undefined {
			const first = heap[0];
			if (first === undefined || first.dueAtMs > endMs) {
				return undefined;
			}
			const last = heap.pop();
			if (last !== undefined && heap.length > 0) {
				sift(0, last);
			}
			return first;
		},
	};
}

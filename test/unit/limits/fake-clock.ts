import type { Clock } from "../../../src/lib/clock.ts";

/** A clock that moves only when told to. */
export interface FakeClock extends Clock {
	/** Moves both clocks. */
	advance(ms: number): void;
	/** Moves the wall clock alone, either way. */
	setWall(atMs: number): void;
}

export function createFakeClock(wallMs = Date.UTC(2026, 10, 15)): FakeClock {
	let wall = wallMs;
	let monotonic = 12_345;
	return {
		now: () => wall,
		monotonic: () => monotonic,
		advance(ms): void {
			wall += ms;
			monotonic += ms;
		},
		setWall(atMs): void {
			wall = atMs;
		},
	};
}

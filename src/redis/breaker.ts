const FAILURES_MAX = 5;
const WINDOW_MS = 1_000;

/** Counts failures. It has tripped when there were five within a second, or five and nothing else, however long that took. */
export function createBreaker() {
	let failedAtMs: number[] = [];
	let inARow = 0;
	return {
		/** True when this failure is one too many. */
		failed(atMs: number): boolean {
			failedAtMs = [...failedAtMs.filter((failedMs) => atMs - failedMs < WINDOW_MS), atMs];
			inARow += 1;
			return Math.max(failedAtMs.length, inARow) >= FAILURES_MAX;
		},
		worked(): void {
			inARow = 0;
		},
		reset(): void {
			failedAtMs = [];
			inARow = 0;
		},
	};
}

const FAILURES_MAX = 5;
const WINDOW_MS = 1_000;

/** Counts failures. It has tripped when there were five within a second. */
export function createBreaker() {
	let failedAtMs: number[] = [];
	return {
		/** True when this failure is one too many. */
		failed(atMs: number): boolean {
			failedAtMs = [...failedAtMs.filter((failedMs) => atMs - failedMs < WINDOW_MS), atMs];
			return failedAtMs.length >= FAILURES_MAX;
		},
		reset(): void {
			failedAtMs = [];
		},
	};
}

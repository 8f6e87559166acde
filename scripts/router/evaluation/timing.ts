import { type PromptView, plainPrompt } from "../../../src/lib/prompt-view.ts";

/** Median and 99th percentile of scoring one prompt, in microseconds, after warming up. */
export function timing(
	score: (view: PromptView) => unknown,
	text: string,
	rounds = 2_000,
): { readonly p50: number; readonly p99: number } {
	const view = plainPrompt(text);
	const times = Array.from({ length: rounds }, () => {
		const start = Bun.nanoseconds();
		score(view);
		return (Bun.nanoseconds() - start) / 1_000;
	})
		.slice(rounds / 4)
		.sort((left, right) => left - right);
	return { p50: times[Math.floor(times.length / 2)] ?? 0, p99: times[Math.floor(times.length * 0.99)] ?? 0 };
}

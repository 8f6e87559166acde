/**
 * How much of a goal is run. `bun test` runs the short form of every file, seconds on two cores; `bun run
 * test:reliability` sets `RELIABILITY=long`, minutes a file. Nothing else reads that variable.
 */
export const IS_LONG = process.env.RELIABILITY === "long";

/** A size in the present form. */
export function scaled<T>(short: T, long: T): T {
	return IS_LONG ? long : short;
}

const MINUTE_MS = 60_000;

/** For the runner: a long form is bounded too. */
export function deadlineMs(shortMs: number, longMinutes: number): number {
	return scaled(shortMs, longMinutes * MINUTE_MS);
}

/** What a run measured, on one line, beside its seed. */
export function report(goal: string, seed: number, figures: Readonly<Record<string, unknown>>): void {
	const told = Object.entries(figures).map(
		([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`,
	);
	console.log(`${goal} (${IS_LONG ? "long" : "short"}, SEED=${seed}): ${told.join(" ")}`);
}

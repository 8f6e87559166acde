import type { Observer } from "../gateway/observer.ts";
import type { Clock } from "../lib/clock.ts";
import { createProcessMetrics } from "./metrics-process.ts";
import { renderState, type StateDeps } from "./metrics-state.ts";
import { familyHead, labelPairs, numberText, seriesLine } from "./metrics-text.ts";
import { createTrafficMetrics } from "./metrics-traffic.ts";

/** What the gateway tells of itself to Prometheus. Counts since the start of this process, of this instance alone. */
export interface Metrics {
	readonly observer: Observer;
	/** A configuration was read again. */
	reloaded(outcome: ReloadOutcome): void;
	/**
	 * Everything, in Prometheus' text format; each metric as of one instant, and all of them of the same one unless there
	 * are thousands of series: other work then goes on in between. At most about 20,000 lines, whatever was asked of the
	 * gateway.
	 * @param storeReady Whether the database answered lately.
	 */
	render(storeReady: boolean): Promise<string>;
	stop(): void;
}

export type ReloadOutcome = "applied" | "refused";

export interface MetricsDeps extends StateDeps {
	readonly clock: Clock;
}

export function createMetrics(deps: MetricsDeps): Metrics {
	const traffic = createTrafficMetrics(deps.config);
	const ofProcess = createProcessMetrics(deps.clock);
	const reloads: Record<ReloadOutcome, number> = { applied: 0, refused: 0 };
	let isLastApplied = true;

	return {
		observer: traffic,
		reloaded(outcome) {
			reloads[outcome] += 1;
			isLastApplied = outcome === "applied";
		},
		async render(storeReady) {
			const processText = await ofProcess.render();
			const parts = [
				...traffic.parts,
				() => renderReloads(reloads, isLastApplied),
				() => renderState(deps, storeReady),
			];
			return (await inTurns(parts, deps.clock)) + processText;
		},
		stop: ofProcess.stop,
	};
}

function renderReloads(reloads: Readonly<Record<ReloadOutcome, number>>, isLastApplied: boolean): string {
	const name = "gateway_llm_config_reloads_total";
	const last = "gateway_llm_config_last_reload_successful";
	return [
		familyHead(name, "counter", "Configurations read after the start; a refused one has changed nothing."),
		...Object.entries(reloads).map(([outcome, count]) =>
			seriesLine(name, labelPairs(["outcome"], [outcome]), numberText(count)),
		),
		familyHead(last, "gauge", "0 while the file on disk is not what is in force, because it has mistakes."),
		seriesLine(last, "", isLastApplied ? "1" : "0"),
	].join("");
}

/** Milliseconds at a stretch, after which others get their turn. */
const STRETCH_MS = 2;

async function inTurns(parts: readonly (() => string)[], clock: Clock): Promise<string> {
	let text = "";
	let sinceMs = clock.monotonic();
	for (const part of parts) {
		text += part();
		if (clock.monotonic() - sinceMs > STRETCH_MS) {
			await new Promise((resolve) => setImmediate(resolve));
			sinceMs = clock.monotonic();
		}
	}
	return text;
}

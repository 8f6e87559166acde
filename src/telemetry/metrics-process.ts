import { readdir } from "node:fs/promises";
import type { Clock } from "../lib/clock.ts";
import { familyHead, type MetricKind, numberText, seriesLine } from "./metrics-text.ts";
import { bucketsOf, type Histogram, histogramLines, newHistogram, observe } from "./metrics-values.ts";

/** The process, under the names that all of Prometheus' client libraries use: https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics */
export interface ProcessMetrics {
	render(): Promise<string>;
	stop(): void;
}

const LOOK_EVERY_MS = 100;
/** Seconds. */
const DELAYS = bucketsOf([0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]);
const DELAY = "gateway_llm_event_loop_delay_seconds";

/** Looks at the event loop from the first question on: what nobody asks for costs nothing. */
export function createProcessMetrics(clock: Clock): ProcessMetrics {
	const delays = newHistogram(DELAYS);
	let timer: ReturnType<typeof setInterval> | undefined;
	let isStopped = false;

	function start(): void {
		if (timer === undefined && !isStopped) {
			timer = lookAtLoop(delays, clock);
		}
	}
	return {
		async render() {
			start();
			const openFiles = await countOpenFiles();
			const { user, system } = process.cpuUsage();
			return [
				single("process_resident_memory_bytes", "gauge", "Resident memory.", process.memoryUsage.rss()),
				single("process_cpu_seconds_total", "counter", "Processor time, user and system.", (user + system) / 1e6),
				single("process_start_time_seconds", "gauge", "Start, Unix time.", performance.timeOrigin / 1000),
				openFiles === undefined ? "" : single("process_open_fds", "gauge", "Open file descriptors.", openFiles),
				familyHead(DELAY, "histogram", "How late the event loop came back, looked at ten times a second."),
				histogramLines(DELAY, "", delays),
			].join("");
		},
		stop() {
			isStopped = true;
			clearInterval(timer);
		},
	};
}

function lookAtLoop(delays: Histogram, clock: Clock): ReturnType<typeof setInterval> {
	let dueAtMs = clock.monotonic() + LOOK_EVERY_MS;
	const timer = setInterval(() => {
		const nowMs = clock.monotonic();
		observe(delays, Math.max(0, nowMs - dueAtMs) / 1000);
		dueAtMs = nowMs + LOOK_EVERY_MS;
	}, LOOK_EVERY_MS);
	timer.unref();
	return timer;
}

function single(name: string, kind: MetricKind, help: string, value: number): string {
	return familyHead(name, kind, help) + seriesLine(name, "", numberText(value));
}

/** Linux tells; elsewhere undefined. */
async function countOpenFiles(): Promise<number | undefined> {
	try {
		return (await readdir("/proc/self/fd")).length;
	} catch {
		return undefined;
	}
}

import type { LoadResult } from "./load.ts";

/** One run of the load generator. */
export interface Measured {
	readonly name: "direct" | "pass-through" | "gateway";
	/** One connection, many connections, many streams. */
	readonly scene: "single" | "busy" | "streams";
	readonly result: LoadResult;
}

/** Medians over the rounds. Times are milliseconds or, where the name says so, microseconds. */
export interface Summary {
	readonly busy: {
		readonly passThrough: BusyFigures;
		readonly gateway: BusyFigures;
		/** Median of the rounds' own ratios: requests per second of the gateway over those of the pass-through. */
		readonly ratio: number;
		readonly addedCpuMicros: number;
	};
	readonly single: {
		readonly directP50Micros: number;
		readonly passThroughP50Micros: number;
		readonly gatewayP50Micros: number;
		readonly addedOverDirectMicros: number;
		readonly addedOverPassThroughMicros: number;
	};
	readonly streams: { readonly passThrough: StreamFigures; readonly gateway: StreamFigures };
}

interface BusyFigures {
	readonly requestsPerSecond: number;
	readonly p50Ms: number;
	readonly p99Ms: number;
	readonly cpuMicrosPerRequest: number;
}

interface StreamFigures {
	readonly firstEventP50Ms: number;
	readonly firstEventP99Ms: number;
	readonly eventDelayP50Ms: number;
	readonly cpuMicrosPerEvent: number;
}

export interface Report extends Summary {
	readonly rounds: number;
	readonly eventsPerStream: number;
	/** Equal to the requests answered, or there is no report. */
	readonly ledgerRequests: number;
	readonly memoryMegabytes: {
		readonly passThrough: number;
		readonly gatewayIdle: number;
		readonly gateway: number;
	};
}

function median(values: readonly number[]): number {
	const sorted = values.toSorted((left, right) => left - right);
	const middle = Math.floor(sorted.length / 2);
	const upper = sorted[middle] ?? 0;
	return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}

/** Turns the runs of all rounds into medians and ratios. */
export function summarise(measured: readonly Measured[]): Summary {
	const results = (name: Measured["name"], scene: Measured["scene"]) =>
		measured.filter((entry) => entry.name === name && entry.scene === scene).map((entry) => entry.result);
	const medianOf = (name: Measured["name"], scene: Measured["scene"], figure: (result: LoadResult) => number) =>
		median(results(name, scene).map(figure));
	const busy = (name: Measured["name"]): BusyFigures => ({
		requestsPerSecond: medianOf(name, "busy", (result) => result.requestsPerSecond),
		p50Ms: medianOf(name, "busy", (result) => result.p50Ms),
		p99Ms: medianOf(name, "busy", (result) => result.p99Ms),
		cpuMicrosPerRequest: medianOf(name, "busy", (result) => (result.cpuMs * 1000) / result.requests),
	});
	const streams = (name: Measured["name"]): StreamFigures => ({
		firstEventP50Ms: medianOf(name, "streams", (result) => result.p50Ms),
		firstEventP99Ms: medianOf(name, "streams", (result) => result.p99Ms),
		eventDelayP50Ms: medianOf(name, "streams", (result) => result.eventDelayP50Ms),
		cpuMicrosPerEvent: medianOf(name, "streams", (result) => (result.cpuMs * 1000) / result.events),
	});
	const singleP50Micros = (name: Measured["name"]) => medianOf(name, "single", (result) => result.p50Ms * 1000);

	const passThrough = busy("pass-through");
	const gateway = busy("gateway");
	const bare = results("pass-through", "busy");
	const ratios = results("gateway", "busy").map(
		(result, round) => result.requestsPerSecond / (bare[round]?.requestsPerSecond ?? Number.NaN),
	);
	const [direct, single, full] = (["direct", "pass-through", "gateway"] as const).map(singleP50Micros);
	return {
		busy: {
			passThrough,
			gateway,
			ratio: median(ratios),
			addedCpuMicros: gateway.cpuMicrosPerRequest - passThrough.cpuMicrosPerRequest,
		},
		single: {
			directP50Micros: direct ?? 0,
			passThroughP50Micros: single ?? 0,
			gatewayP50Micros: full ?? 0,
			addedOverDirectMicros: (full ?? 0) - (direct ?? 0),
			addedOverPassThroughMicros: (full ?? 0) - (single ?? 0),
		},
		streams: { passThrough: streams("pass-through"), gateway: streams("gateway") },
	};
}

function row(label: string, cells: readonly (string | number)[]): string {
	const texts = cells.map((cell) => (typeof cell === "number" ? cell.toFixed(cell < 10 ? 2 : 0) : cell).padStart(14));
	return `${label.padEnd(34)}${texts.join("")}`;
}

/** For people. `--json` prints the report itself. */
export function printReport(report: Report): void {
	const { busy, single, streams, memoryMegabytes: memory } = report;
	const lines = [
		`Medians of ${report.rounds} alternating rounds on loopback; everything on (auth, limits, budget, ledger).`,
		"",
		row("1 KB answers, 64 connections", ["pass-through", "gateway", "ratio"]),
		row("  requests per second", [busy.passThrough.requestsPerSecond, busy.gateway.requestsPerSecond, busy.ratio]),
		row("  p50 ms", [busy.passThrough.p50Ms, busy.gateway.p50Ms]),
		row("  p99 ms", [busy.passThrough.p99Ms, busy.gateway.p99Ms]),
		row("  CPU µs per request", [
			busy.passThrough.cpuMicrosPerRequest,
			busy.gateway.cpuMicrosPerRequest,
			`+${busy.addedCpuMicros.toFixed(0)}`,
		]),
		"",
		row("1 KB answers, 1 connection", ["pass-through", "gateway", "added"]),
		row("  p50 µs", [
			single.passThroughP50Micros,
			single.gatewayP50Micros,
			`+${single.addedOverPassThroughMicros.toFixed(0)}`,
		]),
		row("  p50 µs over no proxy at all", [
			`+${(single.passThroughP50Micros - single.directP50Micros).toFixed(0)}`,
			`+${single.addedOverDirectMicros.toFixed(0)}`,
		]),
		"",
		row(`100 streams of ${report.eventsPerStream} events, 20 ms`, ["pass-through", "gateway"]),
		row("  first event p50 ms", [streams.passThrough.firstEventP50Ms, streams.gateway.firstEventP50Ms]),
		row("  first event p99 ms", [streams.passThrough.firstEventP99Ms, streams.gateway.firstEventP99Ms]),
		row("  delay of an event p50 ms", [streams.passThrough.eventDelayP50Ms, streams.gateway.eventDelayP50Ms]),
		row("  CPU µs per event", [streams.passThrough.cpuMicrosPerEvent, streams.gateway.cpuMicrosPerEvent]),
		"",
		row("Resident memory MB", ["pass-through", "gateway", "gateway idle"]),
		row("  after the run", [memory.passThrough, memory.gateway, memory.gatewayIdle]),
		"",
		`Ledger: ${report.ledgerRequests} requests, as many as were answered.`,
	];
	console.log(lines.join("\n"));
}

import { parseArgs } from "node:util";
import { type GatewayProcess, startGateway } from "./gateway.ts";
import { startScript } from "./process.ts";

/**
 * Measures what it costs a client that the first of two deployments is dead, over an alias whose only deployment is the
 * healthy one: refused and reset connections, whole answers and streams (until their first event), and a provider that is
 * silent, beyond its `ttft_timeout`. One request at a time, healthy and dead ones in turn.
 *
 *   bun bench/failover.ts [--quick] [--binary FILE]
 */

/** A breaker opens at the fifth failure, and then nobody is asked in vain: each pair of deployments is used less often. */
const USES = 4;
const PAIRS = { refused: 300, reset: 300, silent: 60 } as const;
const QUICK_PAIRS = { refused: 40, reset: 40, silent: 10 } as const;
const WARM_UP = 200;
const TTFT_TIMEOUT_MS = 100;
const TARGET_MS = 5;

type Fault = keyof typeof PAIRS;
type Ports = Readonly<Record<Fault | "healthy", number>>;

const deployment = (port: number, priority: number) => ({
	provider: "openai_compatible",
	model: "bench-model",
	base_url: `http://127.0.0.1:${port}/v1`,
	api_key: "bench-provider-key",
	allow_private: true,
	priority,
	ttft_timeout: `${priority === 1 ? TTFT_TIMEOUT_MS : 10_000}ms`,
	price: { input_per_million: 0.15, output_per_million: 0.6 },
});

/** JSON, which is YAML. */
function configuration(pairs: Readonly<Record<Fault, number>>, ports: Ports): string {
	const healthy = { model_alias: "healthy", deployments: [deployment(ports.healthy, 2)] };
	// What the object's own keys are, Object.entries() forgets.
	const dead = (Object.entries(pairs) as [Fault, number][]).flatMap(([fault, count]) =>
		Array.from({ length: count }, (_, index) => ({
			model_alias: `${fault}-${index}`,
			deployments: [deployment(ports[fault], 1), deployment(ports.healthy, 2)],
		})),
	);
	return JSON.stringify({
		auth: { master_key: `\${GATEWAY_LLM_MASTER_KEY}` },
		model_list: [healthy, ...dead],
		router: { strategy: "round_robin", retries: 2 },
	});
}

/** Listens, and does that with whoever has asked. */
function listen(onRequest: (socket: Bun.Socket) => void): Bun.TCPSocketListener {
	return Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: onRequest } });
}

/** A port of loopback where nobody listens. */
function refusingPort(): number {
	const listener = listen(() => {});
	const { port } = listener;
	listener.stop(true);
	return port;
}

/** Milliseconds until the answer, or until a stream's first event. */
async function ask(gateway: GatewayProcess, model: string, stream: boolean): Promise<number> {
	const body = JSON.stringify({
		model,
		stream,
		max_tokens: 200,
		messages: [{ role: "user", content: "Why is it so?" }],
	});
	const startedAtMs = performance.now();
	const response = await fetch(`http://127.0.0.1:${gateway.port}/v1/chat/completions`, {
		method: "POST",
		headers: { authorization: `Bearer ${gateway.key}`, "content-type": "application/json" },
		body,
	});
	const retries = response.headers.get("x-gateway-retries");
	if (response.status !== 200 || retries !== (model === "healthy" ? "0" : "1")) {
		throw new Error(`${model}: ${response.status} after ${retries} retries: ${await response.text()}`);
	}
	if (!stream) {
		await response.arrayBuffer();
		return performance.now() - startedAtMs;
	}
	const reader = response.body?.getReader();
	await reader?.read();
	const elapsedMs = performance.now() - startedAtMs;
	await reader?.cancel();
	return elapsedMs;
}

interface Row {
	readonly what: string;
	readonly healthy: readonly number[];
	readonly dead: readonly number[];
	/** Part of the dead one's time that is its own: its deadline. */
	readonly waitedMs: number;
}

async function measure(gateway: GatewayProcess, fault: Fault, pairs: number, stream: boolean): Promise<Row> {
	const healthy: number[] = [];
	const dead: number[] = [];
	// A half of each pair's uses are for streams.
	for (let index = 0; index < (pairs * USES) / 2; index += 1) {
		healthy.push(await ask(gateway, "healthy", stream));
		dead.push(await ask(gateway, `${fault}-${index % pairs}`, stream));
	}
	const what = `${fault}, ${stream ? "stream" : "whole"}`;
	return { what, healthy, dead, waitedMs: fault === "silent" ? TTFT_TIMEOUT_MS : 0 };
}

function quantile(values: readonly number[], part: number): number {
	const sorted = values.toSorted((left, right) => left - right);
	return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

function line(cells: readonly string[]): string {
	return cells.map((cell, index) => (index === 0 ? cell.padEnd(18) : cell.padStart(14))).join("");
}

function print(rows: readonly Row[]): void {
	console.log(
		`Milliseconds, one request at a time. "added" = with a dead deployment first, less its deadline, less the healthy one.\n`,
	);
	console.log(line(["", "healthy p50", "p99", "dead p50", "p99", "added p50", "added p99", "requests"]));
	for (const { what, healthy, dead, waitedMs } of rows) {
		const [h50, h99, d50, d99] = [healthy, dead].flatMap((times) => [quantile(times, 0.5), quantile(times, 0.99)]);
		const added = [0.5, 0.99].map((part) => quantile(dead, part) - waitedMs - quantile(healthy, part));
		const cells = [h50, h99, d50, d99, ...added].map((value) => (value ?? Number.NaN).toFixed(2));
		console.log(line([what, ...cells, String(dead.length)]) + ((added[1] ?? 0) > TARGET_MS ? "  over target" : ""));
	}
}

const { values } = parseArgs({ options: { quick: { type: "boolean", default: false }, binary: { type: "string" } } });
const command = values.binary === undefined ? [process.execPath, `${import.meta.dir}/../src/main.ts`] : [values.binary];
const pairs = values.quick ? QUICK_PAIRS : PAIRS;
const resetting = listen((socket) => socket.terminate());
const silent = listen(() => {});
await using upstream = await startScript("upstream.ts");
const ports = { healthy: upstream.port, refused: refusingPort(), reset: resetting.port, silent: silent.port };
await using gateway = await startGateway(command, configuration(pairs, ports));
for (let count = 0; count < WARM_UP; count += 1) {
	await ask(gateway, "healthy", count % 2 === 0);
}
const rows: Row[] = [];
for (const fault of ["refused", "reset", "silent"] as const) {
	for (const stream of [false, true]) {
		rows.push(await measure(gateway, fault, pairs[fault], stream));
	}
}
print(rows);
resetting.stop(true);
silent.stop(true);

import { parseArgs } from "node:util";
import { benchConfiguration, type GatewayProcess, startGateway } from "./gateway.ts";
import type { LoadJob, LoadResult } from "./load.ts";
import { residentMegabytes, type ServerProcess, startScript } from "./process.ts";
import { type Measured, printReport, type Report, summarise } from "./report.ts";
import { EVENTS } from "./upstream.ts";

/**
 * Measures the gateway against a bare Bun pass-through on loopback, alternating, and prints medians and ratios.
 * Absolute numbers move with the machine and its neighbours: the ratios of one run are what to compare.
 *
 *   bun run bench [--quick] [--json] [--rounds N] [--binary FILE]
 */

interface Plan {
	readonly rounds: number;
	readonly warmUpMs: number;
	readonly busyMs: number;
	readonly singleMs: number;
	/** Rounds that also measure the single connection and the streams. */
	readonly sideRounds: number;
	/** How many streams follow each other on a connection. */
	readonly streamsEach: number;
}

const DEFAULT_PLAN: Plan = { rounds: 3, warmUpMs: 3000, busyMs: 4000, singleMs: 1200, sideRounds: 3, streamsEach: 2 };
const QUICK_PLAN: Plan = { rounds: 3, warmUpMs: 200, busyMs: 450, singleMs: 200, sideRounds: 1, streamsEach: 1 };

const BUSY_CONNECTIONS = 64;
const STREAM_CONNECTIONS = 100;
/** The streams start spread over the second that one of them lasts, as independent users would. */
const STREAM_SPREAD_MS = 1000;

const MESSAGES = [
	{ role: "system", content: "You are a helpful assistant. Answer in plain prose." },
	{ role: "user", content: "Tell me, in about a hundred and fifty tokens, why the sky is blue and the sunset red." },
];
const BODY = JSON.stringify({ model: "bench", messages: MESSAGES, max_tokens: 200 });
const STREAM_BODY = JSON.stringify({ model: "bench", messages: MESSAGES, max_tokens: 200, stream: true });

/** Somewhere requests can be sent to. */
interface Contestant {
	readonly name: "direct" | "pass-through" | "gateway";
	readonly server: ServerProcess;
	readonly authorization: string;
}

async function load(job: LoadJob): Promise<LoadResult> {
	const child = Bun.spawn([process.execPath, `${import.meta.dir}/load.ts`, JSON.stringify(job)], {
		stdout: "pipe",
		stderr: "inherit",
	});
	const text = await child.stdout.text();
	if ((await child.exited) !== 0) {
		throw new Error("The load generator failed");
	}
	// Printed by load.ts from a LoadResult.
	const result = JSON.parse(text) as LoadResult;
	if (result.failures > 0) {
		throw new Error(`${result.failures} requests failed on port ${job.port}: the numbers would mean nothing`);
	}
	return result;
}

function jobFor(contestant: Contestant, connections: number, body: string, phase: LoadJob["load"]): LoadJob {
	const { port, processId } = contestant.server;
	return { port, processId, connections, authorization: contestant.authorization, body, load: phase };
}

async function measure(plan: Plan, contestants: readonly Contestant[]): Promise<readonly Measured[]> {
	const measured: Measured[] = [];
	for (let round = 0; round < plan.rounds; round += 1) {
		// Every second round runs backwards, so that a machine that slows down favours nobody.
		const order = round % 2 === 0 ? contestants : contestants.toReversed();
		for (const contestant of order) {
			const { name } = contestant;
			const run = async (scene: Measured["scene"], connections: number, body: string, phase: LoadJob["load"]) =>
				measured.push({ name, scene, result: await load(jobFor(contestant, connections, body, phase)) });
			const besides = round < plan.sideRounds;
			if (besides) {
				await run("single", 1, BODY, { kind: "closed-loop", warmUpMs: plan.warmUpMs / 2, measureMs: plan.singleMs });
			}
			if (name === "direct") {
				continue;
			}
			await run("busy", BUSY_CONNECTIONS, BODY, {
				kind: "closed-loop",
				warmUpMs: plan.warmUpMs,
				measureMs: plan.busyMs,
			});
			if (besides) {
				await run("streams", STREAM_CONNECTIONS, STREAM_BODY, {
					kind: "streams",
					each: plan.streamsEach,
					spreadMs: STREAM_SPREAD_MS,
				});
			}
		}
	}
	return measured;
}

/** Every answered request must be in the ledger: a fast gateway that forgets to charge has not been measured. */
async function checkLedger(gateway: GatewayProcess, measured: readonly Measured[]): Promise<number> {
	const answered = measured
		.filter((entry) => entry.name === "gateway")
		.reduce((sum, entry) => sum + entry.result.answered, 0);
	const known = await gateway.ledgerRequests();
	if (known !== answered) {
		throw new Error(`The ledger holds ${known} requests, ${answered} were answered`);
	}
	return known;
}

async function bench(plan: Plan, command: readonly string[]): Promise<Report> {
	await using upstream = await startScript("upstream.ts");
	await using passThrough = await startScript("pass-through.ts", `http://127.0.0.1:${upstream.port}`);
	await using gateway = await startGateway(command, benchConfiguration(upstream.port));
	const idleMegabytes = residentMegabytes(gateway.processId);
	const measured = await measure(plan, [
		{ name: "direct", server: upstream, authorization: "Bearer none" },
		{ name: "pass-through", server: passThrough, authorization: "Bearer none" },
		{ name: "gateway", server: gateway, authorization: `Bearer ${gateway.key}` },
	]);
	return {
		...summarise(measured),
		rounds: plan.rounds,
		eventsPerStream: EVENTS,
		ledgerRequests: await checkLedger(gateway, measured),
		memoryMegabytes: {
			passThrough: residentMegabytes(passThrough.processId),
			gatewayIdle: idleMegabytes,
			gateway: residentMegabytes(gateway.processId),
		},
	};
}

const { values } = parseArgs({
	options: {
		quick: { type: "boolean", default: false },
		json: { type: "boolean", default: false },
		rounds: { type: "string" },
		binary: { type: "string" },
	},
});
const basePlan = values.quick ? QUICK_PLAN : DEFAULT_PLAN;
const rounds = values.rounds === undefined ? basePlan.rounds : Math.max(1, Number.parseInt(values.rounds, 10));
const command = values.binary === undefined ? [process.execPath, `${import.meta.dir}/../src/main.ts`] : [values.binary];
const report = await bench({ ...basePlan, rounds }, command);
if (values.json) {
	console.log(JSON.stringify(report, null, "\t"));
} else {
	printReport(report);
}

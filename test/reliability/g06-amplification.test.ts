/**
 * G6. Goal: failover hides a provider that fails now and then, and an outage of everybody is not multiplied.
 *
 * Measure, with a real gateway, real sockets, clients that come at their own pace, streams and whole answers mixed (long
 * form: 60 s each):
 * - one of two deployments fails three times in ten: >= 99.9 % of clients are served;
 * - both do: each attempt fails as often, so what is reached is what so many retries can reach, and hardly less;
 * - everybody always fails, by 5xx, by resets, by saying nothing: <= 1.2 upstream calls for each client call; after the
 *   first moments clients are told at once when to come back, and providers are asked once a second; when the outage is
 *   over at the providers it is over for the clients.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { chatBody } from "../support/gateway-client.ts";
import { chatFor } from "../support/openai-answers.ts";
import { errorJson } from "../support/replies.ts";
import { type Reply, type Script, startUpstream, type Upstream } from "../support/upstream.ts";
import { until } from "../support/wait.ts";
import { exchange, outcomeOf } from "./exchange.ts";
import { chooseSeed, createRandom } from "./random.ts";
import { deadlineMs, report, scaled } from "./scale.ts";

const LASTS_MS = scaled(2_500, 60_000);
const CALLS_A_SECOND = 100;
const FAILING_SHARE = 0.3;
const AMPLIFICATION_MAX = 1.2;

const seed = chooseSeed("G6");
const random = createRandom(seed);
let one: Upstream;
let two: Upstream;
let gateway: TestGateway;
let key: string;

const well: Script = (request) => chatFor(request);
const failing = () => errorJson(500, { message: "broken" });
const sometimes: Script = (request) => (random.chance(FAILING_SHARE) ? failing() : chatFor(request));
const OUTAGES: Readonly<Record<string, () => Reply>> = {
	"5xx": failing,
	resets: () => ({ steps: [{ kind: "reset" }] }),
	silence: () => ({ steps: [{ kind: "hang" }] }),
};

beforeAll(async () => {
	[one, two] = await Promise.all([startUpstream(well), startUpstream(well)]);
	const pair = (retries: number) => ({
		deployments: [
			{ upstream: one, model: "one", ttft_timeout: "300ms" },
			{ upstream: two, model: "two", ttft_timeout: "300ms" },
		],
		router: { retries, retry_after_ms: 20 },
	});
	const outages = Object.keys(OUTAGES).map((name) => [`outage ${name}`, pair(2)]);
	gateway = await startTestGateway({
		aliases: { pair: pair(2), "both, 2 retries": pair(2), "both, 7 retries": pair(7), ...Object.fromEntries(outages) },
	});
	key = (await gateway.mint()).key;
});
afterAll(async () => {
	await gateway?.stop();
	await Promise.all([one, two].map((upstream) => upstream?.[Symbol.asyncDispose]()));
});

interface Told {
	readonly status: number;
	readonly retryAfter: string | undefined;
	/** A whole answer, to its end. */
	readonly isServed: boolean;
}

async function ask(alias: string, stream: boolean): Promise<Told> {
	const answer = await exchange({ url: gateway.url, key, body: chatBody(alias, { stream }) });
	const isServed = outcomeOf(answer, stream).kind === "whole" && answer.status === 200;
	return { status: answer.status, retryAfter: answer.header("retry-after"), isServed };
}

/** Clients that come whatever becomes of the others. */
async function askFor(milliseconds: number, alias: string): Promise<readonly Told[]> {
	const asked: Promise<Told>[] = [];
	const startedMs = performance.now();
	for (let elapsedMs = 0; elapsedMs < milliseconds; elapsedMs = performance.now() - startedMs) {
		while (asked.length < (elapsedMs / 1_000) * CALLS_A_SECOND) {
			asked.push(ask(alias, asked.length % 2 === 0));
		}
		await Bun.sleep(5);
	}
	return Promise.all(asked);
}

async function measure(alias: string, script: Script, other: Script) {
	one.script(script);
	two.script(other);
	one.forget();
	two.forget();
	const told = await askFor(LASTS_MS, alias);
	const served = told.filter(({ isServed }) => isServed).length;
	const upstreamCalls = one.requests.length + two.requests.length;
	const figures = {
		clientCalls: told.length,
		upstreamCalls,
		callsAClient: Number((upstreamCalls / told.length).toFixed(3)),
		served: `${((100 * served) / told.length).toFixed(3)}%`,
	};
	report("G6", seed, { alias, ...figures });
	return { told, servedShare: served / told.length, callsAClient: upstreamCalls / told.length };
}

describe("three failures in ten", () => {
	test(
		"at one of two deployments: hardly any client sees one",
		async () => {
			const { servedShare, callsAClient } = await measure("pair", sometimes, well);
			expect(servedShare).toBeGreaterThanOrEqual(0.999);
			expect(callsAClient).toBeLessThanOrEqual(AMPLIFICATION_MAX);
		},
		deadlineMs(30_000, 3),
	);

	test(
		"at both, with two retries: what three attempts can reach, 97.3 %",
		async () => {
			const { servedShare } = await measure("both, 2 retries", sometimes, sometimes);
			expect(servedShare).toBeGreaterThanOrEqual(1 - FAILING_SHARE ** 3 - scaled(0.045, 0.01));
		},
		deadlineMs(30_000, 3),
	);

	test(
		"at both, with seven retries: few see one, while both breakers are open and a request has one attempt",
		async () => {
			const { servedShare } = await measure("both, 7 retries", sometimes, sometimes);
			expect(servedShare).toBeGreaterThanOrEqual(scaled(0.98, 0.998));
		},
		deadlineMs(30_000, 3),
	);
});

describe.each(Object.keys(OUTAGES))("an outage of everybody by %s", (name) => {
	const alias = `outage ${name}`;

	test(
		"is not multiplied, and clients are told at once when to come back",
		async () => {
			const outage = OUTAGES[name] ?? failing;
			const { told, callsAClient } = await measure(alias, outage, outage);
			expect(callsAClient).toBeLessThanOrEqual(AMPLIFICATION_MAX);
			expect(told.filter(({ isServed }) => isServed)).toEqual([]);
			const refused = told.filter(({ status }) => status === 503);
			expect(refused.length).toBeGreaterThan(0);
			expect(refused.filter(({ retryAfter }) => !(Number(retryAfter) >= 1 && Number(retryAfter) <= 144))).toEqual([]);
		},
		deadlineMs(30_000, 3),
	);

	test("reaches providers once a second each, whoever asks", async () => {
		one.forget();
		two.forget();
		const startedMs = performance.now();
		const told = await askFor(1_000, alias);
		const seconds = (performance.now() - startedMs) / 1_000;
		const calls = one.requests.length + two.requests.length;
		expect(calls).toBeLessThanOrEqual(2 * (Math.ceil(seconds) + 1));
		expect(told.filter(({ status }) => status === 503).length).toBe(told.length - calls);
	});

	test("is over for clients when it is over at the providers", async () => {
		one.script(well);
		two.script(well);
		const startedMs = performance.now();
		await until("a client is served", async () => (await ask(alias, false)).isServed);
		report("G6", seed, { alias, recoveredAfterMs: Math.round(performance.now() - startedMs) });
		const told = await askFor(500, alias);
		expect(told.filter(({ isServed }) => !isServed)).toEqual([]);
	});
});

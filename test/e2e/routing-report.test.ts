import { afterAll, beforeAll, describe, expect, spyOn, test } from "bun:test";
import type { RequestTrail } from "../../src/admin/requests/service.ts";
import type { RoutingAnswer } from "../../src/admin/routing/service.ts";
import type { Replayed, Swept } from "../../src/cli/replay-types.ts";
import { formatUsd } from "../../src/lib/money.ts";
import type { AliasReport } from "../../src/routing/report/types.ts";
import { createRandom } from "../reliability/random.ts";
import type { Answer } from "../support/gateway-client.ts";
import { startPostgres } from "../support/postgres.ts";
import { costNano, type ModelName, PROMPTS, type ShadowRig, startShadowRig } from "../support/shadow-rig.ts";
import { until } from "../support/wait.ts";

const CHAT = "/v1/chat/completions";
const BY_BUCKET: Readonly<Record<string, ModelName>> = { simple: "small", medium: "middle", complex: "large" };
const SHADOW = { percent: 100, strategy: "cheapest" };

const server = await startPostgres();
afterAll(() => server?.stop());

/** Every request that was made, as its answer told of it. */
interface Asked {
	readonly alias: string;
	readonly id: string;
	readonly bucket: string;
	readonly model: ModelName;
}

const BACKENDS = ["SQLite", ...(server === undefined ? [] : ["PostgreSQL"])];

describe.each(BACKENDS)("routing in the books of %s", (backend) => {
	let rig: ShadowRig;
	let drop: (() => Promise<void>) | undefined;
	let dice: { mockRestore(): void } | undefined;
	let secret: string;
	const asked: Asked[] = [];
	beforeAll(async () => {
		// Chance from a seed; the gateway takes hold of it when it starts.
		const random = createRandom(20_261_123);
		dice = spyOn(Math, "random").mockImplementation(() => random.real());
		const database = backend === "PostgreSQL" ? await server?.database() : undefined;
		drop = database?.drop;
		rig = await startShadowRig({
			databaseUrl: database?.url,
			aliases: {
				plain: { strategy: "round_robin" },
				watched: { strategy: "round_robin", shadow: { percent: 100, strategy: "classifier" } },
				// A shadow that takes turns has turns of its own.
				turning: { strategy: "round_robin", shadow: { percent: 100, strategy: "least_busy" } },
				tiered: { strategy: "classifier", shadow: SHADOW },
				half: { strategy: "round_robin", shadow: { percent: 50, strategy: "cheapest" } },
			},
		});
		secret = (await rig.client.mint()).key;
		for (let round = 0; round < 3; round += 1) {
			for (const prompt of PROMPTS) {
				for (const alias of ["plain", "watched", "turning", "tiered"]) {
					await ask(alias, prompt);
				}
			}
		}
	});
	afterAll(async () => {
		await rig?.[Symbol.asyncDispose]();
		await drop?.();
		dice?.mockRestore();
	});

	async function ask(alias: string, prompt: string): Promise<Answer> {
		const answer = await rig.client.post(CHAT, secret, { model: alias, messages: [{ role: "user", content: prompt }] });
		expect(answer.status).toBe(200);
		const { headers } = answer;
		const model = headers.get("x-gateway-decision")?.split("/")[1];
		asked.push({
			alias,
			id: headers.get("x-request-id") ?? "",
			bucket: headers.get("x-gateway-route-bucket") ?? "",
			// One of the three: nothing else is configured.
			model: model as ModelName,
		});
		return answer;
	}

	const of = (alias: string) => asked.filter((one) => one.alias === alias);
	const sum = (alias: string, cost: (one: Asked) => number) =>
		formatUsd(of(alias).reduce((nano, one) => nano + cost(one), 0));

	async function report(query = ""): Promise<RoutingAnswer> {
		const answer = await rig.client.admin("GET", `/routing/report${query}`);
		expect(answer.status).toBe(200);
		return answer.json<RoutingAnswer>();
	}

	async function reportOf(alias: string): Promise<AliasReport> {
		// Rows are written behind the answer.
		return until(`all requests of ${alias}`, async () => {
			const found = (await report(`?alias=${alias}`)).aliases;
			return found[0]?.requests === of(alias).length && found[0];
		});
	}

	test("a shadow changes nothing of who is called", () => {
		const turns = of("plain").map(({ model }) => model);
		expect(of("watched").map(({ model }) => model)).toEqual(turns);
		expect(of("turning").map(({ model }) => model)).toEqual(turns);
		expect(new Set(turns).size).toBe(3);
		for (const { bucket, model } of of("tiered")) {
			expect(model).toBe(BY_BUCKET[bucket] ?? model);
		}
	});

	test("a shadow's choice and its money are in the report, to the nano-dollar", async () => {
		const [cheapest] = (await reportOf("tiered")).shadow;
		const dearer = of("tiered").filter(({ model }) => model !== "small").length;
		expect(dearer).toBeGreaterThan(0);
		expect(cheapest).toEqual({
			strategy: "cheapest",
			asked: 9,
			agreed: 9 - dearer,
			changed: dearer,
			compared: 9,
			actual_cost_usd: sum("tiered", ({ model }) => costNano(model)),
			other_cost_usd: sum("tiered", ({ model }) => costNano(model, "small")),
			saving_usd: sum("tiered", ({ model }) => costNano(model) - costNano(model, "small")),
			not_compared: { unanswered: 0, unpriced: 0, gone: 0 },
		});
		const [classifier] = (await reportOf("watched")).shadow;
		expect(classifier).toMatchObject({
			strategy: "classifier",
			asked: 9,
			other_cost_usd: sum("watched", ({ model, bucket }) => costNano(model, BY_BUCKET[bucket])),
		});
		expect((await reportOf("plain")).shadow).toEqual([]);
	});

	test("a shadow's choice is in the trail of each request, and of no other", async () => {
		await reportOf("tiered");
		for (const { alias, id } of asked.filter((one) => !["half", "turning"].includes(one.alias))) {
			const trail = (await rig.client.admin("GET", `/requests/${id}`)).json<RequestTrail>();
			const shadow = trail.routing?.shadow;
			const chosen = { tiered: "small", watched: BY_BUCKET[trail.routing?.bucket ?? ""] }[alias];
			expect({ alias, model: shadow?.model }).toEqual({ alias, model: chosen });
		}
	});

	test("a shadow's share of requests is about the one that is configured", async () => {
		for (let round = 0; round < 200; round += 1) {
			await ask("half", PROMPTS[0]);
		}
		const [shadow] = (await reportOf("half")).shadow;
		// Five standard deviations: with any seed, not one run in a million is outside.
		expect(Math.abs((shadow?.asked ?? 0) - 100)).toBeLessThan(36);
	});

	test("the report adds up to what `/admin/spend` tells of the same time", async () => {
		const [first, last] = await instants(asked[0], asked.at(-1));
		for (const alias of ["plain", "watched", "turning", "tiered", "half"]) {
			await reportOf(alias);
		}
		for (const query of ["", `?from=${first}&to=${last}`, `?from=${first}`]) {
			const { from, to, aliases } = await report(query);
			const { total } = (await rig.client.admin("GET", `/spend?from=${from}&to=${to}`)).json<{
				total: { requests: number; errors: number; cost_usd: string };
			}>();
			expect(aliases.reduce((count, one) => count + one.requests, 0)).toBe(total.requests);
			expect(aliases.reduce((count, one) => count + one.errors, 0)).toBe(total.errors);
			expect(formatUsd(aliases.reduce((cost, one) => cost + nano(one.cost_usd), 0n))).toBe(total.cost_usd);
		}
	});

	async function instants(...ends: readonly (Asked | undefined)[]): Promise<readonly (string | undefined)[]> {
		return Promise.all(
			ends.map(
				async (one) =>
					(await rig.client.admin("GET", `/requests/${one?.id}`)).json<{ created_at: string }>().created_at,
			),
		);
	}

	test("a replay tells what other thresholds would have cost, and the command the same as the API", async () => {
		await reportOf("tiered");
		const { replay } = await report("?alias=tiered&medium=1&complex=1");
		expect(replay).toMatchObject({
			compared: 9,
			actual_cost_usd: sum("tiered", ({ model }) => costNano(model)),
			other_cost_usd: sum("tiered", ({ model }) => costNano(model, "small")),
		});
		expect(replay?.changed).toBe(of("tiered").filter(({ model }) => model !== "small").length);
		const told = await rig.cli("replay", "--alias", "tiered", "--medium", "1", "--complex", "1", "--json");
		expect(told).toMatchObject({ code: 0, stderr: "" });
		expect(JSON.parse(told.stdout).replay).toEqual(JSON.parse(JSON.stringify(replay)));
	});

	test("requests of another strategy are replayed when asked, and counted when not", async () => {
		await reportOf("watched");
		const { replay } = await report("?alias=watched&medium=1&complex=1");
		expect(replay?.aliases[0]).toMatchObject({ compared: 0, not_compared: { other_strategy: 9 } });
		const asked = (await report("?alias=watched&strategy=classifier")).replay;
		expect(asked).toMatchObject({
			compared: 9,
			other_cost_usd: sum("watched", ({ model, bucket }) => costNano(model, BY_BUCKET[bucket])),
		});
		const told = await rig.cli(
			"replay",
			"--alias",
			"watched",
			"--strategy",
			"classifier",
			"--medium",
			"0.33",
			"--json",
		);
		expect(JSON.parse(told.stdout).replay).toEqual(JSON.parse(JSON.stringify(asked)));
	});

	test("what makes no sense is refused, and named", async () => {
		for (const [query, param] of [
			["medium=2", "medium"],
			["medium=x", "medium"],
			["complex=", "complex"],
			["medium=0.7&complex=0.6", "medium"],
			["strategy=cheapest", "strategy"],
			["from=yesterday", "from"],
			["alias=", "alias"],
			["group_by=key", "group_by"],
		]) {
			const answer = await rig.client.admin("GET", `/routing/report?${query}`);
			expect({ query, status: answer.status, param: answer.error()?.param }).toEqual({ query, status: 400, param });
		}
		expect((await rig.client.admin("POST", "/routing/report", {})).status).toBe(405);
		expect((await rig.client.get("/admin/routing/report", secret)).status).toBe(403);
		expect((await rig.client.get("/admin/routing/report")).status).toBe(401);
	});

	test("the command reads the books of a stopped gateway as it did those of a running one", async () => {
		const period = ["--from", "2020-01-01", "--to", new Date(Date.now() + 60_000).toISOString()];
		const pair = ["--medium", "0.5", "--complex", "0.9"];
		const running = [await rig.cli("replay", ...period, ...pair), await rig.cli("replay", ...period)];
		await rig.stopGateway();
		const stopped = [await rig.cli("replay", ...period, ...pair), await rig.cli("replay", ...period)];
		expect(stopped).toEqual(running);
		const [one, sweep] = stopped;
		expect(one).toMatchObject({ code: 0, stderr: "" });
		expect(one?.stdout).toMatch(/^tiered +0\.5 +0\.9 +9 /m);
		expect(one?.stdout).toContain("half: 200 placed by another strategy");
		expect(one?.stdout).toContain("is not judged");
		expect(sweep?.stdout).toMatch(/^tiered +0\.33 +0\.66 +9 +0 .* now$/m);
		expect(sweep?.stdout.match(/^tiered/gm)).toHaveLength(9);
	});

	test("the command's sweep has every pair as the command has it alone", async () => {
		const swept = JSON.parse((await rig.cli("replay", "--alias", "tiered", "--json")).stdout) as Swept;
		expect(swept.sweep.map(({ shift }) => shift)).toEqual([-0.2, -0.15, -0.1, -0.05, 0, 0.05, 0.1, 0.15, 0.2]);
		for (const { replay } of [swept.sweep[0], swept.sweep[8]].filter((one) => one !== undefined)) {
			const { medium, complex } = replay.aliases[0]?.thresholds ?? { medium: 0, complex: 0 };
			const alone = await rig.cli(
				"replay",
				"--alias",
				"tiered",
				"--medium",
				`${medium}`,
				"--complex",
				`${complex}`,
				"--json",
			);
			expect((JSON.parse(alone.stdout) as Replayed).replay).toEqual(replay);
		}
	});
});

function nano(usd: string): bigint {
	const [whole = "", fraction = ""] = usd.split(".");
	return BigInt(whole) * 1_000_000_000n + BigInt(fraction.padEnd(9, "0"));
}

import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Reconciliation } from "../../../src/cli/reconcile-types.ts";
import { runCli } from "../../../src/cli/run-cli.ts";
import { newRequestId } from "../../../src/lib/ids.ts";
import { NO_USAGE } from "../../../src/lib/usage.ts";
import type { AttemptClosing } from "../../../src/metering/ledger-types.ts";
import { createCatalogue } from "../../../src/metering/prices.ts";
import type { SqliteStore } from "../../../src/store/sqlite-store.ts";
import { closing, DAY_MS, MIDNIGHT_MS, opening, openStore, temporaryDirectory } from "../store/ledger-samples.ts";
import { createFakeIo } from "./fake-io.ts";

let place: ReturnType<typeof temporaryDirectory>;
let store: SqliteStore;
beforeEach(async () => {
	place = temporaryDirectory();
	place = { ...place, database: join(place.directory, "gateway-llm.db") };
	store = await openStore(place);
	await Bun.write(join(place.directory, "config.yaml"), CONFIG);
});
afterEach(async () => {
	await store.close();
	place[Symbol.dispose]();
});

const CONFIG = `model_list:
  - model_alias: fast
    deployments:
      - { provider: mock, model: echo }
`;

/** What gpt-4o-mini costs by the catalogue: $0.15 and $0.60 a million. */
const PRICED = {
	provider: "openai",
	model: "gpt-4o-mini",
	priceVersion: createCatalogue().priceOf({ catalogue: "openai", model: "gpt-4o-mini", atMs: MIDNIGHT_MS })?.version,
	reservedNano: 500_000,
};
const USED = { usage: { ...NO_USAGE, input: 60, output: 150 }, costNano: 60 * 150 + 150 * 600 };

async function settle(
	facts: Partial<Parameters<typeof opening>[0]> = {},
	ending: Partial<AttemptClosing> = {},
	atMs = MIDNIGHT_MS,
): Promise<string> {
	const attempt = opening({ requestId: newRequestId(), ...PRICED, ...facts });
	await store.writer.settled(attempt, atMs, closing({ ...USED, ...ending }), atMs + 5);
	return attempt.requestId;
}

function spoil(statement: string): void {
	const client = new Database(place.database);
	client.run("PRAGMA ignore_check_constraints = ON");
	client.run(statement);
	client.close();
}

async function run(...argv: string[]) {
	const world = createFakeIo();
	const standard = ["--config", join(place.directory, "config.yaml"), "--data", place.directory];
	const code = await runCli(["reconcile", ...standard, ...argv], world.io);
	return { code, stdout: world.stdout(), stderr: world.stderr() };
}

async function json(...argv: string[]) {
	const { code, stdout } = await run("--json", ...argv);
	// What the command has just printed.
	return { code, ...(JSON.parse(stdout) as Reconciliation) };
}

async function upstream(lines: readonly unknown[], ...argv: string[]) {
	const path = join(place.directory, "upstream.jsonl");
	await Bun.write(path, lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n"));
	return json("--upstream", path, ...argv);
}

const LINE = { prompt_tokens: 60, completion_tokens: 150 };

describe("the books", () => {
	test("of a running gateway agree: exit 0, and nothing is changed", async () => {
		await settle();
		await settle({ provider: "groq", model: "m", priceVersion: undefined, reservedNano: 0 }, { costNano: 0 });
		store.writer.opened(opening(), MIDNIGHT_MS);
		await store.writer.flush();
		const { code, stdout, stderr } = await run();
		expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
		expect(stdout).toContain("3 attempts on 1 days");
		expect(stdout).toContain("1 not settled");
		expect(stdout).toEndWith("No differences.\n");
	});

	test("of a gateway that was stopped agree too, and no log is left beside them", async () => {
		await settle();
		await store.close();
		expect((await run()).code).toBe(0);
		expect(existsSync(`${place.database}-wal`)).toBe(false);
		store = await openStore(place);
	});

	test.each([
		["a sum", "update spend_days set cost_nano = cost_nano + 1", "cost_nano", "99000", "99001"],
		["a count", "update spend_days set requests_by_both = 7", "requests_by_both", "1", "7"],
		["a bucket", "update spend_days set image_output = 2", "image_output", "0", "2"],
		["a figure above 2^53", "update spend_days set input = 9007199254740993", "input", "60", "9007199254740993"],
	])(
		"that were spoilt are told with day, key, team, provider and model: %s",
		async (_, statement, figure, rows, sum) => {
			await settle();
			spoil(statement);
			const { code, differences } = await json();
			expect(code).toBe(1);
			expect(differences).toEqual([
				{
					kind: "daily_sum",
					day: "2030-06-15",
					key: "vk_A",
					team: "blue",
					provider: "openai",
					model: "gpt-4o-mini",
					figure,
					rows,
					daily_sum: sum,
				},
			]);
			const text = (await run()).stdout;
			expect(text).toMatch(/DAY +KEY +TEAM +PROVIDER +MODEL +FIGURE +ROWS +DAILY SUM\n2030-06-15 +vk_A +blue +openai/);
			expect(text).toEndWith("1 difference.\n");
		},
	);

	test("a sum without rows, and rows without a sum", async () => {
		await settle();
		spoil("update spend_days set model = 'other'");
		const { code, differences } = await json();
		expect(code).toBe(1);
		expect(new Set(differences.map((found) => "model" in found && found.model))).toEqual(
			new Set(["gpt-4o-mini", "other"]),
		);
	});

	test("days outside the period are not looked at", async () => {
		await settle();
		await settle({}, {}, MIDNIGHT_MS + 3 * DAY_MS);
		spoil("update spend_days set errors = 9 where day = (select min(day) from spend_days)");
		expect((await json("--from", "2030-06-16")).code).toBe(0);
		expect((await json("--to", "2030-06-15")).code).toBe(1);
		expect(await json("--from", "2030-06-18", "--to", "2030-06-18")).toMatchObject({ code: 0, days: 1, attempts: 1 });
	});

	test("sums of rows that are deleted are still proved, as a whole day", async () => {
		await settle();
		await settle();
		const day = MIDNIGHT_MS / DAY_MS;
		await store.housekeeping.pruneDay(day, undefined, { rowsMax: 1, ownersSinceMs: 0 });
		expect(await json()).toMatchObject({ code: 0, attempts: 1, pruned: 1 });
		await store.housekeeping.pruneDay(day, undefined, { rowsMax: 10, ownersSinceMs: 0 });
		expect(await json()).toMatchObject({ code: 0, attempts: 0, pruned: 2 });
		spoil("update spend_days set cost_nano = cost_nano - 1");
		const { code, differences } = await json();
		expect(code).toBe(1);
		expect(differences).toEqual([
			{ kind: "daily_sum", day: "2030-06-15", figure: "cost_nano", rows: "198000", daily_sum: "197999" },
		]);
	});
});

describe("each row", () => {
	test("costs what its usage and its price say", async () => {
		const requestId = await settle({}, { costNano: 98_999 });
		const { code, differences } = await json();
		expect({ code, differences }).toEqual({
			code: 1,
			differences: [
				{ kind: "cost", request_id: requestId, attempt: 0, figure: "cost_nano", ledger: "98999", expected: "99000" },
			],
		});
	});

	test.each([
		["an unpriced attempt that cost something", { priceVersion: undefined }, {}, "0"],
		[
			"a failure that cost something",
			{},
			{ usage: NO_USAGE, usageSource: "none" as const, outcome: "upstream_failed" as const },
			"0",
		],
		[
			"a crash that is not charged at its reservation",
			{},
			{ usageSource: "crash_estimate" as const, outcome: "crashed" as const },
			"500000",
		],
		["a free model that cost something", { priceVersion: "free" }, {}, "0"],
		["the built-in provider", { provider: "mock", model: "echo", priceVersion: "mock" }, { costNano: 1 }, "99000"],
	])("%s is told", async (_, facts, ending, expected) => {
		await settle(facts, ending);
		expect((await json()).differences).toMatchObject([{ kind: "cost", expected }]);
	});

	test("of a price version that nobody knows here is counted, not guessed", async () => {
		await settle({ priceVersion: "genai-prices@0.0.1" });
		await settle({ priceVersion: "genai-prices@0.0.1" });
		const { code, costs } = await json();
		expect({ code, costs }).toEqual({ code: 0, costs: { recomputed: 0, unknown: { "genai-prices@0.0.1": 2 } } });
		expect((await run()).stdout).toContain("2 of genai-prices@0.0.1");
	});

	test("above its reservation is noted, since the provider has counted so", async () => {
		await settle({ reservedNano: 98_000 });
		expect(await json()).toMatchObject({ code: 0, notes: [{ kind: "above_reservation", expected: "<= 98000" }] });
	});

	test("that is negative or settled without an outcome is told", async () => {
		await settle();
		await settle();
		spoil("update attempts set output = -5 where rowid = 1");
		spoil("update attempts set outcome = null where rowid = 2");
		const kinds = (await json()).differences.map(({ kind }) => kind);
		expect(kinds).toContain("negative");
		expect(kinds).toContain("settled_without_outcome");
	});
});

describe("an upstream's own count", () => {
	test("that agrees, with costs or without, is clean", async () => {
		const ids = [await settle(), await settle()];
		const failed = { usage: NO_USAGE, usageSource: "none" as const, outcome: "upstream_failed" as const, costNano: 0 };
		await settle({}, failed);
		const lines = [
			{ request_id: ids[0], ...LINE, model: "gpt-4o-mini", cost_usd: "0.000099" },
			"",
			{ request_id: ids[1], ...LINE, cost_usd: 0.000099 },
		];
		expect(await upstream(lines)).toMatchObject({ code: 0, upstream: { lines: 2, matched: 2, skipped: 0 } });
	});

	test("missing on either side, and different usage or cost, are told", async () => {
		const [missing, usage, cost] = [await settle(), await settle(), await settle()];
		const stranger = newRequestId();
		const { code, differences } = await upstream([
			{ request_id: usage, prompt_tokens: 60, completion_tokens: 151 },
			{ request_id: cost, ...LINE, cost_usd: "0.0000990001" },
			{ request_id: stranger, prompt_tokens: 1 },
		]);
		expect(code).toBe(1);
		const told: readonly unknown[] = differences;
		expect(told).toEqual([
			{
				kind: "not_at_upstream",
				request_id: missing,
				attempt: 0,
				source: "provider",
				ledger: "60 + 150 tokens, $0.000099",
			},
			{
				kind: "usage",
				request_id: usage,
				attempt: 0,
				source: "provider",
				ledger: "60 + 150 tokens, $0.000099",
				upstream: "60 + 151 tokens",
			},
			{
				kind: "upstream_cost",
				request_id: cost,
				attempt: 0,
				source: "provider",
				ledger: "60 + 150 tokens, $0.000099",
				upstream: "60 + 150 tokens, $0.000099001",
			},
			{ kind: "not_in_ledger", request_id: stranger, upstream: "1 + 0 tokens" },
		]);
		expect((await run("--upstream", join(place.directory, "upstream.jsonl"))).stdout).toMatch(
			/REQUEST +ATTEMPT +WHAT +COUNT OF +LEDGER +UPSTREAM\nreq_/,
		);
	});

	test("attempts of one request are told apart by their counts, and a call that was booked twice shows", async () => {
		const requestId = await settle({}, { outcome: "upstream_failed", usageSource: "partial" });
		await settle({ requestId, attempt: 1 }, { usage: { ...NO_USAGE, input: 60, output: 7 }, costNano: 13_200 });
		const lines = [
			{ request_id: requestId, prompt_tokens: 60, completion_tokens: 7 },
			{ request_id: requestId, ...LINE },
		];
		expect((await upstream(lines)).code).toBe(0);
		expect((await upstream([...lines, ...lines])).differences).toHaveLength(2);
		expect((await upstream(lines.slice(0, 1))).differences).toMatchObject([{ kind: "not_at_upstream", attempt: 0 }]);
	});

	test("a row that says itself that it is a guess, and books enough, is a note; one that books too little is not", async () => {
		const crash = {
			usageSource: "crash_estimate" as const,
			outcome: "crashed" as const,
			usage: NO_USAGE,
			costNano: 500_000,
		};
		await settle({}, crash);
		const guessed = await settle({}, { usageSource: "estimated" });
		const lines = (completion_tokens: number) => [{ request_id: guessed, prompt_tokens: 50, completion_tokens }];
		expect(await upstream(lines(149))).toMatchObject({
			code: 0,
			notes: [
				{ kind: "not_at_upstream", source: "crash_estimate" },
				{ kind: "usage", source: "estimated" },
			],
		});
		expect(await upstream(lines(151))).toMatchObject({
			code: 1,
			differences: [{ kind: "usage", source: "estimated" }],
		});
	});

	test("of a guess the money decides, where both tell it", async () => {
		const requestId = await settle({}, { outcome: "upstream_failed", usageSource: "partial" });
		const line = (cost_usd: string) => [{ request_id: requestId, prompt_tokens: 1, completion_tokens: 999, cost_usd }];
		expect(await upstream(line("0.000099"))).toMatchObject({ code: 0, notes: [{ kind: "usage", source: "partial" }] });
		expect(await upstream(line("0.000099001"))).toMatchObject({ code: 1, differences: [{ kind: "usage" }] });
	});

	test("a call that was given up before anything came need not be known upstream", async () => {
		await settle(
			{},
			{ outcome: "client_gone", usageSource: "partial", usage: { ...NO_USAGE, input: 60 }, costNano: 9_000 },
		);
		expect(await upstream([])).toMatchObject({ code: 0, notes: [{ kind: "not_at_upstream", source: "partial" }] });
	});

	test("of one provider is compared with the attempts there", async () => {
		const both = await settle({ provider: "groq" }, { outcome: "upstream_failed", usageSource: "partial" });
		await settle({ requestId: both, attempt: 1 });
		const elsewhere = await settle({ provider: "groq" });
		const lines = [{ request_id: both, ...LINE }];
		expect((await upstream(lines)).code).toBe(1);
		expect((await upstream(lines, "--provider", "openai")).code).toBe(0);
		expect(await upstream([...lines, { request_id: elsewhere, ...LINE }], "--provider", "openai")).toMatchObject({
			differences: [{ kind: "not_in_ledger", request_id: elsewhere }],
		});
	});

	test("calls outside the period, or of rows that are deleted, are left out", async () => {
		const early = await settle();
		await settle({}, {}, MIDNIGHT_MS + 3 * DAY_MS);
		const late = { request_id: early, ...LINE };
		expect(await upstream([late], "--from", "2030-06-16", "--to", "2030-06-16")).toMatchObject({
			code: 0,
			upstream: { lines: 1, skipped: 1 },
		});
		// Its id tells when it was made: today, whose rows are deleted now.
		const today = await settle({}, {}, Date.now());
		await store.housekeeping.pruneDay(Math.floor(Date.now() / DAY_MS), undefined, { rowsMax: 9, ownersSinceMs: 0 });
		const now = new Date().toISOString().slice(0, 10);
		expect(await upstream([{ request_id: today, ...LINE }], "--to", now)).toMatchObject({
			code: 0,
			upstream: { skipped: 1 },
		});
	});
});

describe("what cannot be done exits with 2 and says why", () => {
	test.each([
		[["--from", "2030-02-30"], "--from must be a UTC day"],
		[["--from", "2030-02-02", "--to", "2030-02-01"], "--from must not be later"],
		[["--fron", "2030-02-02"], "Did you mean --from?"],
		[["--provider", "openai"], "--provider goes with --upstream"],
		[["--upstream", "/nowhere/x.jsonl"], "there is no file"],
		[["--data", "/nowhere"], "There is no database at /nowhere"],
	])("%j", async (argv, message) => {
		const world = createFakeIo();
		const standard = ["--config", join(place.directory, "config.yaml")];
		const data = argv.includes("--data") ? [] : ["--data", place.directory];
		expect(await runCli(["reconcile", ...standard, ...data, ...argv], world.io)).toBe(2);
		expect(world.stderr()).toContain(message);
		expect(world.stdout()).toBe("");
	});

	test.each([
		["no JSON", "{"],
		["no object", "[]"],
		["no id", '{"prompt_tokens":1}'],
		["a negative count", '{"request_id":"r","prompt_tokens":-1}'],
		["a count with a fraction", '{"request_id":"r","prompt_tokens":1.5}'],
		["no amount", '{"request_id":"r","prompt_tokens":1,"cost_usd":"much"}'],
	])("a line of the upstream that is %s is named", async (_, line) => {
		const path = join(place.directory, "bad.jsonl");
		await Bun.write(path, `{"request_id":"r","prompt_tokens":1}\n\n${line}\n`);
		const { code, stderr } = await run("--upstream", path);
		expect(code).toBe(2);
		expect(stderr).toContain(`${path}:3 `);
	});

	test("a database of another version is not guessed at", async () => {
		await store.close();
		spoil("PRAGMA user_version = 1");
		const { code, stderr } = await run();
		expect(code).toBe(2);
		expect(stderr).toContain("Start this version of the gateway with it once");
		spoil("PRAGMA user_version = 99");
		expect((await run()).stderr).toContain("newer version");
		spoil(
			`PRAGMA user_version = ${(await import("../../../src/store/migrations.sqlite.ts")).SQLITE_MIGRATIONS.length}`,
		);
		store = await openStore(place);
	});

	test("a bad configuration exits with 78", async () => {
		await Bun.write(join(place.directory, "config.yaml"), "storage: { retention: 1d, max_size: 10 }\n");
		const { code, stderr } = await run();
		expect(code).toBe(78);
		expect(stderr).toContain("storage.retention");
		expect(stderr).toContain("storage.max_size");
	});
});

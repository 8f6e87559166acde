import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { Replayed } from "../../../src/cli/replay-types.ts";
import { runCli } from "../../../src/cli/run-cli.ts";
import { newRequestId } from "../../../src/lib/ids.ts";
import { NO_USAGE } from "../../../src/lib/usage.ts";
import { encodeDecision } from "../../../src/routing/decision-text.ts";
import type { SqliteStore } from "../../../src/store/sqlite-store.ts";
import { decided } from "../routing/report-samples.ts";
import { closing, DAY_MS, MIDNIGHT_MS, opening, openStore, temporaryDirectory } from "../store/ledger-samples.ts";
import { createFakeIo } from "./fake-io.ts";

const CONFIG = `model_list:
  - model_alias: plain
    deployments:
      - { provider: mock, model: echo }
  - model_alias: tiered
    router: { strategy: classifier }
    deployments:
      - { provider: mock, model: a, tier: simple, price: { input_per_million: 1, output_per_million: 2 } }
      - { provider: mock, model: b, tier: complex, price: { input_per_million: 10, output_per_million: 30 } }
`;

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

async function run(...argv: string[]) {
	const world = createFakeIo();
	const standard = ["--config", join(place.directory, "config.yaml"), "--data", place.directory];
	const code = await runCli(["replay", ...standard, ...argv], world.io);
	return { code, stdout: world.stdout(), stderr: world.stderr() };
}

/** The ids of the configuration's deployments, as `check` tells them: a, then b. */
async function deploymentIds(): Promise<readonly string[]> {
	const world = createFakeIo();
	await runCli(["check", "--config", join(place.directory, "config.yaml")], world.io);
	return (world.stdout().match(/dep_\w+/g) ?? []).slice(1);
}

/** A hard prompt that the strong model answered, with 100 tokens in and 10 out. */
async function settle(atMs: number): Promise<void> {
	const [weak = "", strong = ""] = await deploymentIds();
	const decision = encodeDecision(decided(0.7, { candidates: [strong, weak] }));
	const attempt = opening({ requestId: newRequestId(), alias: "tiered", deploymentId: strong, decision });
	const usage = { ...NO_USAGE, input: 100, output: 10 };
	await store.writer.settled(attempt, atMs, closing({ usage, costNano: 1_300_000 }), atMs + 5);
}

describe("`replay`", () => {
	test("prices what was booked at the tier that other thresholds would have chosen", async () => {
		await settle(MIDNIGHT_MS);
		const { code, stdout, stderr } = await run(
			"--from",
			"2030-06-15",
			"--to",
			"2030-06-15",
			"--complex",
			"0.8",
			"--json",
		);
		expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
		// What the command has just printed.
		const told = JSON.parse(stdout) as Replayed;
		expect(told).toMatchObject({
			object: "routing_replay",
			database: place.database,
			from: "2030-06-15T00:00:00.000Z",
			to: "2030-06-16T00:00:00.000Z",
			pruned_days: [],
			// The medium tier has nobody: the next stronger one stands in.
			replay: { compared: 1, changed: 0, actual_cost_usd: "0.001300" },
		});
		const easy = await run("--from", "2030-06-15T00:00:00Z", "--to", "2030-06-16", "--medium", "0.8");
		expect(easy.stdout).toMatch(/^tiered +0\.8 +0\.8 +1 +1 +0\.001300 +0\.000120 +0\.001180$/m);
		expect(easy.stdout).toMatch(/^tiered +complex +simple +1 /m);
	});

	test("covers the last seven days unless told otherwise", async () => {
		const nowMs = Date.now();
		await settle(nowMs - 6 * DAY_MS);
		await settle(nowMs - 8 * DAY_MS);
		expect((await run("--medium", "1")).stdout).toMatch(/^tiered +1 +1 +1 /m);
		expect((await run("--medium", "1", "--from", "2020-01-01")).stdout).toMatch(/^tiered +1 +1 +2 /m);
	});

	test("says that there is nothing where there is nothing", async () => {
		const { code, stdout } = await run();
		expect({ code, told: stdout.includes("No requests of an alias with tiers.") }).toEqual({ code: 0, told: true });
	});

	test("says what it left out, and that rows were deleted", async () => {
		await store.writer.settled(opening({ alias: "tiered" }), MIDNIGHT_MS, closing(), MIDNIGHT_MS);
		const period = ["--from", "2030-06-15", "--to", "2030-06-15"];
		expect((await run(...period)).stdout).toContain("tiered: 1 from before decisions were kept");
		await store.housekeeping.pruneDay(MIDNIGHT_MS / DAY_MS, undefined, { rowsMax: 10, ownersSinceMs: 0 });
		expect((await run(...period)).stdout).toContain("Rows of a day were deleted");
	});

	test.each([
		[["--medium", "2"], "--medium must be a number from 0 to 1"],
		[["--complex", ""], "--complex must be a number from 0 to 1"],
		[["--medium", "0.7", "--complex", "0.6"], "--medium must not be above --complex"],
		[["--strategy", "cheapest"], "--strategy must be classifier"],
		[["--from", "yesterday"], "--from must be a UTC day"],
		[["--from", "2030-02-30"], "--from must be a UTC day"],
		[["--from", "2030-06-16", "--to", "2030-06-15"], "--from must be earlier than --to"],
		[["--alias", "tierd"], "there is no alias tierd. Did you mean tiered?"],
		[["--alias", "plain"], "no deployment of alias plain has a tier"],
		[["--median", "1"], "Did you mean --medium?"],
		[["--data", "/nowhere"], "given twice"],
	])("is not done with %p: exit 1, and why", async (argv, why) => {
		const { code, stdout, stderr } = await run(...argv);
		expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
		expect(stderr).toContain(why);
	});

	test("is not done without a database (exit 1) or with a bad configuration (exit 78)", async () => {
		const world = createFakeIo();
		const config = join(place.directory, "config.yaml");
		expect(await runCli(["replay", "--config", config, "--data", "/nowhere"], world.io)).toBe(1);
		expect(world.stderr()).toContain("There is no database at /nowhere");
		await Bun.write(config, "model_list: 5");
		expect((await run()).code).toBe(78);
		await Bun.write(config, "model_list: [{ model_alias: x, deployments: [{ provider: mock, model: echo }] }]");
		const { code, stderr } = await run();
		expect({ code, told: stderr.includes("there is nothing to replay") }).toEqual({ code: 1, told: true });
	});
});

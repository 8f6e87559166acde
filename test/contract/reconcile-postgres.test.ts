import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { Reconciliation } from "../../src/cli/reconcile-types.ts";
import { runCli } from "../../src/cli/run-cli.ts";
import { newRequestId } from "../../src/lib/ids.ts";
import { NO_USAGE } from "../../src/lib/usage.ts";
import { createCatalogue } from "../../src/metering/prices.ts";
import type { PostgresStore } from "../../src/store/postgres-store.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { createFakeIo } from "../unit/cli/fake-io.ts";
import { closing, MIDNIGHT_MS, opening } from "../unit/store/ledger-samples.ts";
import { type InstancesRig, startInstances } from "./instances-rig.ts";

const server = await startPostgres();
afterAll(() => server?.stop());

/** What gpt-4o-mini costs by the catalogue: $0.15 and $0.60 a million. */
const PRICED = {
	provider: "openai",
	model: "gpt-4o-mini",
	priceVersion: createCatalogue().priceOf({ catalogue: "openai", model: "gpt-4o-mini", atMs: MIDNIGHT_MS })?.version,
	reservedNano: 500_000,
};
const USED = { usage: { ...NO_USAGE, input: 60, output: 150 }, costNano: 60 * 150 + 150 * 600 };

describe.skipIf(server === undefined)("`reconcile` of a ledger that two instances share", () => {
	let rig: InstancesRig;
	let stores: readonly PostgresStore[];
	let requestIds: readonly string[];
	let directory: string;
	beforeEach(async () => {
		// Skipped where there is none.
		rig = await startInstances(server as PostgresServer);
		stores = await Promise.all([1, 2].map(() => rig.open()));
		directory = rig.directory();
		await Bun.write(join(directory, "config.yaml"), configOf(rig.url));
		requestIds = await Promise.all(stores.map(settle));
	});
	afterEach(() => rig.remove());

	async function settle(store: PostgresStore): Promise<string> {
		const attempt = opening({ requestId: newRequestId(), ...PRICED });
		await store.writer.settled(attempt, MIDNIGHT_MS, closing(USED), MIDNIGHT_MS + 5);
		return attempt.requestId;
	}

	async function run(...argv: string[]) {
		const world = createFakeIo();
		const standard = ["--config", join(directory, "config.yaml"), "--data", directory, "--json"];
		const code = await runCli(["reconcile", ...standard, ...argv], world.io);
		// What the command has just printed; nothing where it could not do it.
		const told = world.stdout() === "" ? undefined : (JSON.parse(world.stdout()) as Reconciliation);
		return { code, told, stderr: world.stderr() };
	}

	async function upstream(lines: readonly unknown[]): Promise<string> {
		const path = join(directory, "upstream.jsonl");
		await Bun.write(path, lines.map((line) => JSON.stringify(line)).join("\n"));
		return path;
	}

	test("agrees while they run, with the provider's count too: exit 0", async () => {
		const counted = requestIds.map((id) => ({ request_id: id, prompt_tokens: 60, completion_tokens: 150 }));
		const { code, told, stderr } = await run("--upstream", await upstream(counted));
		expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
		expect(told).toMatchObject({ attempts: 2, unsettled: 0, differences: [], upstream: { lines: 2, matched: 2 } });
	});

	test("tells a row that was tampered with, by its request and by the sum of its day: exit 1", async () => {
		await rig.query("update attempts set cost_nano = cost_nano + 1 where request_id = $1", [requestIds[0]]);
		const { code, told } = await run();
		expect(code).toBe(1);
		expect(told?.differences).toContainEqual(
			expect.objectContaining({ kind: "daily_sum", day: "2030-06-15", figure: "cost_nano", rows: "198001" }),
		);
		expect(told?.differences).toContainEqual(expect.objectContaining({ request_id: requestIds[0] }));
		expect(JSON.stringify(told?.differences)).not.toContain(requestIds[1] ?? "");
	});

	test("tells a row that is gone, and what the provider counted of it: exit 1", async () => {
		const counted = requestIds.map((id) => ({ request_id: id, prompt_tokens: 60, completion_tokens: 150 }));
		await rig.query("delete from attempts where request_id = $1", [requestIds[1]]);
		const { code, told } = await run("--upstream", await upstream(counted));
		expect(code).toBe(1);
		expect(told?.differences).toContainEqual(
			expect.objectContaining({ kind: "daily_sum", figure: "cost_nano", rows: "99000", daily_sum: "198000" }),
		);
		expect(told?.differences).toContainEqual(expect.objectContaining({ request_id: requestIds[1] }));
	});

	test("tells a sum that was tampered with: exit 1", async () => {
		await rig.query("update spend_days set cost_nano = cost_nano - 1");
		const { code, told } = await run();
		expect(code).toBe(1);
		expect(told?.differences).toEqual([
			expect.objectContaining({ kind: "daily_sum", figure: "cost_nano", rows: "198000", daily_sum: "197999" }),
		]);
	});

	test("is not done where there is no such database: exit 2, and no password in its words", async () => {
		const url = new URL(rig.url);
		url.password = "hunter2-canary";
		url.pathname = "/nowhere";
		await Bun.write(join(directory, "config.yaml"), configOf(url.href));
		const { code, told, stderr } = await run();
		expect({ code, told }).toEqual({ code: 2, told: undefined });
		expect(stderr).toContain("reconcile:");
		expect(stderr).not.toContain("hunter2-canary");
	});
});

function configOf(url: string): string {
	return `database:
  url: ${url}
model_list:
  - model_alias: fast
    deployments:
      - { provider: mock, model: echo }
`;
}

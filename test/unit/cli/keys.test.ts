import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Elysia } from "elysia";
import { keysController } from "../../../src/admin/keys/index.ts";
import { runCli } from "../../../src/cli/run-cli.ts";
import { errors } from "../../../src/http/errors.ts";
import { unauthorized } from "../../../src/lib/errors.ts";
import { createBudgetBook } from "../../../src/limits/budget.ts";
import { createMemoryLimiter } from "../../../src/limits/memory.ts";
import { createLogger } from "../../../src/telemetry/logger.ts";
import { openParts } from "../admin/harness.ts";
import { createFakeIo } from "./fake-io.ts";

const MASTER_KEY = "gw_master_0123456789abcdefghij";
const logger = createLogger({ write: () => {}, format: "json", level: "error", now: () => 0 });

/** The real key routes behind a master key, and the command in front of them. */
async function openGateway() {
	const parts = await openParts();
	const { clock, keys } = parts;
	const seen: { readonly url: string; readonly authorization: string | null }[] = [];
	const app = new Elysia()
		.use(errors(logger))
		.onRequest(({ request }) => {
			seen.push({ url: request.url, authorization: request.headers.get("authorization") });
			if (request.headers.get("authorization") !== `Bearer ${MASTER_KEY}`) {
				throw unauthorized("This is not the master key.");
			}
		})
		.use(
			keysController({
				keys,
				clock,
				limiter: createMemoryLimiter({ clock }),
				budgets: createBudgetBook({ clock, spent: new Map() }),
			}),
		);
	async function run(...argv: string[]) {
		const world = createFakeIo({ env: { GATEWAY_LLM_MASTER_KEY: ` ${MASTER_KEY}\n` }, fetch: (r) => app.handle(r) });
		const code = await runCli(["keys", ...argv], world.io);
		return { code, stdout: world.stdout(), stderr: world.stderr() };
	}
	async function create(...argv: string[]) {
		const { stdout } = await run("create", "--json", ...argv);
		return JSON.parse(stdout);
	}
	return { ...parts, app, run, create, seen };
}

describe("keys", () => {
	test("create mints a key with every field, and shows the secret", async () => {
		await using gateway = await openGateway();
		const { run, keys } = gateway;
		const { code, stdout, stderr } = await run(
			...["create", "--name", "checkout", "--team", "shop", "--models", "smart, gpt-4o", "--rpm", "120"],
			...["--tpm", "90000", "--budget", "25.50", "--parallel", "8", "--strategy", "round_robin"],
			...["--expires", "2030-01-31T00:00:00Z", "--metadata", '{"owner":"ann"}', "--disable", "--json"],
		);
		expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
		const created = JSON.parse(stdout);
		expect(created).toMatchObject({
			name: "checkout",
			team: "shop",
			models: ["smart", "gpt-4o"],
			rpm: 120,
			tpm: 90_000,
			monthly_budget_usd: 25.5,
			max_parallel_requests: 8,
			router: { force_strategy: "round_robin" },
			expires_at: "2030-01-31T00:00:00.000Z",
			metadata: { owner: "ann" },
			enabled: false,
		});
		await run("update", created.id, "--enable");
		expect(keys.verify(created.key).id).toBe(created.id);
	});

	test("create prints the secret on a line of its own, with a warning, for people", async () => {
		await using gateway = await openGateway();
		const { run } = gateway;
		const { stdout } = await run("create", "--name", "me");
		expect(stdout).toMatch(/^key {2}gw_virt_\w+$/m);
		expect(stdout).toContain("shown this once");
	});

	test("list is a table that no name can break, and tells how to go on", async () => {
		await using gateway = await openGateway();
		const { run, create, keys } = gateway;
		for (let index = 0; index < 3; index += 1) {
			await create("--name", `n${index}`, "--rpm", "5");
		}
		// Older versions or other hands may have stored what the API refuses today.
		const [newest] = (await keys.list({ after: undefined, limit: 1, team: undefined, name: undefined })).keys;
		await keys.update(newest?.id ?? "", { name: "a\u001b[31m\u202eb\nc" });
		const { stdout } = await run("list", "--limit", "2");
		const lines = stdout.trimEnd().split("\n");
		expect(lines).toHaveLength(5);
		expect(lines[0]).toStartWith("ID");
		expect(stdout.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}]/u);
		expect(lines.at(-1)).toMatch(/^More: gateway-llm keys list --after vk_\w{26}$/);
		const next = await run("list", "--after", lines.at(-1)?.split(" ").at(-1) ?? "");
		expect(next.stdout.trimEnd().split("\n")).toHaveLength(2);
	});

	test("list says so when there are none, and filters", async () => {
		await using gateway = await openGateway();
		const { run, create } = gateway;
		await create("--team", "shop");
		expect((await run("list", "--team", "other & more")).stdout).toBe("No virtual keys.\n");
		expect(JSON.parse((await run("list", "--team", "shop", "--json")).stdout).data).toHaveLength(1);
	});

	test("show tells the settings and the usage", async () => {
		await using gateway = await openGateway();
		const { run, create } = gateway;
		const { id } = await create("--budget", "5");
		const { stdout } = await run("show", id);
		expect(stdout).toMatch(/^monthly_budget_usd +5$/m);
		expect(stdout).toMatch(/^spent_usd +0\.000000$/m);
	});

	test("update changes, clears, disables and enables", async () => {
		await using gateway = await openGateway();
		const { run, create } = gateway;
		const { id } = await create("--rpm", "5", "--budget", "5", "--models", "a");
		const changed = await run("update", id, "--tpm", "7", "--clear", "rpm,budget,models", "--disable", "--json");
		expect(JSON.parse(changed.stdout)).toMatchObject({
			rpm: null,
			tpm: 7,
			monthly_budget_usd: null,
			models: [],
			enabled: false,
		});
		expect(JSON.parse((await run("update", id, "--enable", "--json")).stdout)).toMatchObject({ enabled: true });
	});

	test("revoke takes the key away; a second time says so, exit 1", async () => {
		await using gateway = await openGateway();
		const { run, create } = gateway;
		const { id } = await create();
		expect(await run("revoke", id)).toEqual({ code: 0, stdout: `Revoked ${id}.\n`, stderr: "" });
		const again = await run("revoke", id);
		expect(again).toMatchObject({ code: 1, stdout: "" });
		expect(again.stderr).toContain("There is no such virtual key. (404)");
	});

	test("an id cannot leave its place in the path", async () => {
		await using gateway = await openGateway();
		const { run, seen } = gateway;
		await run("show", "../deployments?x=/");
		expect(seen.map(({ url }) => url)).toEqual(["http://127.0.0.1:8080/admin/keys/..%2Fdeployments%3Fx%3D%2F"]);
	});

	test("the gateway's refusal is told in its own words", async () => {
		await using gateway = await openGateway();
		const { run } = gateway;
		const { code, stderr } = await run("create", "--expires", "yesterday");
		expect(code).toBe(1);
		expect(stderr).toContain("expires_at: must be an RFC 3339 date-time");
	});
});

describe("reaching the gateway", () => {
	let folder = "";
	beforeAll(async () => {
		folder = await mkdtemp(join(tmpdir(), "gateway-keys-"));
		await Bun.write(join(folder, "master-key"), `${MASTER_KEY}\n`);
	});
	afterAll(() => rm(folder, { recursive: true, force: true }));

	test("the master key of the data directory serves when the environment has none", async () => {
		await using gateway = await openGateway();
		const { app, seen } = gateway;
		const world = createFakeIo({ fetch: (request) => app.handle(request) });
		expect(await runCli(["keys", "list", "--data", folder], world.io)).toBe(0);
		expect(seen.map(({ authorization }) => authorization)).toEqual([`Bearer ${MASTER_KEY}`]);
	});

	test.each([
		["without a master key", {}, /no master key: set GATEWAY_LLM_MASTER_KEY/],
		["with one that no header can carry", { GATEWAY_LLM_MASTER_KEY: "geheim\u2026schlüssel" }, /holds characters/],
	])("%s nothing is sent", async (_, env, reason) => {
		const world = createFakeIo({ env });
		expect(await runCli(["keys", "list", "--data", join(folder, "none")], world.io)).toBe(1);
		expect(world.stderr()).toMatch(reason);
		expect(world.stderr()).not.toContain("geheim");
	});

	test.each([
		["http://127.0.0.1:8080", false],
		["http://localhost:8080/", false],
		["http://[::1]:8080", false],
		["https://gateway.example.com", false],
		["http://gateway.example.com/prefix/", true],
	])("over %s the master key is warned about: %p", async (url, warned) => {
		await using gateway = await openGateway();
		const { app } = gateway;
		let asked = "";
		const world = createFakeIo({
			env: { GATEWAY_LLM_MASTER_KEY: MASTER_KEY },
			fetch: (request) => {
				asked = request.url;
				return app.handle(new Request("http://localhost/admin/keys", { headers: request.headers }));
			},
		});
		expect(await runCli(["keys", "list", "--url", url], world.io)).toBe(0);
		expect(asked).toBe(`${url.replace(/\/$/, "")}/admin/keys`);
		expect(world.stderr().includes("unencrypted")).toBe(warned);
	});

	test.each([
		[
			"a redirect is not followed",
			() => new Response(null, { status: 302, headers: { location: "http://evil" } }),
			/status 302/,
		],
		["something that is no gateway is told apart", () => new Response("<html>"), /does not answer like a gateway/],
		[
			"a gateway that is not there is told apart",
			() => Promise.reject(new Error("Connection refused")),
			/Is the gateway running there\?/,
		],
	])("%s", async (_, fetch, reason) => {
		const modes: string[] = [];
		const world = createFakeIo({
			env: { GATEWAY_LLM_MASTER_KEY: MASTER_KEY },
			fetch: (request) => {
				modes.push(request.redirect);
				return fetch();
			},
		});
		expect(await runCli(["keys", "list"], world.io)).toBe(1);
		expect(world.stderr()).toMatch(reason);
		expect(world.stderr()).not.toContain(MASTER_KEY);
		expect(modes).toEqual(["manual"]);
	});
});

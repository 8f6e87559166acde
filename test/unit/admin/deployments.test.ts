import { describe, expect, test } from "bun:test";
import type { Deployment } from "../../../src/config/types.ts";
import { isJsonObject } from "../../../src/lib/json-types.ts";
import { createRotation } from "../../../src/routing/rotation.ts";
import { createFakeClock } from "../limits/fake-clock.ts";
import { createAdmin, expectDocumented, refusalOf } from "./harness.ts";
import { aliasOf } from "./samples.ts";

const PROVIDER_KEY = "sk-provider-canary-0123456789";

function admin() {
	const secretive: Partial<Deployment> = {
		apiKey: PROVIDER_KEY,
		baseUrl: "https://models.example.com/v1/accounts/canary-account",
		headers: { "x-canary": "canary-header" },
	};
	const aliases = [
		aliasOf("smart", [
			{ ...secretive, model: "large", tier: "complex", weight: 3 },
			{ ...secretive, model: "small", priority: 1 },
			{ ...secretive, model: "small", priority: 2 },
		]),
		aliasOf("single", [secretive]),
	];
	const deployments = aliases.flatMap((alias) => alias.deployments);
	return createAdmin({
		snapshot: {
			aliases: new Map(aliases.map((alias) => [alias.name, alias])),
			deployments: new Map(deployments.map((deployment) => [deployment.id, deployment])),
		},
	});
}

function byId(json: { readonly data?: unknown }) {
	const rows = Array.isArray(json.data) ? json.data.filter(isJsonObject) : [];
	return new Map(rows.map((row) => [String(row.id), row]));
}

describe("listing deployments", () => {
	test("tells configuration and health, and of the address only the host", async () => {
		await using gateway = await admin();
		const { call, health, clock } = gateway;
		health.begin("dep_smart_0").succeeded(120);
		health.begin("dep_smart_0");
		health.begin("dep_smart_1").failed({ class: "rate_limited", cooldownMs: 5_000 });
		const { status, json, text } = await call("GET", "/admin/deployments");
		expect(status).toBe(200);
		expectDocumented("DeploymentList", json);
		const rows = byId(json);
		expect([...rows.keys()]).toEqual(["dep_smart_0", "dep_smart_1", "dep_smart_2", "dep_single_0"]);
		expect(rows.get("dep_smart_0")).toEqual({
			id: "dep_smart_0",
			model_alias: "smart",
			provider: "openai_compatible",
			model: "large",
			host: "models.example.com",
			tier: "complex",
			weight: 3,
			priority: 0,
			enabled: true,
			breaker: "closed",
			available_at: null,
			in_flight: 1,
			requests: 2,
			errors: 0,
			latency_p50_ms: 120,
			last_error: null,
			priced: false,
		});
		expect(rows.get("dep_smart_1")).toMatchObject({
			errors: 1,
			last_error: { class: "rate_limited", at: new Date(clock.now()).toISOString() },
			available_at: new Date(clock.now() + 5_000).toISOString(),
		});
		expect(text).not.toMatch(/canary/);
	});
});

describe("what a list of deployments does not pretend", () => {
	test("a latency is told to a tenth of a millisecond", async () => {
		await using gateway = await admin();
		const { call, health } = gateway;
		health.begin("dep_smart_0").succeeded(9.571048999998311);
		const { json } = await call("GET", "/admin/deployments");
		expect(byId(json).get("dep_smart_0")).toMatchObject({ latency_p50_ms: 9.6 });
	});

	test("a deployment that is answered within the gateway has no host", async () => {
		const alias = aliasOf("mock", [{ baseUrl: "(built in)" }]);
		await using gateway = await createAdmin({
			snapshot: { deployments: new Map(alias.deployments.map((deployment) => [deployment.id, deployment])) },
		});
		const { json } = await gateway.call("GET", "/admin/deployments");
		expectDocumented("DeploymentList", json);
		expect(byId(json).get("dep_mock_0")).toMatchObject({ host: null });
	});
});

describe("taking a deployment out of rotation and putting it back", () => {
	test("by id: in force and on disk before the answer", async () => {
		await using gateway = await admin();
		const { call, rotation, store } = gateway;
		const disabled = await call("POST", "/admin/deployments/disable", { id: "dep_smart_0" });
		expect(disabled.status).toBe(200);
		expectDocumented("DeploymentChange", disabled.json);
		expect(disabled.json.warning).toBeNull();
		expect(byId(disabled.json).get("dep_smart_0")).toMatchObject({ enabled: false });
		expect([rotation.isEnabled("dep_smart_0"), rotation.isEnabled("dep_smart_1")]).toEqual([false, true]);
		expect([...(await store.deploymentStates.disabled())]).toEqual(["dep_smart_0"]);
		const enabled = await call("POST", "/admin/deployments/enable", { id: "dep_smart_0" });
		expect(byId(enabled.json).get("dep_smart_0")).toMatchObject({ enabled: true });
		expect(rotation.isEnabled("dep_smart_0")).toBe(true);
		expect((await store.deploymentStates.disabled()).size).toBe(0);
	});

	test("by alias, provider and model: every one that matches", async () => {
		await using gateway = await admin();
		const { call, rotation } = gateway;
		const selector = { model_alias: "smart", provider: "openai_compatible", model: "small" };
		const { json } = await call("POST", "/admin/deployments/disable", selector);
		expect([...byId(json).keys()]).toEqual(["dep_smart_1", "dep_smart_2"]);
		expect(rotation.isEnabled("dep_smart_0")).toBe(true);
	});

	test("the last one of an alias may go, with a warning that names the alias", async () => {
		await using gateway = await admin();
		const { call } = gateway;
		const { status, json } = await call("POST", "/admin/deployments/disable", { id: "dep_single_0" });
		expect(status).toBe(200);
		expect(json.warning).toContain("single");
		const back = await call("POST", "/admin/deployments/enable", { id: "dep_single_0" });
		expect(back.json.warning).toBeNull();
	});

	test("twice is once", async () => {
		await using gateway = await admin();
		const { call, store } = gateway;
		await call("POST", "/admin/deployments/disable", { id: "dep_smart_0" });
		expect((await call("POST", "/admin/deployments/disable", { id: "dep_smart_0" })).status).toBe(200);
		expect([...(await store.deploymentStates.disabled())]).toEqual(["dep_smart_0"]);
	});

	test.each([
		["an unknown id", { id: "dep_nope" }, 404, null],
		["a property of objects", { id: "__proto__" }, 404, null],
		["an unknown triple", { model_alias: "smart", provider: "openai", model: "large" }, 404, null],
		["nothing", {}, 400, "model_alias"],
		["half a triple", { model_alias: "smart", model: "large" }, 400, "provider"],
		["both forms", { id: "dep_smart_0", model: "large" }, 400, "id"],
		["a number", { id: 5 }, 400, "id"],
		["an empty id", { id: "" }, 400, "id"],
		["an unknown field", { id: "dep_smart_0", reason: "x" }, 400, "reason"],
		["a list", "[]", 400, null],
	])("%s is refused and changes nothing", async (_, body, status, param) => {
		await using gateway = await admin();
		const { call, store } = gateway;
		for (const action of ["disable", "enable"]) {
			const answer = await call("POST", `/admin/deployments/${action}`, body);
			expect(refusalOf(answer)).toMatchObject({ status, param });
		}
		expect((await store.deploymentStates.disabled()).size).toBe(0);
	});

	test("survives a restart", async () => {
		await using gateway = await admin();
		const { call, store } = gateway;
		await call("POST", "/admin/deployments/disable", { id: "dep_smart_0" });
		const restarted = createRotation({ states: store.deploymentStates, clock: createFakeClock() });
		await restarted.load();
		expect([restarted.isEnabled("dep_smart_0"), restarted.isEnabled("dep_smart_1")]).toEqual([false, true]);
	});
});

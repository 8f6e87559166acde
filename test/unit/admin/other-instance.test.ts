import { describe, expect, test } from "bun:test";
import { createKeyDirectory } from "../../../src/keys/directory.ts";
import { KEY_DEFAULTS } from "../../../src/keys/key-defaults.ts";
import { createAdmin } from "./harness.ts";
import { aliasOf } from "./samples.ts";

/** What another instance has put into the database is found by way of this one at once, before anybody told it. */

describe("a key that another instance has made", () => {
	async function made() {
		const gateway = await createAdmin();
		const other = await createKeyDirectory({ store: gateway.store, clock: gateway.clock, flushMs: 60_000 });
		const { record, secret } = await other.create({ ...KEY_DEFAULTS, name: "CI" });
		await other.close();
		return { gateway, path: `/admin/keys/${record.id}`, secret };
	}

	test("is shown", async () => {
		const { gateway, path } = await made();
		await using _ = gateway;
		expect(await gateway.call("GET", path)).toMatchObject({ status: 200, json: { name: "CI" } });
	});

	test("is changed", async () => {
		const { gateway, path, secret } = await made();
		await using _ = gateway;
		expect(await gateway.call("PATCH", path, { rpm: 7 })).toMatchObject({ status: 200, json: { name: "CI", rpm: 7 } });
		expect(gateway.keys.verify(secret).rpm).toBe(7);
	});

	test("is revoked", async () => {
		const { gateway, path, secret } = await made();
		await using _ = gateway;
		expect((await gateway.call("DELETE", path)).status).toBe(200);
		expect(() => gateway.keys.verify(secret)).toThrow("has been revoked");
		expect((await gateway.call("GET", path)).status).toBe(404);
	});
});

test("a team whose limits another instance has set is found, and they are in force", async () => {
	await using gateway = await createAdmin();
	await gateway.store.teams.set("blue", { rpm: 9 }, 0);
	expect(await gateway.call("GET", "/admin/teams/blue")).toMatchObject({
		status: 200,
		json: { rpm: 9, sources: { rpm: "api" } },
	});
	expect(gateway.teams.limitsOf("blue").rpm).toBe(9);
});

test("a deployment that another instance has disabled is shown so, and counts when an alias is left without any", async () => {
	const alias = aliasOf("smart", [{ model: "large" }, { model: "small" }]);
	await using gateway = await createAdmin({
		snapshot: {
			aliases: new Map([[alias.name, alias]]),
			deployments: new Map(alias.deployments.map((deployment) => [deployment.id, deployment])),
		},
	});
	await gateway.store.deploymentStates.setEnabled("dep_smart_0", false, 0);
	const { json } = await gateway.call("POST", "/admin/deployments/disable", { id: "dep_smart_1" });
	expect(json.warning).toContain("No deployment of smart is enabled");
	await gateway.store.deploymentStates.setEnabled("dep_smart_0", true, 0);
	expect((await gateway.call("GET", "/admin/deployments")).json).toMatchObject({
		data: [{ enabled: true }, { enabled: false }],
	});
	expect(gateway.rotation.isEnabled("dep_smart_0")).toBe(true);
});

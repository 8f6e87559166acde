import { describe, expect, test } from "bun:test";
import { createToRouting } from "../../../src/admin/requests/routing.ts";
import { KEY_DEFAULTS } from "../../../src/keys/key-defaults.ts";
import { encodeDecision } from "../../../src/routing/decision-text.ts";
import type { Decision } from "../../../src/routing/types.ts";
import { unserved } from "../store/unserved-samples.ts";
import { createAdmin, expectDocumented, writeRows } from "./harness.ts";
import { aliasOf, attemptRow } from "./samples.ts";

const smart = aliasOf("smart", [{ model: "large", tier: "complex" }, { model: "small" }]);
const snapshot = {
	aliases: new Map([["smart", smart]]),
	deployments: new Map(smart.deployments.map((one) => [one.id, one])),
};
const [large = "", small = ""] = smart.deployments.map(({ id }) => id);

const DECISION: Decision = {
	strategy: "classifier",
	score: 0.75,
	bucket: "complex",
	signals: [
		{ name: "ordinary_prompt", contribution: 0.8 },
		{ name: "length", contribution: -0.05 },
	],
	candidates: [large, "dep_gone"],
	excluded: [
		{ deploymentId: small, reason: "cooling" },
		{ deploymentId: "dep_gone_too", reason: "disabled" },
	],
	session: { source: "header", outcome: "lost", warmAt: small },
	shadow: { strategy: "cheapest", deploymentId: small },
};
const SHOWN = {
	strategy: "classifier",
	score: 0.75,
	bucket: "complex",
	signals: DECISION.signals,
	candidates: [
		{ deployment_id: large, provider: "openai_compatible", model: "large", tier: "complex" },
		{ deployment_id: "dep_gone", provider: null, model: null, tier: null },
	],
	excluded: [
		{ deployment_id: small, provider: "openai_compatible", model: "small", reason: "cooling" },
		{ deployment_id: "dep_gone_too", provider: null, model: null, reason: "disabled" },
	],
	session: { source: "header", outcome: "lost", warm_deployment_id: small },
	shadow: { strategy: "cheapest", deployment_id: small, provider: "openai_compatible", model: "small" },
};

const bearer = ({ secret }: { readonly secret: string }) => ({ authorization: `Bearer ${secret}` });

describe("how a request was routed", () => {
	test("is told with its attempts, deployments by what they are now, null where they are gone", async () => {
		await using gateway = await createAdmin({ snapshot });
		const opening = { requestId: "req_1", decision: encodeDecision(DECISION) };
		await writeRows(gateway.store.writer, [
			attemptRow(opening, { closing: { outcome: "upstream_failed", errorClass: "rate_limited" } }),
			attemptRow({ ...opening, attempt: 1, decision: undefined }),
		]);
		const { json } = await gateway.call("GET", "/admin/requests/req_1");
		expectDocumented("RequestTrail", json);
		expect(json).toMatchObject({ routing: SHOWN, http_status: null, error_code: null });
		expect(json.attempts).toHaveLength(2);
	});

	test("is null for rows from before it was kept, and for a text that nobody can read", async () => {
		await using gateway = await createAdmin({ snapshot });
		for (const decision of [undefined, "", "[2]", "[1,99,0,0,[],[],[],0,0]"]) {
			const requestId = `req_${String(decision)}`;
			await writeRows(gateway.store.writer, [attemptRow({ requestId, decision })]);
			const { status, json } = await gateway.call("GET", `/admin/requests/${encodeURIComponent(requestId)}`);
			expect({ status, routing: json.routing }).toEqual({ status: 200, routing: null });
		}
	});

	test("a conversation or a shadow that there was not is null", () => {
		const text = encodeDecision({ ...DECISION, session: undefined, shadow: undefined });
		// Only the deployments of a configuration are looked at.
		const toRouting = createToRouting({ current: () => ({ ...snapshot }) as never });
		expect(toRouting(text)).toEqual({ ...SHOWN, session: null, shadow: null } as never);
	});
});

describe("a request that nobody was asked for", () => {
	const request = unserved({ requestId: "req_no", alias: "smart", status: 429, code: "budget_exceeded" });

	test("is told before it is written, and afterwards", async () => {
		await using gateway = await createAdmin({ snapshot });
		gateway.store.unserved.keep({ ...request, decision: encodeDecision(DECISION) });
		const first = await gateway.call("GET", "/admin/requests/req_no");
		expectDocumented("RequestTrail", first.json);
		expect(first.json).toEqual({
			id: "req_no",
			object: "request",
			operation: "chat",
			model_alias: "smart",
			stream: false,
			key_id: "vk_A",
			team: "blue",
			status: "unserved",
			http_status: 429,
			error_code: "budget_exceeded",
			created_at: "2030-06-15T00:00:00.000Z",
			completed_at: "2030-06-15T00:00:00.000Z",
			retries: 0,
			cost_usd: "0.000000",
			cost_final: true,
			routing: SHOWN,
			attempts: [],
		} as never);
		await gateway.store.unserved.flush();
		expect((await gateway.call("GET", "/admin/requests/req_no")).text).toBe(first.text);
	});

	test("is shown to its key and team, and to nobody else", async () => {
		await using gateway = await createAdmin({ snapshot });
		const { keys, store, call } = gateway;
		const owner = await keys.create({ ...KEY_DEFAULTS, team: "shop" });
		const mate = await keys.create({ ...KEY_DEFAULTS, team: "shop" });
		const stranger = await keys.create({ ...KEY_DEFAULTS, team: "other" });
		const loner = await keys.create(KEY_DEFAULTS);
		store.unserved.keep({ ...request, keyId: owner.record.id, team: "shop" });
		store.unserved.keep({ ...request, requestId: "req_alone", keyId: loner.record.id, team: undefined });
		const seen = async (id: string, key: { readonly secret: string }) =>
			(await call("GET", `/v1/requests/${id}`, undefined, bearer(key))).status;
		expect(await Promise.all([owner, mate, stranger, loner].map((key) => seen("req_no", key)))).toEqual([
			200, 200, 404, 404,
		]);
		expect(await Promise.all([loner, owner, stranger].map((key) => seen("req_alone", key)))).toEqual([200, 404, 404]);
		const foreign = await call("GET", "/v1/requests/req_no", undefined, bearer(stranger));
		const unknown = await call("GET", "/v1/requests/req_none", undefined, bearer(stranger));
		expect(foreign.text).toBe(unknown.text);
	});

	test("whose other attempt is known is told by that", async () => {
		await using gateway = await createAdmin({ snapshot });
		await writeRows(gateway.store.writer, [attemptRow({ requestId: "req_no" })]);
		gateway.store.unserved.keep(request);
		expect((await gateway.call("GET", "/admin/requests/req_no")).json).toMatchObject({ status: "ok", retries: 0 });
	});
});

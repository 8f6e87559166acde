import { describe, expect, test } from "bun:test";
import { KEY_DEFAULTS } from "../../../src/keys/key-defaults.ts";
import { NO_USAGE } from "../../../src/lib/usage.ts";
import { createAdmin, expectDocumented, refusalOf, writeRows } from "./harness.ts";
import { attemptRow } from "./samples.ts";

const ID = "req_01JD0000000000000000000001";

async function admin() {
	const gateway = await createAdmin();
	const { keys, store } = gateway;
	const owner = await keys.create({ ...KEY_DEFAULTS, team: "shop" });
	const mate = await keys.create({ ...KEY_DEFAULTS, team: "shop" });
	const stranger = await keys.create({ ...KEY_DEFAULTS, team: "other" });
	const loner = await keys.create(KEY_DEFAULTS);
	const hermit = await keys.create(KEY_DEFAULTS);
	const opening = { requestId: ID, keyId: owner.record.id, team: "shop" };
	const lonely = { requestId: "req_lonely", keyId: loner.record.id, team: undefined };
	await writeRows(store.writer, [
		attemptRow({ ...opening, attempt: 1 }, { atMs: 2_000, closing: {} }),
		attemptRow(
			{ ...opening, attempt: 0, deploymentId: "dep_b", provider: "azure", priceVersion: undefined },
			{
				atMs: 1_000,
				closing: {
					outcome: "upstream_failed",
					upstreamStatus: 503,
					errorClass: "upstream_5xx",
					usage: NO_USAGE,
					usageSource: "none",
					costNano: 1,
					ttftMs: undefined,
				},
			},
		),
		attemptRow({ ...opening, requestId: "req_running", streamed: true }, { atMs: 1_000, closing: undefined }),
		attemptRow(lonely, { closing: {} }),
	]);
	return { ...gateway, owner, mate, stranger, loner, hermit };
}

const bearer = ({ secret }: { readonly secret: string }) => ({ authorization: `Bearer ${secret}` });

describe("the trail of a request", () => {
	test("tells every attempt in order, and the final cost as their sum", async () => {
		await using gateway = await admin();
		const { call, owner } = gateway;
		const { status, json } = await call("GET", `/admin/requests/${ID}`);
		expect(status).toBe(200);
		expectDocumented("RequestTrail", json);
		expect(json).toEqual({
			id: ID,
			object: "request",
			operation: "chat",
			model_alias: "smart",
			stream: false,
			key_id: owner.record.id,
			team: "shop",
			status: "ok",
			created_at: "1970-01-01T00:00:01.000Z",
			completed_at: "1970-01-01T00:00:02.034Z",
			http_status: null,
			error_code: null,
			retries: 1,
			routing: null,
			cost_usd: "0.000099001",
			cost_final: true,
			attempts: [
				expect.objectContaining({
					attempt: 0,
					deployment_id: "dep_b",
					provider: "azure",
					status: "upstream_failed",
					upstream_status: 503,
					error_class: "upstream_5xx",
					ttft_ms: null,
					usage_source: "none",
					price_version: null,
					cost_usd: "0.000000001",
				}),
				{
					attempt: 1,
					deployment_id: "dep_a",
					provider: "openai",
					model: "gpt-4o-mini",
					status: "ok",
					upstream_status: 200,
					error_class: null,
					started_at: "1970-01-01T00:00:02.000Z",
					ttft_ms: 12,
					duration_ms: 34,
					usage: {
						prompt_tokens: 60,
						cached_tokens: 0,
						cache_write_tokens: 0,
						cache_write_1h_tokens: 0,
						completion_tokens: 150,
						reasoning_tokens: 0,
						audio_prompt_tokens: 0,
						audio_completion_tokens: 0,
						images: 0,
						seconds: 0,
						characters: 0,
						image_prompt_tokens: 0,
						image_completion_tokens: 0,
						web_searches: 0,
					},
					usage_source: "provider",
					price_version: "genai-prices@0.1.8",
					reserved_usd: "0.001000",
					cost_usd: "0.000099",
				},
			],
		});
	});

	test("of a running request is not final", async () => {
		await using gateway = await admin();
		const { call } = gateway;
		const { json } = await call("GET", "/admin/requests/req_running");
		expectDocumented("RequestTrail", json);
		expect(json).toMatchObject({ status: "in_flight", completed_at: null, cost_final: false, cost_usd: "0.000000" });
		expect(json.attempts).toMatchObject([{ status: "in_flight", cost_usd: null, usage: null, usage_source: null }]);
	});

	test("is shown to the key that made the request and to its team, and to nobody else", async () => {
		await using gateway = await admin();
		const { call, owner, mate, stranger, loner, hermit } = gateway;
		const seen = async (path: string, key: { readonly secret: string }) =>
			(await call("GET", path, undefined, bearer(key))).status;
		const path = `/v1/requests/${ID}`;
		expect(await Promise.all([owner, mate, stranger, loner].map((key) => seen(path, key)))).toEqual([
			200, 200, 404, 404,
		]);
		// Keys without a team are not a team.
		expect(await Promise.all([loner, hermit].map((key) => seen("/v1/requests/req_lonely", key)))).toEqual([200, 404]);
	});

	test("of somebody else looks like one that never was", async () => {
		await using gateway = await admin();
		const { call, stranger } = gateway;
		const foreign = await call("GET", `/v1/requests/${ID}`, undefined, bearer(stranger));
		const unknown = await call("GET", "/v1/requests/req_nope", undefined, bearer(stranger));
		expect(foreign.text).toBe(unknown.text);
	});

	test("needs a key below /v1", async () => {
		await using gateway = await admin();
		const { call } = gateway;
		expect(refusalOf(await call("GET", `/v1/requests/${ID}`))).toMatchObject({ status: 401 });
	});

	test.each(["req_nope", "__proto__", "%00", "%ff", "%zz", "..%2fx", "a%20b", "x".repeat(500)])(
		"%s is no request",
		async (id) => {
			await using gateway = await admin();
			const { call } = gateway;
			expect(refusalOf(await call("GET", `/admin/requests/${id}`))).toEqual({
				status: 404,
				type: "not_found_error",
				param: null,
			});
		},
	);
});

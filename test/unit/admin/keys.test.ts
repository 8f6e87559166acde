import { describe, expect, test } from "bun:test";
import { createAdmin, expectDocumented, NOW, refusalOf } from "./harness.ts";

async function adminWithKey(body: unknown = {}) {
	const gateway = await createAdmin();
	const { json } = await gateway.call("POST", "/admin/keys", body);
	return { ...gateway, id: String(json.id), secret: String(json.key) };
}

const FULL = {
	name: "checkout <script>alert(1)</script>",
	team: "shop",
	models: ["smart", "gpt-4o"],
	rpm: 120,
	tpm: 90_000,
	monthly_budget_usd: 25.5,
	max_parallel_requests: 8,
	router: { force_strategy: "round_robin" },
	expires_at: "2030-01-31T00:00:00+01:00",
	metadata: { owner: "ann", nested: { list: [1, null] } },
	enabled: true,
};

describe("creating a key", () => {
	test("with every field answers them back, with the secret this once", async () => {
		await using gateway = await createAdmin();
		const { call, keys } = gateway;
		const created = await call("POST", "/admin/keys", FULL);
		expect(created.status).toBe(201);
		expectDocumented("CreatedKey", created.json);
		const { id, key, key_hint, ...settings } = created.json;
		expect(settings).toEqual({
			...FULL,
			expires_at: "2030-01-30T23:00:00.000Z",
			created_at: new Date(NOW).toISOString(),
			last_used_at: null,
		});
		expect(created.headers.get("location")).toBe(`/admin/keys/${id}`);
		expect(String(key).endsWith(String(key_hint).slice(-4))).toBe(true);
		expect(keys.verify(String(key)).id).toBe(String(id));
		for (const path of ["/admin/keys", `/admin/keys/${id}`]) {
			expect((await call("GET", path)).text).not.toContain(String(key));
		}
	});

	test("with an empty object gives a key without limits", async () => {
		await using gateway = await createAdmin();
		const { call } = gateway;
		const { status, json } = await call("POST", "/admin/keys", {});
		expect(status).toBe(201);
		expect(json).toMatchObject({
			name: null,
			team: null,
			models: [],
			rpm: null,
			tpm: null,
			monthly_budget_usd: null,
			max_parallel_requests: null,
			router: { force_strategy: null },
			expires_at: null,
			metadata: {},
			enabled: true,
		});
	});

	test("null means absent", async () => {
		await using gateway = await createAdmin();
		const { call } = gateway;
		const nulls = Object.fromEntries(Object.keys(FULL).map((field) => [field, null]));
		const { status } = await call("POST", "/admin/keys", { ...nulls, enabled: true });
		expect(status).toBe(201);
	});

	test.each([
		[0, 0],
		["0.000099", 0.000099],
		[1e-7, 1e-7],
		["25.50", 25.5],
		[9_000_000, 9_000_000],
	])("a budget of %p dollars is kept exactly", async (given, shown) => {
		await using gateway = await createAdmin();
		const { call } = gateway;
		const { json } = await call("POST", "/admin/keys", { monthly_budget_usd: given });
		expect(json.monthly_budget_usd).toBe(shown);
	});

	test.each(["1e3", "$25", "", 9_000_001, true])("a refused budget of %p is told what is accepted", async (given) => {
		await using gateway = await createAdmin();
		const { json } = await gateway.call("POST", "/admin/keys", { monthly_budget_usd: given });
		expect(json.error).toMatchObject({
			message: "monthly_budget_usd: must be a plain decimal amount of dollars, such as 25.50, from 0 to 9000000.",
		});
	});

	test("a right-to-left name is kept as it is", async () => {
		await using gateway = await createAdmin();
		const { call } = gateway;
		const { json } = await call("POST", "/admin/keys", { name: "مفتاح" });
		expect(json.name).toBe("مفتاح");
	});
});

const LONG_LIST = Array.from({ length: 1_001 }, (_, index) => `m${index}`);
const MANY_FIELDS = Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`f${index}`, 1]));

const REFUSED: readonly [string, unknown, string | null][] = [
	["a negative budget", { monthly_budget_usd: -1 }, "monthly_budget_usd"],
	["a negative budget as text", { monthly_budget_usd: "-1" }, "monthly_budget_usd"],
	["a budget of no number", { monthly_budget_usd: "NaN" }, "monthly_budget_usd"],
	["a budget of words", { monthly_budget_usd: "ten" }, "monthly_budget_usd"],
	["a budget of 1e308", { monthly_budget_usd: 1e308 }, "monthly_budget_usd"],
	["a budget above nine million", { monthly_budget_usd: 9_000_000.01 }, "monthly_budget_usd"],
	["a budget in an object", { monthly_budget_usd: {} }, "monthly_budget_usd"],
	["rpm 0", { rpm: 0 }, "rpm"],
	["rpm -1", { rpm: -1 }, "rpm"],
	["rpm 1.5", { rpm: 1.5 }, "rpm"],
	["rpm as text", { rpm: "10" }, "rpm"],
	["rpm beyond any use", { rpm: 1_000_000_001 }, "rpm"],
	["tpm true", { tpm: true }, "tpm"],
	["parallel 2^53", { max_parallel_requests: 2 ** 53 }, "max_parallel_requests"],
	["a name of a megabyte", { name: "x".repeat(900_000) }, "name"],
	["an empty name", { name: "" }, "name"],
	["control characters in a name", { name: "a\u0000b" }, "name"],
	["an escape sequence in a team", { team: "\u001b[31mred" }, "team"],
	["half a character in a name", '{"name":"\\ud800"}', "name"],
	["a line break in an alias", { models: ["a\nb"] }, "models.0"],
	["models as text", { models: "smart" }, "models"],
	["1,001 models", { models: LONG_LIST }, "models"],
	["an expiry in the past", { expires_at: "2020-01-01T00:00:00Z" }, "expires_at"],
	["an expiry now", { expires_at: new Date(NOW).toISOString() }, "expires_at"],
	["an expiry in the year 275761", { expires_at: "+275761-01-01T00:00:00Z" }, "expires_at"],
	["30 February", { expires_at: "2030-02-30T00:00:00Z" }, "expires_at"],
	["an expiry in words", { expires_at: "1 fortnight" }, "expires_at"],
	["an expiry as a number", { expires_at: 1_900_000_000 }, "expires_at"],
	["an unknown strategy", { router: { force_strategy: "fastest" } }, "router.force_strategy"],
	["an unknown field of router", { router: { strategy: "classifier" } }, "router.strategy"],
	["metadata as a list", { metadata: [] }, "metadata"],
	["65 fields of metadata", { metadata: MANY_FIELDS }, "metadata"],
	["17 kB of metadata", { metadata: { text: "x".repeat(17 * 1024) } }, "metadata"],
	["enabled as text", { enabled: "yes" }, "enabled"],
	["an unknown field", { rmp: 5 }, "rmp"],
	["an id", { id: "vk_01JD0000000000000000000001" }, "id"],
	["a secret", { key: "gw_virt_mine" }, "key"],
	["a hash", { hash: "00" }, "hash"],
	["spend", { spend: 0 }, "spend"],
	["a creation time", { created_at: "2020-01-01T00:00:00Z" }, "created_at"],
];

describe("what no key may have is refused, naming the field:", () => {
	test.each(REFUSED)("%s", async (_, body, param) => {
		await using gateway = await adminWithKey({ name: "before" });
		const { call, id } = gateway;
		for (const answer of [await call("POST", "/admin/keys", body), await call("PATCH", `/admin/keys/${id}`, body)]) {
			expect(refusalOf(answer)).toEqual({ status: 400, type: "invalid_request_error", param });
		}
		expect((await call("GET", `/admin/keys/${id}`)).json.name).toBe("before");
		expect((await call("GET", "/admin/keys")).json.data).toHaveLength(1);
	});

	test.each([
		["no body", ""],
		["half a body", '{"name":'],
		["a list", "[]"],
		["null", "null"],
		["a field twice", '{"rpm":1,"rpm":2}'],
		["an own __proto__", '{"__proto__":{"rpm":1}}'],
	])("%s", async (_, body) => {
		await using gateway = await adminWithKey();
		const { call, id } = gateway;
		expect((await call("POST", "/admin/keys", body)).status).toBe(400);
		expect((await call("PATCH", `/admin/keys/${id}`, body)).status).toBe(400);
		expect(Object.hasOwn(Object.prototype, "rpm")).toBe(false);
	});

	test("a refusal never repeats what was sent beyond the field's name", async () => {
		await using gateway = await createAdmin();
		const { call } = gateway;
		const { text } = await call("POST", "/admin/keys", { [`f${"x".repeat(5_000)}`]: "secret-value" });
		expect(text.length).toBeLessThan(500);
		expect(text).not.toContain("secret-value");
	});
});

describe("changing a key", () => {
	test("changes the named fields and no other; null clears", async () => {
		await using gateway = await adminWithKey(FULL);
		const { call, id } = gateway;
		const first = await call("PATCH", `/admin/keys/${id}`, { rpm: 5, monthly_budget_usd: null, models: null });
		expect(first.status).toBe(200);
		expectDocumented("Key", first.json);
		expect(first.json).toMatchObject({ rpm: 5, tpm: 90_000, monthly_budget_usd: null, models: [], team: "shop" });
		const second = await call("PATCH", `/admin/keys/${id}`, { router: null, expires_at: null, metadata: null });
		expect(second.json).toMatchObject({ router: { force_strategy: null }, expires_at: null, metadata: {}, rpm: 5 });
	});

	test("two changes at once both apply", async () => {
		await using gateway = await adminWithKey();
		const { call, id } = gateway;
		await Promise.all([call("PATCH", `/admin/keys/${id}`, { rpm: 5 }), call("PATCH", `/admin/keys/${id}`, { tpm: 6 })]);
		expect((await call("GET", `/admin/keys/${id}`)).json).toMatchObject({ rpm: 5, tpm: 6 });
	});

	test("nothing to change is an error", async () => {
		await using gateway = await adminWithKey();
		const { call, id } = gateway;
		expect((await call("PATCH", `/admin/keys/${id}`, {})).status).toBe(400);
	});
});

describe("inspecting a key", () => {
	test("tells what it uses now and what is left of the month", async () => {
		await using gateway = await adminWithKey({ rpm: 10, tpm: 1_000, monthly_budget_usd: 1 });
		const { call, id, limiter, budgets } = gateway;
		const subject = `key:${id}`;
		limiter.take([{ id: subject, rpm: 10, tpm: 1_000, parallel: undefined }], 300);
		const spent = budgets.reserve({ budgets: [], counted: [subject], amountNano: 250_000_000 });
		if ("hold" in spent) {
			spent.hold.settle(200_000_000);
		}
		budgets.reserve({ budgets: [], counted: [subject], amountNano: 50_000_000 });
		const { status, json } = await call("GET", `/admin/keys/${id}`);
		expect(status).toBe(200);
		expectDocumented("KeyDetail", json);
		expect(json.usage).toEqual({
			rpm_used: 1,
			tpm_used: 300,
			parallel_in_use: 1,
			spent_usd: "0.200000",
			reserved_usd: "0.050000",
			remaining_usd: "0.750000",
			resets_at: "2026-12-01T00:00:00.000Z",
		});
	});

	test.each([
		["that is too short", "vk_nope"],
		["that is a property of objects", "__proto__"],
		["that climbs", "..%2f..%2fx"],
		["that is NUL", "%00"],
		["that is not UTF-8", "%ff"],
		["that is not percent-encoded", "%zz"],
		["of 5,000 characters", "x".repeat(5_000)],
		["that nobody has", "vk_01JD0000000000000000000009"],
	])("an id %s is unknown, to every method", async (_, id) => {
		await using gateway = await adminWithKey();
		const { call } = gateway;
		const answers = [
			await call("GET", `/admin/keys/${id}`),
			await call("PATCH", `/admin/keys/${id}`, { rpm: 1 }),
			await call("DELETE", `/admin/keys/${id}`),
		];
		for (const answer of answers) {
			expect(refusalOf(answer)).toEqual({ status: 404, type: "not_found_error", param: null });
		}
	});
});

describe("revoking a key", () => {
	test("takes it away before the answer; a second time there is none", async () => {
		await using gateway = await adminWithKey();
		const { call, keys, id, secret } = gateway;
		const revoked = await call("DELETE", `/admin/keys/${id}`);
		expect(revoked).toMatchObject({ status: 200, json: { id, deleted: true } });
		expectDocumented("KeyDeleted", revoked.json);
		expect(() => keys.verify(secret)).toThrow();
		expect((await call("DELETE", `/admin/keys/${id}`)).status).toBe(404);
		expect((await call("GET", `/admin/keys/${id}`)).status).toBe(404);
		expect((await call("GET", "/admin/keys")).json.data).toEqual([]);
	});
});

test("what a revoked key used of its limits is forgotten", async () => {
	await using gateway = await adminWithKey({ rpm: 10 });
	const { call, id, limiter } = gateway;
	const subject = { id: `key:${id}`, rpm: 10, tpm: undefined, parallel: undefined };
	const taken = limiter.take([subject], 0);
	if ("ticket" in taken) {
		taken.ticket.release();
	}
	expect(limiter.levels(subject).rpmUsed).toBe(1);
	await call("DELETE", `/admin/keys/${id}`);
	expect(limiter.levels(subject).rpmUsed).toBe(0);
});

describe("listing keys", () => {
	test("pages through all of them, each once", async () => {
		await using gateway = await createAdmin();
		const { call } = gateway;
		for (let index = 0; index < 7; index += 1) {
			await call("POST", "/admin/keys", { name: `n${index}` });
		}
		const seen: unknown[] = [];
		let path = "/admin/keys?limit=3";
		for (let page = 0; page < 3; page += 1) {
			const { json } = await call("GET", path);
			expectDocumented("KeyList", json);
			seen.push(...(Array.isArray(json.data) ? json.data : []));
			expect(json.has_more).toBe(page < 2);
			path = `/admin/keys?limit=3&after=${json.next_after}`;
		}
		const names = seen.map((key) => (typeof key === "object" && key !== null && "name" in key ? key.name : ""));
		expect(names.toSorted()).toEqual(["n0", "n1", "n2", "n3", "n4", "n5", "n6"]);
	});

	test("filters by team and by name", async () => {
		await using gateway = await createAdmin();
		const { call } = gateway;
		await call("POST", "/admin/keys", { name: "a", team: "x" });
		await call("POST", "/admin/keys", { name: "b", team: "x" });
		expect((await call("GET", "/admin/keys?team=x")).json.data).toHaveLength(2);
		expect((await call("GET", "/admin/keys?team=x&name=b")).json.data).toHaveLength(1);
		expect((await call("GET", "/admin/keys?name=%25_%25_%25_")).json.data).toEqual([]);
	});

	test.each([
		["limit=0", "limit"],
		["limit=1001", "limit"],
		["limit=1e9", "limit"],
		["limit=1000000000", "limit"],
		["limit=-1", "limit"],
		["limit=", "limit"],
		["after=garbage", "after"],
		["after=%00", "after"],
		["tema=x", "tema"],
		["limit=1&limit=2", "limit"],
		["__proto__[x]=1", "__proto__[x]"],
	])("%s is refused, naming the parameter", async (query, param) => {
		await using gateway = await createAdmin();
		const { call } = gateway;
		expect(refusalOf(await call("GET", `/admin/keys?${query}`))).toEqual({
			status: 400,
			type: "invalid_request_error",
			param,
		});
	});

	test("another method is refused with the ones there are", async () => {
		await using gateway = await createAdmin();
		const { call } = gateway;
		const answer = await call("PUT", "/admin/keys", {});
		expect(answer.status).toBe(405);
		expect(answer.headers.get("allow")).toBe("GET, POST");
	});
});

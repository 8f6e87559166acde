import { describe, expect, test } from "bun:test";
import { NO_USAGE } from "../../../src/lib/usage.ts";
import type { AttemptRow } from "../../../src/store/types.ts";
import { createAdmin, expectDocumented, refusalOf } from "./harness.ts";
import { attemptRow } from "./samples.ts";

const KEY_A = "vk_01JD000000000000000000000A";
const KEY_B = "vk_01JD000000000000000000000B";
const day = (dayOfMonth: number, month = 10) => Date.UTC(2026, month, dayOfMonth, 23, 59, 59, 999);

const ROWS: readonly AttemptRow[] = [
	attemptRow({ requestId: "req_1", keyId: KEY_A, team: "shop" }, { atMs: day(1), closing: {} }),
	attemptRow(
		{ requestId: "req_2", keyId: KEY_A, team: "shop", model: "gpt-4o" },
		{
			atMs: day(2),
			closing: {
				costNano: 2_000_000_001,
				usage: { ...NO_USAGE, input: 10, cacheRead: 5, cacheWrite: 1, output: 7, reasoning: 3 },
			},
		},
	),
	attemptRow(
		{ requestId: "req_3", keyId: KEY_B, team: undefined, priceVersion: undefined },
		{ atMs: day(2), closing: { outcome: "upstream_failed", costNano: 0, usage: NO_USAGE } },
	),
	attemptRow(
		{ requestId: "req_3", attempt: 1, keyId: KEY_B, team: undefined, priceVersion: undefined },
		{ atMs: day(2), closing: { costNano: 0 } },
	),
	attemptRow({ requestId: "req_4", keyId: KEY_B, team: "=cmd()|'x'!A1" }, { atMs: day(31, 9), closing: {} }),
];

async function get(path: string, { rows = ROWS, accept = "*/*" } = {}) {
	await using gateway = await createAdmin({ rows });
	// Awaited here: the store closes when this function returns.
	return await gateway.call("GET", path, undefined, { accept });
}

const MINI = {
	requests: 1,
	errors: 0,
	prompt_tokens: 60,
	cached_tokens: 0,
	completion_tokens: 150,
	reasoning_tokens: 0,
	cost_usd: "0.000099",
	unpriced_requests: 0,
	web_searches: 0,
};

describe("spend", () => {
	test("without parameters is this month in total, by key, team and model, the dearest first", async () => {
		const { status, json } = await get("/admin/spend");
		expect(status).toBe(200);
		expectDocumented("SpendReport", json);
		expect(json).toEqual({
			object: "spend",
			from: "2026-11-01T00:00:00.000Z",
			to: "2026-12-01T00:00:00.000Z",
			total: {
				requests: 3,
				errors: 1,
				prompt_tokens: 136,
				cached_tokens: 5,
				completion_tokens: 310,
				reasoning_tokens: 3,
				cost_usd: "2.000099001",
				unpriced_requests: 1,
				web_searches: 0,
			},
			by_key: [
				expect.objectContaining({ key: KEY_A, requests: 2, cost_usd: "2.000099001" }),
				expect.objectContaining({ key: KEY_B, requests: 1, errors: 1, unpriced_requests: 1, cost_usd: "0.000000" }),
			],
			by_team: [
				expect.objectContaining({ team: "shop", requests: 2 }),
				expect.objectContaining({ team: null, requests: 1 }),
			],
			by_model: [
				expect.objectContaining({ model: "gpt-4o", prompt_tokens: 16, completion_tokens: 10 }),
				expect.objectContaining({ model: "gpt-4o-mini", requests: 2 }),
			],
		});
	});

	test("by several dimensions, days in order", async () => {
		const { json } = await get("/admin/spend?group_by=key,day");
		expectDocumented("GroupedSpendReport", json);
		expect(json.group_by).toEqual(["key", "day"]);
		expect(json.data).toEqual([
			{ key: KEY_A, day: "2026-11-01", ...MINI },
			expect.objectContaining({ key: KEY_A, day: "2026-11-02", cost_usd: "2.000000001" }),
			expect.objectContaining({ key: KEY_B, day: "2026-11-02", requests: 1 }),
		]);
	});

	test.each([
		["from=2026-11-02", 2, "2026-11-02T00:00:00.000Z", "2026-12-01T00:00:00.000Z"],
		["to=2026-11-01", 1, "2026-11-01T00:00:00.000Z", "2026-11-02T00:00:00.000Z"],
		["to=2026-10-31", 1, "2026-10-01T00:00:00.000Z", "2026-11-01T00:00:00.000Z"],
		["from=2026-10-31&to=2026-10-31", 1, "2026-10-31T00:00:00.000Z", "2026-11-01T00:00:00.000Z"],
		[
			"from=2026-11-02T00:59:59.999%2B01:00&to=2026-11-02T00:00:00Z",
			1,
			"2026-11-01T23:59:59.999Z",
			"2026-11-02T00:00:00.000Z",
		],
		["from=2026-11-01&to=2026-11-01T23:59:59.999Z", 0, "2026-11-01T00:00:00.000Z", "2026-11-01T23:59:59.999Z"],
		["from=2024-02-29&to=2024-02-29", 0, "2024-02-29T00:00:00.000Z", "2024-03-01T00:00:00.000Z"],
	])("%s covers the days it names", async (query, requests, from, to) => {
		const { json } = await get(`/admin/spend?${query}`);
		expect(json).toMatchObject({ from, to, total: { requests } });
	});

	test("of nothing is zero", async () => {
		const { json } = await get("/admin/spend", { rows: [] });
		expect(json).toMatchObject({ total: { requests: 0, cost_usd: "0.000000" }, by_key: [], by_team: [] });
	});

	test.each([
		["from=2026-11-02&to=2026-11-01", "from"],
		["from=2026-11-02T00:00:00Z&to=2026-11-02T00:00:00Z", "from"],
		["from=0001-01-01&to=9999-12-31", "to"],
		["from=2016-11-01&to=2026-11-01T00:00:00.001Z", "to"],
		["to=%2B1000000-01-01", "to"],
		["from=2023-02-29", "from"],
		["from=2026-13-01", "from"],
		["from=yesterday", "from"],
		["from=1700000000", "from"],
		["from=2026-11-01T24:00:01Z", "from"],
		["from=2026-11-01T10:00:00", "from"],
		["from=", "from"],
		["group_by=;drop", "group_by"],
		["group_by=", "group_by"],
		["group_by=key,", "group_by"],
		["group_by=key,key", "group_by"],
		["group_by=constructor", "group_by"],
		[`group_by=${"key,".repeat(500)}`, "group_by"],
		["groupby=key", "groupby"],
	])("%s is refused, naming the parameter", async (query, param) => {
		expect(refusalOf(await get(`/admin/spend?${query}`))).toEqual({
			status: 400,
			type: "invalid_request_error",
			param,
		});
	});
});

test("a parameter that does not exist is called that, not a field", async () => {
	const { json } = await get("/admin/spend?foo=1");
	expect(json.error).toMatchObject({ message: "Unknown parameter: foo.", param: "foo" });
});

describe("spend as CSV", () => {
	test("has a column a dimension and the same figures", async () => {
		const answer = await get("/admin/spend?group_by=team,model&from=2026-10-01", { accept: "text/csv" });
		expect(answer.headers.get("content-type")).toBe("text/csv; charset=utf-8");
		expect(answer.headers.get("vary")).toBe("accept");
		expect(answer.text.split("\r\n")).toEqual([
			"team,model,requests,errors,prompt_tokens,cached_tokens,completion_tokens,reasoning_tokens,cost_usd,unpriced_requests,web_searches",
			"shop,gpt-4o,1,0,16,5,10,3,2.000000001,0,0",
			"'=cmd()|'x'!A1,gpt-4o-mini,1,0,60,0,150,0,0.000099,0,0",
			"shop,gpt-4o-mini,1,0,60,0,150,0,0.000099,0,0",
			",gpt-4o-mini,1,1,60,0,150,0,0.000000,1,0",
			"",
		]);
	});

	test("has the four roll-ups when nothing is asked for", async () => {
		const { text } = await get("/admin/spend", {
			accept: "application/json;q=0.5, Text/CSV;q=0.9",
		});
		expect(text.split("\r\n").map((line) => line.split(",").slice(0, 3).join(","))).toEqual([
			"rollup,name,requests",
			"total,,3",
			`key,${KEY_A},2`,
			`key,${KEY_B},1`,
			"team,shop,2",
			"team,,1",
			"model,gpt-4o,1",
			"model,gpt-4o-mini,2",
			"",
		]);
	});

	test.each([
		["=1+1", "'=1+1"],
		["+1", "'+1"],
		["-1", "'-1"],
		["@SUM(A1)", "'@SUM(A1)"],
		['a"b,c', '"a""b,c"'],
		['=HYPERLINK("x","y")', '"\'=HYPERLINK(""x"",""y"")"'],
	])("a team named %s is a text and not a formula", async (team, cell) => {
		const rows = [attemptRow({ team }, { closing: {} })];
		const { text } = await get("/admin/spend?group_by=team", { rows, accept: "text/csv" });
		expect(text.split("\r\n")[1]).toBe(`${cell},1,0,60,0,150,0,0.000099,0,0`);
	});

	test.each([
		"text/html, */*",
		"text/csv;q=0",
		"text/csv; Q=0.000",
		"application/json, text/csv;q=0.1",
		"text/csv;q=0.5, application/*;q=0.6",
		"*/*, text/csv;q=0.1",
		"text/csv;q=much",
	])("is not given to who accepts %s", async (accept) => {
		const { headers } = await get("/admin/spend", { accept });
		expect(headers.get("content-type")).toStartWith("application/json");
	});

	test.each([
		"text/csv, */*",
		"text/csv;q=0.1",
		"text/csv;header=present;q=0.2, */*;q=0.1",
		"application/json;q=0, text/csv;q=0.1, */*",
	])("is given to who accepts %s", async (accept) => {
		const { headers } = await get("/admin/spend", { accept });
		expect(headers.get("content-type")).toBe("text/csv; charset=utf-8");
	});
});

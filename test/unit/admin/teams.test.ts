import { describe, expect, test } from "bun:test";
import type { TeamBudget } from "../../../src/config/types.ts";
import { createAdmin, expectDocumented, refusalOf } from "./harness.ts";

const FILE: TeamBudget = {
	rpm: 60,
	tpm: undefined,
	monthlyBudgetNano: 500_000_000_000,
	maxParallelRequests: undefined,
};
const withFile = { snapshot: { teamBudgets: new Map([["research", FILE]]) } };

describe("GET /admin/teams/{team}", () => {
	test("shows the file's limits and who set them", async () => {
		await using gateway = await createAdmin(withFile);
		const { status, json } = await gateway.call("GET", "/admin/teams/research");
		expect(status).toBe(200);
		expectDocumented("Team", json);
		expect(json).toEqual({
			team: "research",
			rpm: 60,
			tpm: null,
			monthly_budget_usd: 500,
			max_parallel_requests: null,
			sources: { rpm: "config", tpm: null, monthly_budget_usd: "config", max_parallel_requests: null },
			usage: {
				rpm_used: 0,
				tpm_used: 0,
				parallel_in_use: 0,
				spent_usd: "0.000000",
				reserved_usd: "0.000000",
				remaining_usd: "500.000000",
				resets_at: "2026-12-01T00:00:00.000Z",
			},
		});
	});

	test("a team that only keys bear is there, without limits", async () => {
		await using gateway = await createAdmin();
		await gateway.call("POST", "/admin/keys", { team: "shop" });
		const { status, json } = await gateway.call("GET", "/admin/teams/shop");
		expect({ status, json }).toMatchObject({
			status: 200,
			json: { team: "shop", rpm: null, monthly_budget_usd: null, usage: { remaining_usd: null } },
		});
	});

	test("a team whose last key moved away is there while it has spent something this month", async () => {
		await using gateway = await createAdmin();
		const outcome = gateway.budgets.reserve({ budgets: [], counted: ["team:gone"], amountNano: 5 });
		expect("hold" in outcome).toBe(true);
		const { status, json } = await gateway.call("GET", "/admin/teams/gone");
		expect({ status, json }).toMatchObject({ status: 200, json: { usage: { reserved_usd: "0.000000005" } } });
	});

	test.each(["nobody", "%20", "a%2Fb", "x".repeat(200), "%00", "__proto__"])("%p is not found", async (team) => {
		await using gateway = await createAdmin(withFile);
		const { status, json } = await gateway.call("GET", `/admin/teams/${team}`);
		expect({ status, json }).toMatchObject({ status: 404, json: { error: { code: "team_not_found" } } });
	});

	test("a team of revoked keys alone is not found", async () => {
		await using gateway = await createAdmin();
		const { json } = await gateway.call("POST", "/admin/keys", { team: "shop" });
		await gateway.call("DELETE", `/admin/keys/${json.id}`);
		expect((await gateway.call("GET", "/admin/teams/shop")).status).toBe(404);
	});
});

describe("PUT /admin/teams/{team}", () => {
	test("sets limits, answers what is in force, and GET says the same", async () => {
		await using gateway = await createAdmin();
		const body = { rpm: 120, tpm: 100_000_000_000, monthly_budget_usd: "25.500000001", max_parallel_requests: 8 };
		const { status, json } = await gateway.call("PUT", "/admin/teams/shop", body);
		expect(status).toBe(200);
		expectDocumented("Team", json);
		expect(json).toMatchObject({
			...body,
			monthly_budget_usd: 25.500000001,
			sources: { rpm: "api", tpm: "api", monthly_budget_usd: "api", max_parallel_requests: "api" },
			usage: { remaining_usd: "25.500000001" },
		});
		expect((await gateway.call("GET", "/admin/teams/shop")).json).toEqual(json);
	});

	test("wins over the file; null lifts its limit; what is left out is the file's again", async () => {
		await using gateway = await createAdmin(withFile);
		const path = "/admin/teams/research";
		expect((await gateway.call("PUT", path, { rpm: 5, monthly_budget_usd: null })).json).toMatchObject({
			rpm: 5,
			monthly_budget_usd: null,
			sources: { rpm: "api", monthly_budget_usd: "api" },
		});
		expect((await gateway.call("PUT", path, { tpm: 9 })).json).toMatchObject({
			rpm: 60,
			tpm: 9,
			monthly_budget_usd: 500,
			sources: { rpm: "config", tpm: "api", monthly_budget_usd: "config" },
		});
		expect((await gateway.call("PUT", path, {})).json).toMatchObject({ rpm: 60, tpm: null, sources: { tpm: null } });
	});

	test("a team nobody bears yet may be given limits, and is gone when they are", async () => {
		await using gateway = await createAdmin();
		expect((await gateway.call("PUT", "/admin/teams/new", { rpm: 1 })).status).toBe(200);
		expect((await gateway.call("GET", "/admin/teams/new")).status).toBe(200);
		expect((await gateway.call("PUT", "/admin/teams/new", {})).json).toMatchObject({ team: "new", rpm: null });
		expect((await gateway.call("GET", "/admin/teams/new")).status).toBe(404);
	});

	test.each(["a b", "a/b", "équipe ☃", "100%", "?#", "<script>"])("the name %p can be said in a path", async (team) => {
		await using gateway = await createAdmin();
		const path = `/admin/teams/${encodeURIComponent(team)}`;
		const put = await gateway.call("PUT", path, { rpm: 3 });
		expect({ status: put.status, json: put.json }).toMatchObject({ status: 200, json: { team, rpm: 3 } });
		expect(gateway.teams.limitsOf(team).rpm).toBe(3);
		expect((await gateway.call("GET", path)).json).toMatchObject({ team, rpm: 3 });
	});

	const REFUSED: readonly [what: string, body: unknown, param: string | null][] = [
		["an unknown field", { rpm: 1, color: "red" }, "color"],
		["the name", { team: "x" }, "team"],
		["a read-only field", { usage: {} }, "usage"],
		["a negative limit", { rpm: -1 }, "rpm"],
		["a limit of zero", { tpm: 0 }, "tpm"],
		["half a request", { rpm: 1.5 }, "rpm"],
		["a limit as text", { rpm: "5" }, "rpm"],
		["more than a bucket can count", { tpm: 100_000_000_001 }, "tpm"],
		["slots below one", { max_parallel_requests: 0 }, "max_parallel_requests"],
		["a negative budget", { monthly_budget_usd: -0.01 }, "monthly_budget_usd"],
		["a budget of words", { monthly_budget_usd: "ten" }, "monthly_budget_usd"],
		["a budget beyond exact numbers", { monthly_budget_usd: 9_000_001 }, "monthly_budget_usd"],
		["a list", [], null],
		["no JSON", "{", null],
	];
	test.each(REFUSED)("%s is refused and changes nothing", async (_what, body, param) => {
		await using gateway = await createAdmin();
		await gateway.call("PUT", "/admin/teams/shop", { rpm: 7 });
		const answer = await gateway.call("PUT", "/admin/teams/shop", body);
		expect(refusalOf(answer)).toEqual({ status: 400, type: "invalid_request_error", param });
		expect(gateway.teams.limitsOf("shop").rpm).toBe(7);
	});

	test.each(["%00", "x".repeat(129), "a%0Ab"])("a name that no key can bear (%p) is refused", async (team) => {
		await using gateway = await createAdmin();
		const answer = await gateway.call("PUT", `/admin/teams/${team}`, { rpm: 1 });
		expect(refusalOf(answer)).toEqual({ status: 400, type: "invalid_request_error", param: "team" });
	});

	test.each(["POST", "PATCH", "DELETE"])("%s is not a method of teams", async (method) => {
		await using gateway = await createAdmin();
		const answer = await gateway.call(method, "/admin/teams/shop");
		expect({ status: answer.status, allow: answer.headers.get("allow") }).toEqual({ status: 405, allow: "GET, PUT" });
	});
});

import { describe, expect, test } from "bun:test";
import type { Snapshot, TeamBudget } from "../../../src/config/types.ts";
import { createTeamDirectory } from "../../../src/limits/team-directory.ts";
import type { TeamOverrides } from "../../../src/limits/team-types.ts";
import type { TeamStore } from "../../../src/store/types.ts";
import { openStore, temporaryDirectory } from "../store/ledger-samples.ts";
import { createFakeClock } from "./fake-clock.ts";

const NONE = { rpm: undefined, tpm: undefined, monthlyBudgetNano: undefined, maxParallelRequests: undefined };

async function setup(file: Readonly<Record<string, Partial<TeamBudget>>> = {}, kept?: TeamStore) {
	const place = temporaryDirectory();
	const store = await openStore(place);
	const clock = createFakeClock();
	const running = { teamBudgets: budgets(file) };
	// The directory looks at no other part of a snapshot.
	const config = { current: () => running as unknown as Snapshot };
	const open = () => createTeamDirectory({ store: kept ?? store.teams, config, clock });
	return {
		open,
		teams: await open(),
		reload(next: Readonly<Record<string, Partial<TeamBudget>>>) {
			running.teamBudgets = budgets(next);
		},
		async [Symbol.asyncDispose]() {
			await store.close();
			place[Symbol.dispose]();
		},
	};
}

function budgets(file: Readonly<Record<string, Partial<TeamBudget>>>): Map<string, TeamBudget> {
	return new Map(Object.entries(file).map(([team, limits]) => [team, { ...NONE, ...limits }]));
}

describe("which limit of a team is in force", () => {
	const CASES: readonly [what: string, file: Partial<TeamBudget>, set: TeamOverrides, inForce: Partial<TeamBudget>][] =
		[
			["the file's, where nothing is set", { rpm: 10, tpm: 20 }, {}, { rpm: 10, tpm: 20 }],
			["the one that was set, though the file says less", { rpm: 10 }, { rpm: 50 }, { rpm: 50 }],
			["the one that was set, though the file says more", { rpm: 10 }, { rpm: 5 }, { rpm: 5 }],
			["none, where null was set over the file's", { rpm: 10, tpm: 20 }, { rpm: null }, { tpm: 20 }],
			[
				"each limit by itself",
				{ rpm: 10, monthlyBudgetNano: 7 },
				{ tpm: 3 },
				{ rpm: 10, tpm: 3, monthlyBudgetNano: 7 },
			],
			[
				"a budget of zero, which is not the same as none",
				{ monthlyBudgetNano: 7 },
				{ monthlyBudgetNano: 0 },
				{ monthlyBudgetNano: 0 },
			],
			["slots too", {}, { maxParallelRequests: 2 }, { maxParallelRequests: 2 }],
		];
	test.each(CASES)("%s", async (_what, file, set, inForce) => {
		await using rig = await setup({ blue: file });
		await rig.teams.set("blue", set);
		expect(rig.teams.limitsOf("blue")).toEqual({ ...NONE, ...inForce });
		// And again after a restart.
		expect((await rig.open()).limitsOf("blue")).toEqual({ ...NONE, ...inForce });
		expect(rig.teams.limitsOf("red")).toEqual(NONE);
	});

	test("setting replaces all that was set before", async () => {
		await using rig = await setup({ blue: { rpm: 10 } });
		await rig.teams.set("blue", { rpm: 1, tpm: 2 });
		await rig.teams.set("blue", { monthlyBudgetNano: 3 });
		expect(rig.teams.limitsOf("blue")).toEqual({ ...NONE, rpm: 10, monthlyBudgetNano: 3 });
		await rig.teams.set("blue", {});
		expect(rig.teams.limitsOf("blue")).toEqual({ ...NONE, rpm: 10 });
		expect(rig.teams.overridesOf("blue")).toBeUndefined();
	});

	test("a new file counts at once, where nothing was set over it", async () => {
		await using rig = await setup({ blue: { rpm: 10, tpm: 20 } });
		await rig.teams.set("blue", { tpm: 5 });
		rig.reload({ blue: { rpm: 11, tpm: 21 } });
		expect(rig.teams.limitsOf("blue")).toEqual({ ...NONE, rpm: 11, tpm: 5 });
		rig.reload({});
		expect(rig.teams.limitsOf("blue")).toEqual({ ...NONE, tpm: 5 });
	});

	test.each(["__proto__", "constructor", "toString"])("a team called %s is a team like any other", async (team) => {
		await using rig = await setup();
		expect(rig.teams.limitsOf(team)).toEqual(NONE);
		await rig.teams.set(team, { rpm: 4 });
		expect((await rig.open()).limitsOf(team)).toEqual({ ...NONE, rpm: 4 });
	});
});

describe("a database that refuses", () => {
	test("leaves the limits as they were, says 503, and does not stop the next change", async () => {
		let refusing = true;
		const kept: TeamStore = {
			all: () => Promise.resolve(new Map([["blue", { rpm: 1 }]])),
			set: () => (refusing ? Promise.reject(new Error("SQLITE_FULL")) : Promise.resolve()),
		};
		await using rig = await setup({}, kept);
		const refused = rig.teams.set("blue", { rpm: 9 });
		await expect(refused).rejects.toMatchObject({ status: 503, kind: "ledger_unavailable" });
		expect(rig.teams.limitsOf("blue").rpm).toBe(1);
		refusing = false;
		await rig.teams.set("blue", { rpm: 9 });
		expect(rig.teams.limitsOf("blue").rpm).toBe(9);
	});

	test("changes at the same time end as the database has them", async () => {
		const written: TeamOverrides[] = [];
		const kept: TeamStore = {
			all: () => Promise.resolve(new Map()),
			async set(_team, overrides) {
				// The first is slower than the second.
				await Promise.all(written.length === 0 ? [Bun.sleep(5)] : []);
				written.push(overrides);
			},
		};
		await using rig = await setup({}, kept);
		await Promise.all([rig.teams.set("blue", { rpm: 1 }), rig.teams.set("blue", { rpm: 2 })]);
		expect(written).toEqual([{ rpm: 1 }, { rpm: 2 }]);
		expect(rig.teams.limitsOf("blue").rpm).toBe(2);
	});
});

import type { Timers } from "../../src/instances/timers.ts";
import type { BudgetAuthority, BudgetClaim, BudgetLease, BudgetShare } from "../../src/limits/authority-types.ts";
import type { Month } from "../../src/limits/month.ts";

/** What becomes of one call. */
export interface CallFate {
	/** Until it is carried out; 0 = at once. */
	readonly arrivesAfterMs: number;
	/** From then until its answer is there. */
	readonly answersAfterMs: number;
	/** `lost`: never carried out, never answered. `dropped`: carried out, never answered. `rejected_after`: carried out, and rejected. */
	readonly how: "answered" | "lost" | "dropped" | "rejected" | "rejected_after";
}

export const PROMPT: CallFate = { arrivesAfterMs: 0, answersAfterMs: 0, how: "answered" };

export interface FakeAuthorityDeps {
	readonly timers: Pick<Timers, "after">;
	/** Asked for each call; PROMPT without it. */
	readonly fate?: (claims: readonly BudgetClaim[]) => CallFate;
	readonly standing?: () => Promise<{ readonly spentNano: number; readonly reservedNano: number }>;
}

interface Account {
	entitled: number;
	spent: number;
	sequence: number;
}

/** The shared database in memory: exact, with the calls of all instances, and with a fate for each. */
export interface FakeAuthority {
	/** The authority as an instance sees it. */
	of(instance: string): BudgetAuthority;
	/** What the statement that settles adds. */
	spend(instance: string, subject: string, month: Month, nano: number): void;
	/** Taken for dead: what it spent counts, what it held is free. It is granted nothing until it lives again. */
	reap(instance: string): void;
	revive(instance: string): void;
	/** Limit less everything held or spent. */
	free(subject: string, month: Month, limitNano: number): number;
	spent(subject: string, month: Month): number;
	/** Limits that were passed: empty, or the authority itself is wrong. */
	readonly violations: readonly string[];
	/** Held or spent by all instances. */
	taken(subject: string, month: Month): number;
	/** All calls, in the order in which they were made. */
	readonly calls: readonly { readonly instance: string; readonly claims: readonly BudgetClaim[] }[];
}

/** An instance holds no more ahead of need than this share of what is free, divided by the instances. */
const AHEAD_SHARE = 10;

export function createFakeAuthority({ timers, fate = () => PROMPT, standing }: FakeAuthorityDeps): FakeAuthority {
	const accounts = new Map<string, Map<string, Account>>();
	const instances = new Set<string>();
	const dead = new Set<string>();
	const violations: string[] = [];
	const calls: { instance: string; claims: readonly BudgetClaim[] }[] = [];

	const rowsOf = (subject: string, month: Month): Map<string, Account> => {
		const key = `${subject} ${month}`;
		const rows = accounts.get(key) ?? new Map<string, Account>();
		accounts.set(key, rows);
		return rows;
	};
	const rowOf = (instance: string, subject: string, month: Month): Account => {
		const rows = rowsOf(subject, month);
		const row = rows.get(instance) ?? { entitled: 0, spent: 0, sequence: 0 };
		rows.set(instance, row);
		return row;
	};
	const taken = (subject: string, month: Month): number =>
		[...rowsOf(subject, month).values()].reduce((sum, row) => sum + Math.max(row.entitled, row.spent), 0);
	const spentOf = (subject: string, month: Month): number =>
		[...rowsOf(subject, month).values()].reduce((sum, row) => sum + row.spent, 0);
	const free = (subject: string, month: Month, limitNano: number) => Math.max(0, limitNano - taken(subject, month));

	function check({ subject, month, limitNano }: BudgetClaim, takenBefore: number): void {
		const now = taken(subject, month);
		if (now > limitNano && now > takenBefore) {
			violations.push(`${subject} has granted ${now} of ${limitNano}`);
		}
	}

	function carryOut(instance: string, claims: readonly BudgetClaim[], sequence: number): BudgetLease {
		if (dead.has(instance)) {
			throw new Error(`${instance} was taken for dead`);
		}
		const rows = claims.map(({ subject, month }) => rowOf(instance, subject, month));
		if (rows.some((row) => row.sequence >= sequence)) {
			throw new Error("a later call was here before");
		}
		const before = claims.map(({ subject, month }) => taken(subject, month));
		const wanted = rows.map((row, index) => {
			const { entitledNano = 0, needNano = 0 } = claims[index] ?? {};
			row.sequence = sequence;
			row.entitled = Math.min(row.entitled, entitledNano);
			return row.entitled + needNano;
		});
		const granted = claims.every(({ subject, month, limitNano, needNano }, index) => {
			const row = rowOf(instance, subject, month);
			const others = taken(subject, month) - Math.max(row.entitled, row.spent);
			return needNano === 0 || others + Math.max(wanted[index] ?? 0, row.spent) <= limitNano;
		});
		const shares = claims.map((claim, index): BudgetShare => {
			const { subject, month, limitNano, aheadNano } = claim;
			const row = rowOf(instance, subject, month);
			if (granted) {
				row.entitled = wanted[index] ?? 0;
				const share = Math.floor(free(subject, month, limitNano) / (AHEAD_SHARE * instances.size));
				row.entitled += Math.min(aheadNano, share);
			}
			check(claim, before[index] ?? 0);
			return {
				subject,
				month,
				entitledNano: row.entitled,
				freeNano: free(subject, month, limitNano),
				spentNano: spentOf(subject, month),
			};
		});
		return { granted, shares };
	}

	function lease(instance: string, claims: readonly BudgetClaim[], sequence: number): Promise<BudgetLease> {
		calls.push({ instance, claims });
		if (process.env.DBG && calls.length > Number(process.env.DBG)) {
			console.log(instance, sequence, JSON.stringify(claims));
			if (calls.length > Number(process.env.DBG) + 12) process.exit(3);
		}
		const { arrivesAfterMs, answersAfterMs, how } = fate(claims);
		const later = (afterMs: number, task: () => void) => (afterMs === 0 ? task() : void timers.after(afterMs, task));
		return new Promise((resolve, reject) => {
			const arrive = () => {
				if (how === "lost") {
					return;
				}
				if (how === "rejected") {
					reject(new Error("the database does not answer"));
					return;
				}
				let lease: BudgetLease | undefined;
				let problem = new Error("the connection was lost");
				try {
					lease = carryOut(instance, claims, sequence);
				} catch (error) {
					problem = error instanceof Error ? error : problem;
				}
				later(answersAfterMs, () => {
					if (how === "rejected_after" || lease === undefined) {
						reject(problem);
					} else if (how === "answered") {
						resolve(lease);
					}
				});
			};
			later(arrivesAfterMs, arrive);
		});
	}

	return {
		of(instance) {
			instances.add(instance);
			return {
				lease: (claims, sequence) => lease(instance, claims, sequence),
				standing: async (subject, month) =>
					standing === undefined ? { spentNano: spentOf(subject, month), reservedNano: 0 } : await standing(),
			};
		},
		spend(instance, subject, month, nano) {
			rowOf(instance, subject, month).spent += nano;
		},
		reap(instance) {
			dead.add(instance);
			for (const rows of accounts.values()) {
				const row = rows.get(instance);
				rows.delete(instance);
				if (row !== undefined && row.spent > 0) {
					const gone = rows.get("") ?? { entitled: 0, spent: 0, sequence: 0 };
					rows.set("", { ...gone, spent: gone.spent + row.spent });
				}
			}
		},
		revive: (instance) => void dead.delete(instance),
		free,
		spent: spentOf,
		taken,
		violations,
		calls,
	};
}

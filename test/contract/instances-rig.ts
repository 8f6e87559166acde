import { SQL } from "bun";
import type { Clock } from "../../src/lib/clock.ts";
import type { BudgetClaim } from "../../src/limits/authority-types.ts";
import { monthOf } from "../../src/limits/month.ts";
import type { PostgresStore, PostgresStoreOptions } from "../../src/store/postgres-store.ts";
import type { PostgresServer } from "../support/postgres.ts";
import { closing, MIDNIGHT_MS, opening, temporaryDirectory } from "../unit/store/ledger-samples.ts";
import { openPostgresStore } from "./backends.ts";

export const MONTH = monthOf(MIDNIGHT_MS);

export interface Account {
	readonly subject: string;
	readonly instance: string;
	readonly entitled: bigint;
	readonly spent: bigint;
	readonly lives: boolean;
}

/** Several instances on one database of their own, as a test needs them. */
export interface InstancesRig {
	/** One more instance. `directory`: where an earlier one has lived; undefined = a place of its own. */
	open(options?: Partial<PostgresStoreOptions>, directory?: string): Promise<PostgresStore>;
	readonly url: string;
	directory(): string;
	query(statement: string, parameters?: readonly unknown[]): Promise<readonly (readonly unknown[])[]>;
	/** What the database holds of budgets, all months. */
	accounts(): Promise<readonly Account[]>;
	remove(): Promise<void>;
}

export async function startInstances(server: PostgresServer): Promise<InstancesRig> {
	const database = await server.database();
	const client = new SQL(database.url, { max: 1, prepare: false });
	const stores: PostgresStore[] = [];
	const places: ReturnType<typeof temporaryDirectory>[] = [];

	function directory(): string {
		const place = temporaryDirectory();
		places.push(place);
		return place.directory;
	}
	const query: InstancesRig["query"] = async (statement, parameters = []) =>
		await client.unsafe(statement, parameters.map(String)).values();

	return {
		url: database.url,
		directory,
		query,
		async open(options = {}, where = directory()) {
			const store = await openPostgresStore(database.url, where, { leaseMsMax: 20_000, ...options });
			stores.push(store);
			return store;
		},
		async accounts() {
			const rows = await query(
				`select subject, instance, entitled::text, spent::text,
					instance in (select id from instances) from budget_accounts order by 1, 2`,
			);
			return rows.map(([subject, instance, entitled, spent, lives]) => ({
				subject: String(subject),
				instance: String(instance),
				entitled: BigInt(String(entitled)),
				spent: BigInt(String(spent)),
				lives: lives === true,
			}));
		},
		async remove() {
			await Promise.all(stores.map((store) => store.close()));
			await client.close();
			await database.drop();
			for (const place of places) {
				place[Symbol.dispose]();
			}
		},
	};
}

/** What is not free of a budget: written once more, so that a test does not ask the code that it looks at. */
export function taken(accounts: readonly Account[], subject: string): bigint {
	return accounts
		.filter((account) => account.subject === subject)
		.map(({ entitled, spent, lives }) => (lives && entitled > spent ? entitled : spent))
		.reduce((sum, nano) => sum + nano, 0n);
}

export function claim(subject: string, facts: Partial<BudgetClaim> = {}): BudgetClaim {
	return { subject, month: MONTH, limitNano: 1_000, entitledNano: 0, needNano: 0, aheadNano: 0, ...facts };
}

/** Opens and settles an attempt of a key without a team. */
export async function spend(store: PostgresStore, keyId: string, costNano: number): Promise<void> {
	await store.writer.settled(opening({ keyId, team: undefined }), MIDNIGHT_MS, closing({ costNano }), MIDNIGHT_MS);
}

/** A clock whose `monotonic` goes on when it is told to. */
export function steppedClock(): Clock & { step(milliseconds: number): void } {
	let nowMs = 0;
	return {
		now: () => Date.now(),
		monotonic: () => nowMs,
		step(milliseconds) {
			nowMs += milliseconds;
		},
	};
}

/** Lets instances beat for so long that they may say of others that these are silent. */
export async function listen(
	clock: ReturnType<typeof steppedClock>,
	...stores: readonly PostgresStore[]
): Promise<void> {
	for (let second = 0; second <= 60; second += 5) {
		for (const { shared } of stores) {
			await shared.membership.beat();
		}
		clock.step(5_000);
	}
}

import { expect, test } from "bun:test";
import { drizzle } from "drizzle-orm/bun-sqlite";
import fc from "fast-check";
import { createAttemptReader } from "../../../src/store/attempt-reader.ts";
import type { SettleWrite } from "../../../src/store/attempt-rows.ts";
import type { Db } from "../../../src/store/db.ts";
import { keyDays } from "../../../src/store/spend-slices.ts";
import { SPEND_DIMENSIONS, type SpendDimension } from "../../../src/store/types.ts";
import { closing, DAY_MS, MIDNIGHT_MS, opening, openLog, temporaryDirectory } from "./ledger-samples.ts";

const HOUR_MS = 3_600_000;
const DAYS = 4;

const instant = fc.integer({ min: 0, max: DAYS * 24 }).map((hour) => MIDNIGHT_MS + hour * HOUR_MS);

const attempt = fc.record({
	hoursLater: fc.integer({ min: 0, max: 12 }),
	provider: fc.constantFrom("openai", "groq"),
	model: fc.constantFrom("large", "small"),
	isPriced: fc.boolean(),
	isSettled: fc.boolean(),
	outcome: fc.constantFrom("ok" as const, "upstream_failed" as const, "client_gone" as const),
	costNano: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
	tokens: fc.integer({ min: 0, max: 1_000_000 }),
});

const request = fc.record({
	atMs: instant,
	keyId: fc.constantFrom("vk_A", "vk_B"),
	team: fc.constantFrom("blue", undefined),
	attempts: fc.array(attempt, { minLength: 1, maxLength: 4 }),
});

type Request = typeof request extends fc.Arbitrary<infer Value> ? Value : never;

/** The rows of a request, in the order in which they are written. */
function writesOf({ atMs, keyId, team, attempts }: Request): (SettleWrite & { isSettled: boolean })[] {
	const { requestId } = opening();
	let openedAtMs = atMs;
	return attempts.map((facts, index) => {
		openedAtMs += facts.hoursLater * HOUR_MS;
		const priceVersion = facts.isPriced ? "test@1" : undefined;
		const { provider, model, outcome, costNano } = facts;
		const usage = { ...closing().usage, input: facts.tokens };
		return {
			opening: opening({ requestId, attempt: index, keyId, team, provider, model, priceVersion }),
			openedAtMs,
			closing: closing({ outcome, costNano, usage }),
			settledAtMs: openedAtMs + 1,
			isSettled: facts.isSettled,
		};
	});
}

function groupOf({ opening, openedAtMs }: SettleWrite, groupBy: readonly SpendDimension[]) {
	const all = {
		key: opening.keyId,
		team: opening.team,
		model: opening.model,
		provider: opening.provider,
		day: new Date(openedAtMs).toISOString().slice(0, 10),
	};
	return Object.fromEntries(groupBy.map((dimension) => [dimension, all[dimension]]));
}

/** What the report must say, the plain way: one row after the other, looking at all earlier attempts. */
function expected(
	writes: readonly (SettleWrite & { isSettled: boolean })[],
	{ fromMs, toMs, groupBy }: { fromMs: number; toMs: number; groupBy: readonly SpendDimension[] },
) {
	const rows = new Map<string, { requests: number; errors: number; unpriced: number; input: number; cost: bigint }>();
	const withoutDay = groupBy.filter((dimension) => dimension !== "day");
	for (const write of writes) {
		if (!write.isSettled || write.openedAtMs < fromMs || write.openedAtMs >= toMs) {
			continue;
		}
		const key = JSON.stringify(groupOf(write, groupBy));
		const row = rows.get(key) ?? { requests: 0, errors: 0, unpriced: 0, input: 0, cost: 0n };
		const earlier = writes.filter(
			(other) =>
				other.opening.requestId === write.opening.requestId &&
				other.opening.attempt < write.opening.attempt &&
				Bun.deepEquals(groupOf(other, withoutDay), groupOf(write, withoutDay)),
		);
		const isUnpriced = write.opening.priceVersion === undefined;
		row.requests += earlier.length === 0 ? 1 : 0;
		row.unpriced += isUnpriced && !earlier.some((other) => other.opening.priceVersion === undefined) ? 1 : 0;
		row.errors += write.closing.outcome === "upstream_failed" ? 1 : 0;
		row.input += write.closing.usage.input;
		row.cost += BigInt(write.closing.costNano);
		rows.set(key, row);
	}
	return rows;
}

test("a report equals the sum of its rows, for every period and grouping, in slices of any size", async () => {
	await fc.assert(
		fc.asyncProperty(
			fc.array(request, { maxLength: 12 }),
			fc.subarray([...SPEND_DIMENSIONS]),
			instant,
			instant,
			fc.integer({ min: 1, max: 5 }),
			async (requests, groupBy, oneMs, otherMs, sliceRowsMax) => {
				using place = temporaryDirectory();
				const ledger = openLog(place);
				const writes = requests.flatMap(writesOf);
				for (const write of writes) {
					ledger.log.write([write], write.isSettled ? [write] : []);
				}
				const reader = createAttemptReader({ ...ledger, turn: () => Promise.resolve(), sliceRowsMax });
				const period = { fromMs: Math.min(oneMs, otherMs), toMs: Math.max(oneMs, otherMs) + 1, groupBy };
				const rows = (await reader.spend(period)).map(
					(row) =>
						[
							JSON.stringify(Object.fromEntries(groupBy.map((dimension) => [dimension, row.group[dimension]]))),
							{
								requests: row.requests,
								errors: row.errors,
								unpriced: row.unpricedRequests,
								input: row.usage.input,
								cost: row.costNano,
							},
						] as const,
				);
				ledger.close();
				expect(new Map<unknown, unknown>(rows)).toEqual(expected(writes, period));
			},
		),
		{ numRuns: 60 },
	);
});

test("a long report lets other work go on between its slices", async () => {
	using place = temporaryDirectory();
	const ledger = openLog(place);
	for (let index = 0; index < 40; index += 1) {
		const write = {
			opening: opening({ keyId: `vk_${index}` }),
			openedAtMs: MIDNIGHT_MS,
			closing: closing(),
			settledAtMs: 1,
		};
		ledger.log.write([], [write]);
	}
	let turns = 0;
	const turn = () => {
		turns += 1;
		return Promise.resolve();
	};
	const reader = createAttemptReader({ ...ledger, turn, sliceRowsMax: 10 });
	expect(await reader.spend({ fromMs: MIDNIGHT_MS, toMs: MIDNIGHT_MS + DAY_MS, groupBy: ["key"] })).toHaveLength(40);
	expect(turns).toBeGreaterThanOrEqual(4);
	ledger.close();
});

test("one key's month is found by the primary key: what other keys have spent is not read", async () => {
	using place = temporaryDirectory();
	const { client, tables, close } = openLog(place);
	const asked: { sql: string; params: unknown[] }[] = [];
	const db = drizzle(client, { logger: { logQuery: (sql, params) => asked.push({ sql, params }) } });
	const query = { keyId: "vk_A", fromDay: 20_000, endDay: 20_031 };
	for (const groupBy of [[], ["model"], ["day"]] as const) {
		await keyDays({ db: db as unknown as Db, tables, sliceRowsMax: 1 }, { ...query, groupBy });
	}
	const plans = asked.map(({ sql, params }) =>
		// Texts and numbers, as SQLite takes them.
		JSON.stringify(client.query(`explain query plan ${sql}`).all(...(params as (string | number)[]))),
	);
	close();
	expect(plans).toHaveLength(3);
	for (const plan of plans) {
		expect(plan).toContain("(day=? AND key_id=?)");
		expect(plan).not.toContain("SCAN spend_days");
	}
});

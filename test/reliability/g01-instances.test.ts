/**
 * G1, three instances. Goal: whatever happens to gateways, PostgreSQL and Redis, no call is lost and none is booked twice.
 *
 * Measure: some minutes (short form: seconds) of load over three instances, streams and others, with failing providers,
 * clients that hang up, keys and a team on budgets; meanwhile by a seed, all at once: gateways are killed with -9 and
 * started again on their data directory (long form: or followed by one on an empty directory), stopped cleanly; PostgreSQL
 * is killed with -9, or stands still for up to 6 s; Redis is killed, or stands still. Once all is back and settled:
 * - of every answer whose last byte reached its client, what the gateway told = its rows in PostgreSQL = the provider's
 *   ledger, in whole nano-dollars;
 * - every other call that the provider got has exactly one row, provider's cost <= row <= reservation. The exception: the
 *   row travels to PostgreSQL while the call travels to the provider, so that of a gateway killed in that moment there
 *   may be a call without one, which no client has had an answer of;
 * - the daily sums = the rows, no budget is exceeded, `gateway-llm reconcile --upstream` finds no difference, and every
 *   instance tells the same spend, which is the provider's.
 */
import { afterAll, describe, expect, test } from "bun:test";
import type { GatewayProcess } from "../support/process.ts";
import { until } from "../support/wait.ts";
import type { Sighting } from "./audit.ts";
import { addUp, type Books } from "./books.ts";
import { readPostgresBooks } from "./books-postgres.ts";
import type { Mood } from "./call-plan.ts";
import { exchange, nanoIn, outcomeOf } from "./exchange.ts";
import { createFleet, type Fleet } from "./fleet.ts";
import { auditInstances } from "./instances-audit.ts";
import { startLoad } from "./load.ts";
import { type Nemesis, startNemesis } from "./nemesis.ts";
import type { Random } from "./random.ts";
import { reconcileBooks } from "./reconcile.ts";
import { mintKey, RATES, type RigKey, stopCleanly } from "./rig.ts";
import { deadlineMs, IS_LONG, report, scaled } from "./scale.ts";

const RUN_MS = scaled(6_000, 180_000);
const CLIENTS = scaled(16, 24);
const CALM_REQUESTS = scaled(24, 150);
/** Those who died for good are taken for dead after a minute, and settled with the next round after it. */
const SETTLED_WITHIN_MS = scaled(20_000, 150_000);
/** Worth some dozens of requests; a new key of that kind comes again and again. */
const SMALL_BUDGET = 20_000_000n;
const LARGE_BUDGET = 500_000_000_000n;
const TEAM = "shop";

const MOOD: Mood = {
	fates: { answers: 80, errors: 4, refuses: 2, resets: 3, hangs_up: 2, falls_silent: 3, breaks_off: 6 },
	delayMs: [0, 30],
	streamMs: [0, 60],
	tokens: [1, 180],
	greedy: 0.1,
};
const CALM: Mood = { ...MOOD, fates: { answers: 1 } };

const created = await createFleet("G1 instances", MOOD, {
	instances: 3,
	config: { more: { team_budgets: { [TEAM]: { monthly_budget_usd: "500" } } } },
});
afterAll(() => created?.[Symbol.asyncDispose]());

describe.skipIf(created === undefined)("three instances", () => {
	// Skipped where it is undefined.
	const fleet = created as Fleet;
	test(
		"G1: gateways, PostgreSQL and Redis die and stand still under load: nothing is lost, nothing is booked twice",
		async () => {
			const { random, seed } = fleet.rig;
			const keys = await mintKeys(fleet.next());
			const load = startLoad({
				url: () => pickUrl(fleet, random),
				keys: () => keys.inUse,
				random: random.fork("load"),
				clients: CLIENTS,
				leaving: 0.12,
			});
			const nemesis = startNemesis(fleet, {
				random: random.fork("nemesis"),
				awayMax: scaled(1, 2),
				freezeMsMax: scaled(1_200, 6_000),
				replaces: IS_LONG,
				pauseMs: scaled([200, 900], [300, 2_500]),
			});
			try {
				const end = performance.now() + RUN_MS;
				while (performance.now() < end) {
					await Bun.sleep(RUN_MS / 12);
					await renewSmallKey(fleet, keys, random);
				}
			} finally {
				await nemesis.stop().finally(() => load.stop());
			}
			const calm = await spendCalmly(fleet, keys);
			const sightings = [...load.sightings, ...calm];
			const figures = await checkBooks(fleet, keys.all, sightings, nemesis);
			report("G1 instances", seed, {
				...nemesis.done,
				requests: load.sent(),
				requests_a_second: Math.round((load.sent() / load.busyMs()) * 1_000),
				...figures,
			});
		},
		deadlineMs(120_000, 9),
	);
});

interface Keys {
	all: readonly RigKey[];
	inUse: readonly RigKey[];
}

function pickUrl(fleet: Fleet, random: Random): string | undefined {
	return fleet.gateways.length === 0 ? undefined : random.pick(fleet.gateways).url;
}

/** Two keys without a budget of their own, two of a team with one, and one on a small budget, which is the last. */
async function mintKeys(gateway: GatewayProcess): Promise<Keys> {
	const all = [
		await mintKey(gateway),
		await mintKey(gateway, { budgetNano: LARGE_BUDGET }),
		await mintKey(gateway, { team: TEAM }),
		await mintKey(gateway, { team: TEAM, budgetNano: LARGE_BUDGET }),
		await mintKey(gateway, { budgetNano: SMALL_BUDGET }),
	];
	return { all, inUse: all };
}

/** Through whichever gateway there is; none may be there, or the database may be away. */
async function renewSmallKey(fleet: Fleet, keys: Keys, random: Random): Promise<void> {
	try {
		const key = await mintKey(random.pick(fleet.gateways), { budgetNano: SMALL_BUDGET });
		keys.all = [...keys.all, key];
		keys.inUse = [...keys.inUse.slice(0, -1), key];
	} catch {
		// The next time, then.
	}
}

/** With a key of its own, once all is back: each instance tells the provider's sum for it. */
async function spendCalmly(fleet: Fleet, keys: Keys): Promise<Sighting[]> {
	const { upstream, random } = fleet.rig;
	upstream.setMood(CALM);
	const key = await until("a new key", () => mintKey(fleet.next()).catch(() => undefined), 20_000);
	keys.all = [...keys.all, key];
	const sightings: Sighting[] = [];
	for (let sent = 0; sent < CALM_REQUESTS; sent += 1) {
		const stream = random.chance(0.5);
		const messages = [{ role: "user", content: `calm ${sent}` }];
		const body = { model: "chat", messages, max_tokens: 50, ...(stream ? { stream } : {}) };
		const answer = await exchange({ url: fleet.next().url, key: key.secret, body });
		const outcome = outcomeOf(answer, stream);
		expect({ ...outcome, text: outcome.kind === "whole" ? "" : answer.text }).toMatchObject({
			kind: "whole",
			text: "",
		});
		sightings.push({ ...outcome, requestId: outcome.requestId ?? "", stream });
	}
	const requests = new Set(sightings.map(({ requestId }) => requestId));
	const billed = upstream.ledger().filter(({ request_id }) => requests.has(request_id));
	const nano = billed.reduce((sum, call) => sum + BigInt(call.cost_nano), 0n);
	for (const gateway of fleet.gateways) {
		await until(`the spend of ${gateway.url}`, async () => (await spendByKey(gateway)).get(key.id) === nano);
	}
	return sightings;
}

async function spendByKey(gateway: GatewayProcess): Promise<ReadonlyMap<string, bigint>> {
	const answer = await gateway.admin("GET", "/spend?group_by=key");
	// The shape is the contract of the endpoint.
	const { data } = answer.json<{ readonly data: readonly { readonly key: string; readonly cost_usd: string }[] }>();
	return new Map(data.map(({ key, cost_usd: cost }) => [key, nanoIn(cost)]));
}

async function checkBooks(fleet: Fleet, keys: readonly RigKey[], sightings: readonly Sighting[], nemesis: Nemesis) {
	await fleet.rig.upstream.idle();
	const isSettled = async () => {
		const books = await readPostgresBooks(fleet.databaseUrl);
		return books.rows.every((row) => row.settled_at !== null);
	};
	await until("everything to be settled", isSettled, SETTLED_WITHIN_MS);
	await checkStandings(fleet, keys, await readPostgresBooks(fleet.databaseUrl));
	await Promise.all(fleet.gateways.map(stopCleanly));
	const books = await readPostgresBooks(fleet.databaseUrl);
	const result = auditInstances(
		{
			books,
			calls: fleet.rig.upstream.ledger(),
			sightings,
			rates: RATES,
			budgets: {
				keys: new Map(keys.flatMap(({ id, budgetNano }) => (budgetNano === undefined ? [] : [[id, budgetNano]]))),
				teams: new Map([[TEAM, 500_000_000_000n]]),
			},
		},
		nemesis.killedAtMs,
	);
	expect(result.findings).toEqual({});
	expect(result.counts.whole).toBeGreaterThan(CALM_REQUESTS * 2);
	const reconciled = await reconcileBooks(fleet.rig, fleet.rig.directory, result, result.torn);
	const { counts, unwritten, torn } = result;
	return { ...counts, lost: 0, doubled: 0, died_before_the_row: unwritten.length, torn: torn.length, ...reconciled };
}

/** What a key is said to have spent, by whichever instance is asked, is the sum of its rows. */
async function checkStandings(fleet: Fleet, keys: readonly RigKey[], { rows }: Books) {
	const sums = addUp(
		rows,
		(row) => row.key_id,
		(row) => row.cost_nano,
	);
	for (const { id } of keys) {
		const { usage } = (await fleet.next().admin("GET", `/keys/${id}`)).json<{ usage: Record<string, string> }>();
		expect({ id, spent: nanoIn(usage.spent_usd), reserved: nanoIn(usage.reserved_usd) }).toEqual({
			id,
			spent: sums.get(id) ?? 0n,
			reserved: 0n,
		});
	}
	for (const gateway of fleet.gateways) {
		const spent = await spendByKey(gateway);
		expect([...spent].filter(([id, nano]) => sums.get(id) !== nano)).toEqual([]);
	}
}

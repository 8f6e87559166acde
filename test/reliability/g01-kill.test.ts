/**
 * G1. Goal: kill -9 at any moment loses no call and books none twice.
 *
 * Measure: over 200 kills (short form: 6) of a gateway that serves at least 200 requests a second, streams and others,
 * with failing providers, clients that hang up, and keys and a team on budgets; at random moments under load, while it
 * drains and while it starts:
 * - of every answer whose last byte reached its client, what the gateway told (header, comment, `GET /v1/requests/{id}`)
 *   = its rows = the provider's own ledger, in whole nano-dollars;
 * - every other call that the provider got has exactly one row, provider's cost <= row <= reservation;
 * - the daily sums = the rows, no budget is exceeded, `gateway-llm reconcile --upstream` finds no difference, and the
 *   database is sound.
 */
import { expect, test } from "bun:test";
import type { GatewayProcess } from "../support/process.ts";
import { audit, type Sighting } from "./audit.ts";
import { addUp, readSqliteBooks } from "./books.ts";
import type { Mood } from "./call-plan.ts";
import { exchange, nanoIn } from "./exchange.ts";
import { startLoad } from "./load.ts";
import { reconcileBooks } from "./reconcile.ts";
import { createRig, killNow, mintKey, RATES, type Rig, type RigKey, startAndKill, stopCleanly } from "./rig.ts";
import { deadlineMs, report, scaled } from "./scale.ts";

const KILLS = scaled(6, 200);
const CLIENTS = 24;
const ANSWERS_LOOKED_UP = scaled(60, 2_000);
/** Worth some dozens of requests; a new key of that kind comes with every few kills. */
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

test(
	`G1: ${KILLS} kills under load: nothing is lost, nothing is booked twice`,
	async () => {
		await using rig = await createRig("G1", MOOD, {
			config: { more: { team_budgets: { [TEAM]: { monthly_budget_usd: "500" } } } },
		});
		const { random } = rig;
		const keys: { all: RigKey[]; inUse: RigKey[] } = { all: [], inUse: [] };
		const moments = { load: 0, drain: 0, start: 0 };
		let serving: string | undefined;
		const load = startLoad({
			url: () => serving,
			keys: () => keys.inUse,
			random: random.fork("load"),
			clients: CLIENTS,
			leaving: 0.12,
		});
		try {
			for (let kill = 0; kill < KILLS; kill += 1) {
				const gateway = await rig.start();
				if (kill % 5 === 0) {
					await changeKeys(gateway, keys);
				}
				serving = gateway.url;
				await Bun.sleep(random.int(150, 450));
				const moment = random.weighted({ load: 70, drain: 15, start: 15 });
				moments[moment] += 1;
				if (moment === "drain") {
					gateway.signal("SIGTERM");
					await Bun.sleep(random.int(0, 60));
				}
				serving = moment === "drain" ? serving : undefined;
				await killNow(gateway);
				serving = undefined;
				if (moment === "start") {
					// What the first death left is just being settled.
					await startAndKill(rig, () => Bun.sleep(random.int(100, 700)));
				}
			}
			await load.stop();
			const figures = await checkBooks(rig, keys.all, load.sightings);
			report("G1", rig.seed, {
				kills: KILLS + moments.start,
				moments,
				requests: load.sent(),
				requests_a_second: Math.round((load.sent() / load.busyMs()) * 1_000),
				...figures,
			});
		} finally {
			serving = undefined;
			await load.stop();
		}
	},
	deadlineMs(60_000, 15),
);

/** Two keys without a budget of their own, one of a team with one, and two of their own, the smaller one ever anew. */
async function changeKeys(gateway: GatewayProcess, keys: { all: RigKey[]; inUse: RigKey[] }): Promise<void> {
	const [free, rich, shop, shopRich] = keys.inUse;
	keys.inUse = [
		free ?? (await mintKey(gateway)),
		rich ?? (await mintKey(gateway, { budgetNano: LARGE_BUDGET })),
		shop ?? (await mintKey(gateway, { team: TEAM })),
		shopRich ?? (await mintKey(gateway, { team: TEAM, budgetNano: LARGE_BUDGET })),
		await mintKey(gateway, { budgetNano: SMALL_BUDGET }),
	];
	keys.all = [...new Set([...keys.all, ...keys.inUse])];
}

async function checkBooks(rig: Rig, keys: readonly RigKey[], sightings: readonly Sighting[]) {
	const gateway = await rig.start();
	await checkLookups(gateway, keys, sightings);
	await checkStandings(gateway, keys, rig);
	await stopCleanly(gateway);
	await rig.upstream.idle();
	const books = readSqliteBooks(rig.dataDirectory());
	const result = audit({
		books,
		calls: rig.upstream.ledger(),
		sightings,
		rates: RATES,
		budgets: {
			keys: new Map(keys.flatMap(({ id, budgetNano }) => (budgetNano === undefined ? [] : [[id, budgetNano]]))),
			teams: new Map([[TEAM, 500_000_000_000n]]),
		},
	});
	const found = Object.fromEntries(Object.entries(result.findings).filter(([, list]) => list.length > 0));
	expect(found).toEqual({});
	expect(books.integrity).toBe("ok");
	expect(result.counts.whole).toBeGreaterThan(KILLS * 10);
	const reconciled = await reconcileBooks(rig, rig.dataDirectory(), result);
	return { ...result.counts, lost: 0, doubled: 0, ...reconciled };
}

/** What a key may ask about its own requests is what its client was told. */
async function checkLookups(gateway: GatewayProcess, keys: readonly RigKey[], sightings: readonly Sighting[]) {
	const whole = sightings.filter(({ kind }) => kind === "whole").slice(-ANSWERS_LOOKED_UP);
	for (const { requestId, costUsd } of whole) {
		const trail = await gateway.admin("GET", `/requests/${requestId}`);
		const { key_id: keyId, cost_usd: cost, cost_final: isFinal } = trail.json<Record<string, string | boolean>>();
		expect({ cost: nanoIn(String(cost)), isFinal }).toEqual({ cost: nanoIn(costUsd), isFinal: true });
		const own = keys.find(({ id }) => id === keyId);
		const asked = await exchange({
			url: gateway.url,
			key: own?.secret ?? "",
			method: "GET",
			target: `/v1/requests/${requestId}`,
			body: undefined,
		});
		expect(asked.text).toContain(`"cost_usd":"${cost}"`);
	}
}

/** What a key is said to have spent, after the last start, is the sum of its rows. */
async function checkStandings(gateway: GatewayProcess, keys: readonly RigKey[], rig: Rig) {
	const { rows } = readSqliteBooks(rig.dataDirectory());
	const sums = addUp(
		rows,
		(row) => row.key_id,
		(row) => row.cost_nano,
	);
	for (const { id } of keys) {
		const { usage } = (await gateway.admin("GET", `/keys/${id}`)).json<{ usage: Record<string, string> }>();
		expect({ id, spent: nanoIn(usage.spent_usd), reserved: nanoIn(usage.reserved_usd) }).toEqual({
			id,
			spent: sums.get(id) ?? 0n,
			reserved: 0n,
		});
	}
}

/**
 * G17, with whole processes. Goal: the first of a month, UTC, gives every budget back at that instant, wherever the machine
 * is, and steps of its clock give nothing back and take nothing away.
 *
 * Measure: 24 ends of months in 12 time zones (short form: one), on a gateway whose calendar is set by libfaketime:
 * - a spent budget is refused until midnight UTC with a Retry-After that is exact to the second, and is whole from then on;
 * - a stream that runs over midnight is booked in the old month, on the old day, and takes nothing of the new budget;
 * - the clock steps back by 40 days and by an hour: the spent month stays spent; forward by 40 days: a new month, once;
 * - daily sums = rows by the UTC day they were opened, after a restart too.
 */
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { join } from "node:path";
import type { GatewayProcess } from "../support/process.ts";
import { audit, type Sighting } from "./audit.ts";
import { databaseIn, readSqliteBooks } from "./books.ts";
import type { Mood } from "./call-plan.ts";
import { daysFrom, nextMonthMs } from "./civil-month.ts";
import { type Exchange, exchange, nanoIn, outcomeOf } from "./exchange.ts";
import { createFakeTime, type FakeTime } from "./fake-time.ts";
import { createRig, mintKey, RATES, type Rig, type RigKey, stopCleanly } from "./rig.ts";
import { deadlineMs, report, scaled } from "./scale.ts";

const ZONES = [
	"UTC",
	"Europe/Amsterdam",
	"America/New_York",
	"America/Sao_Paulo",
	"Asia/Kolkata",
	"Pacific/Chatham",
	"Pacific/Kiritimati",
	"Pacific/Pago_Pago",
	"Australia/Lord_Howe",
	"Asia/Kathmandu",
	"Africa/Casablanca",
	"America/St_Johns",
] as const;
const ENDS = scaled(1, 24);
/** How long before midnight the stream begins that runs over it. */
const BEFORE_MS = 2_500;
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** Two clocks that are read one after the other. */
const READING_MS = 10;

const MOOD: Mood = {
	fates: { answers: 100 },
	delayMs: [0, 0],
	streamMs: [BEFORE_MS, BEFORE_MS],
	tokens: [100, 100],
	greedy: 1,
};

const CASES = Array.from({ length: ENDS }, (_, index) => ({
	zone: ZONES[index % ZONES.length] ?? "UTC",
	// December 2026 first, then on for two years; a leap February among them.
	endMs: daysFrom(2027 + Math.floor(index / 12), (index % 12) + 1) * DAY_MS,
	month: `${2026 + Math.floor((index + 11) / 12)}-${String(((index + 11) % 12) + 1).padStart(2, "0")}`,
}));

test.each(CASES)(
	"G17: the end of $month in $zone",
	async ({ zone, endMs, month }) => {
		await using rig = await createRig(`G17 ${month}`, MOOD, { aliases: { chat: ["m-one"] } });
		const time = createFakeTime(join(rig.directory, "faketime"), endMs - HOUR_MS, zone);
		if (time === undefined) {
			console.log("G17: SKIPPED, libfaketime is not installed (apt-get install faketime)");
			return;
		}
		const sightings: Sighting[] = [];
		const gateway = await rig.start("data", time.environment);
		const world: World = { gateway, time, sightings, endMs };
		const small = await mintKey(gateway, { budgetNano: 100_000n });
		const large = await mintKey(gateway, { budgetNano: 1_000_000_000n });
		await spendAll(world, small);
		time.set(endMs - BEFORE_MS);
		const stream = ask(world, large, true);
		const late = await overMidnight(world, small);
		expect((await stream).status).toBe(200);
		const streamed = await spentBy(gateway, large);
		expect(streamed).toBe(0n);

		await stepAround(world, small);
		await stopCleanly(gateway);
		const { findings } = audit({
			books: readSqliteBooks(rig.dataDirectory()),
			calls: rig.upstream.ledger(),
			sightings,
			rates: RATES,
			budgets: { keys: new Map(), teams: new Map() },
		});
		expect(Object.fromEntries(Object.entries(findings).filter(([, list]) => list.length > 0))).toEqual({});
		const days = checkDays(rig);
		expect(days.get(endMs / DAY_MS - 1) ?? 0n).toBeGreaterThan(0n);
		report("G17", rig.seed, { month, zone, first_admitted_after_midnight_ms: late, days: days.size });
	},
	deadlineMs(30_000, 1),
);

interface World {
	readonly gateway: GatewayProcess;
	readonly time: FakeTime;
	readonly sightings: Sighting[];
	readonly endMs: number;
}

async function ask({ gateway, sightings }: World, key: RigKey, stream = false): Promise<Exchange> {
	const messages = [{ role: "user", content: `${sightings.length} ships` }];
	const body = { model: "chat", max_tokens: 60, messages, ...(stream ? { stream: true } : {}) };
	const answer = await exchange({ url: gateway.url, key: key.secret, body });
	const outcome = outcomeOf(answer, stream);
	sightings.push({ ...outcome, requestId: outcome.requestId ?? "", stream });
	return answer;
}

/** Until nothing more fits. */
async function spendAll(world: World, key: RigKey): Promise<void> {
	for (let count = 0; (await ask(world, key)).status === 200; count += 1) {
		expect(count).toBeLessThan(20);
	}
}

/** @returns How long after midnight the first request was admitted, by the gateway's calendar. */
async function overMidnight(world: World, key: RigKey): Promise<number> {
	const { time, endMs } = world;
	for (;;) {
		const sentMs = time.now();
		const answer = await ask(world, key);
		const endedMs = time.now();
		if (answer.status === 200) {
			expect(endedMs).toBeGreaterThanOrEqual(endMs - READING_MS);
			return Math.max(0, Math.round(endedMs - endMs));
		}
		expect({ status: answer.status, kind: answer.header("x-gateway-limit-kind") }).toEqual({
			status: 429,
			kind: "budget",
		});
		expect(sentMs).toBeLessThan(endMs + READING_MS);
		const seconds = Number(answer.header("retry-after"));
		expect(seconds).toBeGreaterThanOrEqual(Math.ceil((endMs - endedMs - READING_MS) / 1_000));
		expect(seconds).toBeLessThanOrEqual(Math.max(1, Math.ceil((endMs - sentMs + READING_MS) / 1_000)));
		await Bun.sleep(25);
	}
}

async function stepAround(world: World, key: RigKey): Promise<void> {
	const { time, gateway } = world;
	await spendAll(world, key);
	const spent = await spentBy(gateway, key);
	for (const stepMs of [-HOUR_MS, -40 * DAY_MS, 41 * DAY_MS - HOUR_MS, 2 * HOUR_MS]) {
		// Back into the old month and before it, and forward again within the new one: it stays spent.
		time.set(time.now() + stepMs);
		const refused = await ask(world, key);
		expect({ stepMs, status: refused.status, spent: await spentBy(gateway, key) }).toEqual({
			stepMs,
			status: 429,
			spent,
		});
	}
	const next = nextMonthMs(time.now());
	time.set(Math.max(time.now() + 40 * DAY_MS, next));
	expect((await ask(world, key)).status).toBe(200);
	const fresh = await spentBy(gateway, key);
	expect(fresh).toBeLessThan(spent);
	time.set(time.now() - 40 * DAY_MS);
	await spendAll(world, key);
	expect(await spentBy(gateway, key)).toBeGreaterThanOrEqual(fresh);
}

async function spentBy(gateway: GatewayProcess, key: RigKey): Promise<bigint> {
	const { usage } = (await gateway.admin("GET", `/keys/${key.id}`)).json<{ usage: Record<string, string> }>();
	return nanoIn(usage.spent_usd);
}

/** The daily sums against the rows, by the UTC day that each row's attempt began on. */
function checkDays(rig: Rig): ReadonlyMap<number, bigint> {
	const client = new Database(databaseIn(rig.dataDirectory()), { readonly: true, safeIntegers: true });
	const read = (sql: string) => {
		const rows = client.query<{ day: bigint; cost: bigint }, []>(sql).all();
		return new Map(rows.map(({ day, cost }) => [Number(day), cost]));
	};
	const sums = read("select day, sum(cost_nano) as cost from spend_days group by day order by day");
	const rows = read("select opened_at / 86400000 as day, sum(cost_nano) as cost from attempts group by 1 order by 1");
	client.close();
	expect(sums).toEqual(rows);
	return sums;
}

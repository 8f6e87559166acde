/**
 * G2, three instances. Goal: a budget that several gateways share is never overrun, and nothing of it is held back.
 *
 * Measure: 2,000 requests, 500 at a time (short form: 500, 125 at a time), each to any of three instances, on a budget
 * worth about 37 of them, once each: one key with `max_tokens` set; as streams; without `max_tokens`; a team's budget over
 * three keys, with a provider that fails and breaks off; and one key while PostgreSQL stands still for a while.
 * - By the provider's own ledger, and by the rows, no more is spent than the budget: overshoot <= 0.
 * - Each refusal names what was free at that moment: less than the reservation that was asked for. Where PostgreSQL is late,
 *   as it is while it stands still, it is 503 `budget_unavailable` instead; nobody is refused in any other way.
 * - What instances hold and do not need is free again soon (documented: about 2 s), and then requests one after the other
 *   are admitted by whichever instance is asked, until less than one reservation is left.
 */
import { afterAll, describe, expect, test } from "bun:test";
import type { GatewayClient } from "../support/gateway-client.ts";
import { until } from "../support/wait.ts";
import type { Sighting } from "./audit.ts";
import { heldNano, readPostgresBooks } from "./books-postgres.ts";
import type { Mood } from "./call-plan.ts";
import { type ChatOutcome, exchange, nanoIn, outcomeOf } from "./exchange.ts";
import { createFleet, type Fleet } from "./fleet.ts";
import { auditInstances } from "./instances-audit.ts";
import type { BookedCall } from "./ledger-upstream.ts";
import { mintKey, OUTPUT_TOKENS_MAX, RATES, type RigKey, usd } from "./rig.ts";
import { deadlineMs, report, scaled } from "./scale.ts";

const REQUESTS = scaled(500, 2_000);
const AT_ONCE = scaled(125, 500);
const WORTH = 37n;
const MAX_TOKENS = 120;
const MODEL = "m-two";
const TEAM = "shop";
const FROZEN_MS = scaled(1_200, 4_000);
/** Documented is about 2 s; a slow machine may take longer over anything. */
const FREE_AGAIN_WITHIN_MS = 10_000;

const MOOD: Mood = {
	fates: { answers: 100 },
	delayMs: [2, 30],
	streamMs: [0, 30],
	tokens: [1, OUTPUT_TOKENS_MAX],
	greedy: 0.6,
};
const FAILING: Mood = { ...MOOD, fates: { answers: 70, errors: 10, resets: 5, breaks_off: 15 } };

interface Case {
	readonly what: string;
	readonly mood: Mood;
	readonly streams: number;
	readonly maxTokens: number | undefined;
	readonly team: boolean;
	readonly freezes: boolean;
}

const PLAIN = { mood: MOOD, streams: 0, maxTokens: MAX_TOKENS, team: false, freezes: false };
const CASES: readonly Case[] = [
	{ ...PLAIN, what: "one key, max_tokens set" },
	{ ...PLAIN, what: "one key, streams", streams: 1 },
	{ ...PLAIN, what: "one key, no max_tokens", streams: 0.3, maxTokens: undefined },
	{ ...PLAIN, what: "a team of three keys, failing provider", mood: FAILING, streams: 0.5, team: true },
	{ ...PLAIN, what: "one key, PostgreSQL stands still", streams: 0.3, freezes: true },
];

const created = await createFleet("G2 instances", MOOD, { instances: 3, aliases: { chat: [MODEL] } });
afterAll(() => created?.[Symbol.asyncDispose]());
/** Of all cases: the audit looks at the books as a whole. */
const sightings: Sighting[] = [];

describe.skipIf(created === undefined)("three instances", () => {
	// Skipped where it is undefined.
	const fleet = created as Fleet;
	// A server that was given stands still for nobody.
	const cases = CASES.filter(({ freezes }) => !freezes || created?.postgres.process !== undefined);
	test.each(cases)(
		`G2: ${REQUESTS} requests, ${AT_ONCE} at once: $what`,
		async (one) => {
			const { rig } = fleet;
			rig.upstream.setMood(one.mood);
			const reservation = await reservationOf(fleet, one.maxTokens ?? OUTPUT_TOKENS_MAX);
			// The least that an attempt may reserve: its own bound, or where it names none 16 tokens.
			const least = await reservationOf(fleet, one.maxTokens ?? 16);
			const budget = reservation * WORTH + reservation / 3n;
			const keys = await mintKeys(fleet, one.team, budget);
			const subject = one.team ? `team:${TEAM}` : `key:${keys[0]?.id}`;
			const asked = await burst(fleet, keys, one);
			const used = await booksOf(fleet, keys, one.team, budget);
			const settled = performance.now();
			await nothingHeld(fleet, subject);
			const freeAgainMs = performance.now() - settled;
			const rest = await useUp(fleet, keys, one, subject);

			const { rowsNano, ledgerNano, findings } = await booksOf(fleet, keys, one.team, budget);
			expect(findings).toEqual({});
			expect(ledgerNano).toBeLessThanOrEqual(budget);
			expect(rowsNano).toBeLessThanOrEqual(budget);
			const refused = [...asked, ...rest.asked].flatMap(({ leftNano }) => leftNano ?? []);
			// What is late for once is not away: most are told what is the case.
			const unavailable = asked.filter((told) => told.unavailable).length;
			expect(one.freezes ? 0 : unavailable).toBeLessThanOrEqual(asked.length / 2);
			const raced = refused.filter((left) => left >= least);
			// Without a bound of its own a request may be overtaken by others each time that it tries for less.
			expect(one.maxTokens === undefined ? [] : raced).toEqual([]);
			expect(rest.leftNano).toBeLessThan(least);
			// With nothing in flight or held, what a refusal names is the budget less the rows, to the nano-dollar.
			expect(rest.leftNano).toBe(budget - rowsNano);
			report("G2 instances", rig.seed, {
				case: one.what,
				requests: asked.length + rest.asked.length,
				refused: refused.length,
				...(one.maxTokens === undefined ? { overtaken: raced.length } : {}),
				unavailable,
				overshoot_nano: String(ledgerNano - budget),
				used_by_the_burst: share(used.rowsNano, budget),
				used: share(rowsNano, budget),
				free_again_ms: Math.round(freeAgainMs),
				refused_while_held: rest.early,
			});
		},
		deadlineMs(60_000, 5),
	);

	test("G2: a request without max_tokens is bounded by what is left, whoever has spent the rest", async () => {
		const [one, other] = fleet.gateways;
		const full = await reservationOf(fleet, OUTPUT_TOKENS_MAX);
		const { id, secret } = await mintKey(fleet.next(), { budgetNano: (full * 7n) / 2n });
		fleet.rig.upstream.setMood({ ...MOOD, tokens: [OUTPUT_TOKENS_MAX, OUTPUT_TOKENS_MAX] });
		const askAt = (url: string | undefined, maxTokens: number | undefined) =>
			askWith({ url: url ?? "", key: secret, body: bodyOf(fleet, maxTokens) });
		// It hears that nearly everything is left, and nothing more once it has given back what it held.
		expect(await askAt(one?.url, 16)).toMatchObject({ status: 200 });
		await nothingHeld(fleet, `key:${id}`);
		let last = await askAt(other?.url, OUTPUT_TOKENS_MAX);
		while (last.status === 200) {
			last = await askAt(other?.url, OUTPUT_TOKENS_MAX);
		}
		expect(last).toMatchObject({ status: 429, refusal: "budget" });
		await nothingHeld(fleet, `key:${id}`);
		expect(await askAt(one?.url, undefined)).toMatchObject({ status: 200, kind: "whole" });
		expect((await booksOf(fleet, [], false, 0n)).findings).toEqual({});
	}, 60_000);
});

interface Asked {
	readonly outcome: ChatOutcome;
	/** What a refusal said was left. */
	readonly leftNano: bigint | undefined;
	/** Nobody could say. */
	readonly unavailable: boolean;
}

/** All at once, over all instances; PostgreSQL stands still from the tenth call on, and requests go on until it has moved again. */
async function burst(fleet: Fleet, keys: readonly RigKey[], one: Case): Promise<Asked[]> {
	const asked: Asked[] = [];
	const before = fleet.rig.upstream.calls();
	let toSend = REQUESTS;
	let isOver = !one.freezes;
	const freezing = one.freezes
		? freeze(fleet, () => fleet.rig.upstream.calls() - before >= 10).then(() => {
				isOver = true;
			})
		: Promise.resolve();
	await Promise.all(
		Array.from({ length: AT_ONCE }, async () => {
			while (toSend > 0 || !isOver) {
				toSend -= 1;
				const told = await ask(fleet, fleet.rig.random.pick(keys), one);
				asked.push(told);
				if (told.unavailable) {
					await Bun.sleep(20);
				}
			}
		}),
	);
	await freezing;
	return asked;
}

async function freeze(fleet: Fleet, isTime: () => boolean): Promise<void> {
	const server = fleet.postgres.process;
	await until("some calls", isTime);
	server?.freeze();
	try {
		await Bun.sleep(FROZEN_MS);
	} finally {
		server?.thaw();
	}
}

/**
 * One after the other, to any instance, until the budget is used up. An instance may be refused a part that another one
 * held ahead of need: that is given back, and so it has to be refused when nothing is held.
 */
async function useUp(fleet: Fleet, keys: readonly RigKey[], one: Case, subject: string) {
	const asked: Asked[] = [];
	let early = 0;
	let isFree = true;
	for (;;) {
		// Each takes something: a budget that lasts this long is none.
		expect(asked.length).toBeLessThan(REQUESTS);
		const told = await ask(fleet, fleet.rig.random.pick(keys), one);
		asked.push(told);
		if (told.leftNano !== undefined && isFree) {
			return { asked, leftNano: told.leftNano, early };
		}
		isFree = told.leftNano !== undefined;
		if (isFree) {
			// Somebody held it, who gives it back now: not yet the end.
			early += 1;
			await nothingHeld(fleet, subject);
		}
	}
}

async function nothingHeld(fleet: Fleet, subject: string): Promise<void> {
	await until(
		`nothing of ${subject} is held`,
		async () => (await heldNano(fleet.databaseUrl, subject)) === 0n,
		FREE_AGAIN_WITHIN_MS,
	);
}

async function ask(fleet: Fleet, key: RigKey, one: Case): Promise<Asked> {
	const { random } = fleet.rig;
	const stream = random.chance(one.streams);
	const body = { ...bodyOf(fleet, one.maxTokens), ...(stream ? { stream: true } : {}) };
	const answer = await exchange({ url: random.pick(fleet.gateways).url, key: key.secret, body });
	const outcome = outcomeOf(answer, stream);
	const { requestId, status, refusal } = outcome;
	const unavailable = status === 503 && refusal === "budget_unavailable";
	const left = / has \$(\d+\.\d+) left of its /.exec(answer.text)?.[1];
	expect({ status, refusal, complete: answer.complete, text: answer.text }).toMatchObject({ complete: true });
	expect(left !== undefined).toBe(refusal === "budget");
	expect({ status, refusal }).toMatchObject(expectedOf(status, unavailable, one.mood === FAILING));
	if (requestId !== undefined) {
		sightings.push({ ...outcome, requestId, stream });
	}
	return { outcome, leftNano: left === undefined ? undefined : nanoIn(left), unavailable };
}

/** Served, refused for want of budget, or failed as this case's provider does. A database may be late on a slow machine. */
function expectedOf(status: number, isUnavailable: boolean, mayFail: boolean) {
	if (status === 200) {
		return { status: 200 };
	}
	if (status === 502 && mayFail) {
		return { status: 502 };
	}
	return isUnavailable ? { status: 503, refusal: "budget_unavailable" } : { status: 429, refusal: "budget" };
}

/** Prompts of one length, so that each reserves the same. */
function bodyOf({ rig }: Fleet, maxTokens: number | undefined) {
	const content = `${rig.random.int(100_000, 999_999)} ships went over the green sea`;
	return {
		model: "chat",
		messages: [{ role: "user", content }],
		...(maxTokens === undefined ? {} : { max_tokens: maxTokens }),
	};
}

async function askWith(request: Parameters<typeof exchange>[0]): Promise<ChatOutcome> {
	const outcome = outcomeOf(await exchange(request), false);
	if (outcome.requestId !== undefined) {
		sightings.push({ ...outcome, requestId: outcome.requestId, stream: false });
	}
	return outcome;
}

/** What one such request sets aside, as its row says. */
async function reservationOf(fleet: Fleet, maxTokens: number): Promise<bigint> {
	const gateway = fleet.next();
	const key = await mintKey(gateway);
	await askWith({ url: gateway.url, key: key.secret, body: bodyOf(fleet, maxTokens) });
	const row = await until("the row", async () =>
		(await readPostgresBooks(fleet.databaseUrl)).rows.find(({ key_id }) => key_id === key.id),
	);
	return row.reserved_nano;
}

async function mintKeys(fleet: Fleet, team: boolean, budgetNano: bigint): Promise<readonly RigKey[]> {
	const gateway: GatewayClient = fleet.next();
	if (team) {
		const set = await gateway.admin("PUT", `/teams/${TEAM}`, { monthly_budget_usd: usd(budgetNano) });
		expect(set.status).toBe(200);
	}
	const keys = await Promise.all(
		Array.from({ length: team ? 3 : 1 }, () => mintKey(gateway, team ? { team: TEAM } : { budgetNano })),
	);
	// Each instance has heard of them before the rush: it may be about to stand still.
	for (const { url } of fleet.gateways) {
		for (const { secret } of keys) {
			const { status } = await exchange({ url, key: secret, method: "GET", target: "/v1/models", body: undefined });
			expect(status).toBe(200);
		}
	}
	return keys;
}

/** Once all rows are in the database: what was answered while it stood still comes a little later. */
async function booksOf(fleet: Fleet, keys: readonly RigKey[], team: boolean, budget: bigint) {
	const ids = new Set(keys.map(({ id }) => id));
	const look = async () => {
		const books = await readPostgresBooks(fleet.databaseUrl);
		const { findings, statement } = auditInstances({
			books,
			calls: fleet.rig.upstream.ledger(),
			sightings,
			rates: RATES,
			budgets: {
				keys: new Map(team ? [] : keys.map(({ id }) => [id, budget])),
				teams: new Map(team ? [[TEAM, budget]] : []),
			},
		});
		return { books, statement, findings };
	};
	const end = performance.now() + 10_000;
	let looked = await look();
	while (Object.keys(looked.findings).length > 0 && performance.now() < end) {
		await Bun.sleep(20);
		looked = await look();
	}
	const own = looked.books.rows.filter((row) => ids.has(row.key_id));
	const requests = new Set(own.map((row) => row.request_id));
	// Written by audit() itself, one call a line.
	const billed = looked.statement
		.map((line) => JSON.parse(line) as BookedCall)
		.filter((call) => requests.has(call.request_id));
	return {
		findings: looked.findings,
		rowsNano: own.reduce((sum, row) => sum + row.cost_nano, 0n),
		ledgerNano: billed.reduce((sum, call) => sum + BigInt(call.cost_nano), 0n),
	};
}

function share(part: bigint, whole: bigint): string {
	return `${Number((part * 10_000n) / whole) / 100}%`;
}

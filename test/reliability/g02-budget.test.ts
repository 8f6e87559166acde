/**
 * G2. Goal: a budget is never overrun, and never held back, however many ask at once.
 *
 * Measure: 2,000 requests, 500 at a time, on a budget worth about 37 of them (short form: 500, 125 at a time, all but the second), once each:
 * one key with `max_tokens` set; as streams; without `max_tokens`; a team's budget over three keys, with a provider that
 * fails and breaks off.
 * - By the provider's own ledger, and by the rows, no more is spent than the budget: overshoot <= 0.
 * - Each refusal names what was left at that moment: less than the reservation that was asked for.
 * - Once all is settled, requests one after the other are admitted until less than one reservation is left.
 */
import { expect, test } from "bun:test";
import type { GatewayProcess } from "../support/process.ts";
import { audit, type Sighting } from "./audit.ts";
import { readSqliteBooks } from "./books.ts";
import type { Mood } from "./call-plan.ts";
import { exchange, nanoIn, outcomeOf } from "./exchange.ts";
import type { BookedCall } from "./ledger-upstream.ts";
import { createRig, mintKey, OUTPUT_TOKENS_MAX, RATES, type Rig, type RigKey, stopCleanly, usd } from "./rig.ts";
import { deadlineMs, IS_LONG, report, scaled } from "./scale.ts";

const REQUESTS = scaled(500, 2_000);
const AT_ONCE = scaled(125, 500);
const WORTH = 37n;
const MAX_TOKENS = 120;
const MODEL = "m-two";
const TEAM = "shop";

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
	readonly alsoShort: boolean;
}

const CASES: readonly Case[] = [
	{ what: "one key, max_tokens set", mood: MOOD, streams: 0, maxTokens: MAX_TOKENS, team: false, alsoShort: true },
	{ what: "one key, streams", mood: MOOD, streams: 1, maxTokens: MAX_TOKENS, team: false, alsoShort: false },
	{ what: "one key, no max_tokens", mood: MOOD, streams: 0.3, maxTokens: undefined, team: false, alsoShort: true },
	{
		what: "a team of three keys, failing provider",
		mood: FAILING,
		streams: 0.5,
		maxTokens: MAX_TOKENS,
		team: true,
		alsoShort: true,
	},
];

test.each(CASES.filter(({ alsoShort }) => IS_LONG || alsoShort))(
	`G2: ${REQUESTS} requests, ${AT_ONCE} at once: $what`,
	async (one) => {
		await using rig = await createRig(`G2 ${one.what}`, one.mood, { aliases: { chat: [MODEL] } });
		await using gateway = await rig.start();
		const reservation = await reservationOf(rig, gateway, one.maxTokens ?? OUTPUT_TOKENS_MAX);
		// The least that an attempt may reserve: its own bound, or where it names none 16 tokens.
		const least = await reservationOf(rig, gateway, one.maxTokens ?? 16);
		const budget = reservation * WORTH + reservation / 3n;
		const keys = await mintKeys(gateway, one.team, budget);
		const asked: Asked[] = [];
		let toSend = REQUESTS;
		await Promise.all(
			Array.from({ length: AT_ONCE }, async () => {
				while (toSend > 0) {
					toSend -= 1;
					asked.push(await ask(rig, gateway, rig.random.pick(keys), one));
				}
			}),
		);
		const burst = booksOf(rig, keys, budget, asked);
		let last: Asked | undefined;
		while (last?.leftNano === undefined) {
			last = await ask(rig, gateway, rig.random.pick(keys), one);
			asked.push(last);
		}
		await stopCleanly(gateway);
		await rig.upstream.idle();

		const { rowsNano, ledgerNano, findings } = booksOf(rig, keys, budget, asked);
		expect(findings).toEqual({});
		expect(ledgerNano).toBeLessThanOrEqual(budget);
		expect(rowsNano).toBeLessThanOrEqual(budget);
		const refused = asked.flatMap(({ leftNano }) => leftNano ?? []);
		expect(refused.filter((left) => left >= least)).toEqual([]);
		// With nothing in flight, what a refusal names is the budget less the rows, to the nano-dollar.
		expect(last.leftNano).toBe(budget - rowsNano);
		report("G2", rig.seed, {
			case: one.what,
			requests: asked.length,
			refused: refused.length,
			overshoot_nano: String(ledgerNano - budget),
			used_by_the_burst: share(burst.rowsNano, budget),
			used: share(rowsNano, budget),
		});
	},
	deadlineMs(20_000, 3),
);

interface Asked {
	readonly sighting: Sighting | undefined;
	/** What a refusal said was left. */
	readonly leftNano: bigint | undefined;
}

async function ask(rig: Rig, gateway: GatewayProcess, key: RigKey, one: Case): Promise<Asked> {
	const stream = rig.random.chance(one.streams);
	const body = { ...bodyOf(rig, one.maxTokens), ...(stream ? { stream: true } : {}) };
	const answer = await exchange({ url: gateway.url, key: key.secret, body });
	const outcome = outcomeOf(answer, stream);
	const { requestId } = outcome;
	expect({ status: answer.status, complete: answer.complete }).toMatchObject({ complete: true });
	const left = / has \$(\d+\.\d+) left of its /.exec(answer.text)?.[1];
	expect(left !== undefined).toBe(outcome.refusal === "budget");
	return {
		sighting: requestId === undefined ? undefined : { ...outcome, requestId, stream },
		leftNano: left === undefined ? undefined : nanoIn(left),
	};
}

/** Prompts of one length, so that each reserves the same. */
function bodyOf(rig: Rig, maxTokens: number | undefined) {
	const content = `${rig.random.int(100_000, 999_999)} ships went over the green sea`;
	return {
		model: "chat",
		messages: [{ role: "user", content }],
		...(maxTokens === undefined ? {} : { max_tokens: maxTokens }),
	};
}

/** What one such request sets aside, as its row says. */
async function reservationOf(rig: Rig, gateway: GatewayProcess, maxTokens: number): Promise<bigint> {
	const key = await mintKey(gateway);
	await exchange({ url: gateway.url, key: key.secret, body: bodyOf(rig, maxTokens) });
	const row = readSqliteBooks(rig.dataDirectory()).rows.find(({ key_id }) => key_id === key.id);
	return row?.reserved_nano ?? 0n;
}

async function mintKeys(gateway: GatewayProcess, team: boolean, budgetNano: bigint): Promise<readonly RigKey[]> {
	if (!team) {
		return [await mintKey(gateway, { budgetNano })];
	}
	const set = await gateway.admin("PUT", `/teams/${TEAM}`, { monthly_budget_usd: usd(budgetNano) });
	expect(set.status).toBe(200);
	return Promise.all(Array.from({ length: 3 }, () => mintKey(gateway, { team: TEAM })));
}

function booksOf(rig: Rig, keys: readonly RigKey[], budget: bigint, asked: readonly Asked[]) {
	const ids = new Set(keys.map(({ id }) => id));
	const books = readSqliteBooks(rig.dataDirectory());
	const own = books.rows.filter((row) => ids.has(row.key_id));
	const requests = new Set(own.map((row) => row.request_id));
	const { findings, statement } = audit({
		books,
		calls: rig.upstream.ledger(),
		sightings: asked.flatMap(({ sighting }) => sighting ?? []),
		rates: RATES,
		budgets: { keys: new Map(keys.map(({ id }) => [id, budget])), teams: new Map([[TEAM, budget]]) },
	});
	// Written by audit() itself, one call a line.
	const billed = statement
		.map((line) => JSON.parse(line) as BookedCall)
		.filter((call) => requests.has(call.request_id));
	return {
		findings: Object.fromEntries(Object.entries(findings).filter(([, list]) => list.length > 0)),
		rowsNano: own.reduce((sum, row) => sum + row.cost_nano, 0n),
		ledgerNano: billed.reduce((sum, call) => sum + BigInt(call.cost_nano), 0n),
	};
}

function share(part: bigint, whole: bigint): string {
	return `${Number((part * 10_000n) / whole) / 100}%`;
}

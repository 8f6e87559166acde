/**
 * G11, one instance. Goal: a key that is taken away is away.
 *
 * Measure: 100 keys (short form: 12) revoked, disabled or expired, each while six clients ask with it and two streams run,
 * under the load of others; times of sending and of the answer by one clock:
 * - 0 requests are accepted that were sent after the answer to `DELETE` (or `PATCH`) had come, or after the key's expiry;
 * - its streams in flight end within a second of that answer, in words, and are booked (expiry cuts none);
 * - the keys of others notice nothing, and after a kill -9 the key is still away.
 */
import { expect, test } from "bun:test";
import type { GatewayProcess } from "../support/process.ts";
import { gate } from "../support/wait.ts";
import { audit, type Sighting } from "./audit.ts";
import { readSqliteBooks } from "./books.ts";
import { type Mood, promptOf } from "./call-plan.ts";
import { type Exchange, exchange, outcomeOf } from "./exchange.ts";
import type { Random } from "./random.ts";
import { createRig, killNow, mintKey, RATES, type RigKey, stopCleanly } from "./rig.ts";
import { deadlineMs, report, scaled } from "./scale.ts";

const KEYS = scaled(12, 100);
const AT_ONCE = 4;
const CLIENTS = 6;
const STREAMS = 2;
const OTHERS = 6;
const CUT_WITHIN_MS = 1_000;
/** How long clients go on asking after the key is gone. */
const AFTERWARDS_MS = 60;
/** A stream that was not cut fails the test after this. */
const STREAM_DEADLINE_MS = 8_000;

const MOOD: Mood = {
	fates: { answers: 100 },
	delayMs: [1, 15],
	// Far longer than anything here: a stream that ends was cut.
	streamMs: [60_000, 60_000],
	tokens: [5, 60],
};

const CODES = { revoke: "key_revoked", disable: "key_disabled", expire: "key_expired" } as const;
type Way = keyof typeof CODES;

interface Ended {
	readonly key: RigKey;
	readonly way: Way;
	readonly acceptedLate: readonly number[];
	readonly refused: number;
	/** From the answer to the end of each stream. */
	readonly cutAfterMs: readonly number[];
}

test(
	`G11: ${KEYS} keys taken away under load: none is accepted afterwards`,
	async () => {
		await using rig = await createRig("G11", MOOD);
		const gateway = await rig.start();
		const sightings: Sighting[] = [];
		const note = (answer: Exchange, stream: boolean) => {
			const outcome = outcomeOf(answer, stream);
			const { requestId } = outcome;
			sightings.push(...(requestId === undefined ? [] : [{ ...outcome, requestId, stream }]));
			return outcome;
		};
		const client: Client = { gateway, note };
		const other = await mintKey(gateway);
		let stopped = false;
		const refusedOthers: number[] = [];
		const others = Array.from({ length: OTHERS }, async (_, index) => {
			const random = rig.random.fork(`other ${index}`);
			while (!stopped) {
				const answer = await ask(client, other, random);
				refusedOthers.push(...(answer.status === 200 ? [] : [answer.status]));
			}
		});
		const ended: Ended[] = [];
		let left = KEYS;
		await Promise.all(
			Array.from({ length: AT_ONCE }, async (_, index) => {
				const random = rig.random.fork(`admin ${index}`);
				while (left > 0) {
					left -= 1;
					const way = random.weighted({ revoke: 70, disable: 15, expire: 15 });
					ended.push(await endKey(client, random, way));
				}
			}),
		);
		stopped = true;
		await Promise.all(others);
		await killNow(gateway);

		const cuts = ended.flatMap(({ cutAfterMs }) => cutAfterMs);
		expect(ended.filter(({ acceptedLate }) => acceptedLate.length > 0)).toEqual([]);
		expect(refusedOthers).toEqual([]);
		expect(cuts.filter((ms) => ms > CUT_WITHIN_MS)).toEqual([]);
		await using restarted = await rig.start();
		for (const { key, way } of ended) {
			const answer = await exchange({ url: restarted.url, key: key.secret, body: bodyOf(rig.random, false) });
			expect({ status: answer.status, code: codeOf(answer) }).toEqual({ status: 401, code: CODES[way] });
		}
		await stopCleanly(restarted);
		const { findings } = audit({
			books: readSqliteBooks(rig.dataDirectory()),
			calls: rig.upstream.ledger(),
			sightings,
			rates: RATES,
			budgets: { keys: new Map(), teams: new Map() },
		});
		expect(Object.fromEntries(Object.entries(findings).filter(([, list]) => list.length > 0))).toEqual({});
		report("G11", rig.seed, {
			keys: ended.length,
			requests: sightings.length,
			accepted_late: 0,
			refused_at_once: ended.reduce((sum, { refused }) => sum + refused, 0),
			streams_cut: cuts.length,
			slowest_cut_ms: Math.round(Math.max(0, ...cuts)),
		});
	},
	deadlineMs(30_000, 5),
);

interface Client {
	readonly gateway: GatewayProcess;
	/** Remembers what was seen, for the books. */
	note(answer: Exchange, stream: boolean): ReturnType<typeof outcomeOf>;
}

async function endKey(client: Client, random: Random, way: Way): Promise<Ended> {
	const { gateway } = client;
	const expiresAt = way === "expire" ? Date.now() + random.int(150, 300) : undefined;
	const key = await mintKey(gateway, expiresAt === undefined ? {} : { expires_at: new Date(expiresAt).toISOString() });
	let goneAtMs = Number.POSITIVE_INFINITY;
	let stopped = false;
	const accepted: number[] = [];
	let refused = 0;
	const clients = Array.from({ length: CLIENTS }, async (_, index) => {
		const own = random.fork(`${key.id} ${index}`);
		while (!stopped) {
			const answer = await ask(client, key, own);
			if (answer.status === 200) {
				accepted.push(answer.sentAtMs);
			} else if (answer.sentAtMs > goneAtMs) {
				refused += 1;
			}
		}
	});
	const streams = Array.from({ length: way === "expire" ? 0 : STREAMS }, () => openStream(client, key, random));
	await Promise.all(streams.map(({ begun }) => begun));
	if (expiresAt === undefined) {
		await Bun.sleep(random.int(30, 150));
		await takeAway(client, key, way);
		goneAtMs = performance.now();
	} else {
		goneAtMs = performance.now() + (expiresAt - Date.now()) + 1;
		await Bun.sleep(goneAtMs - performance.now());
	}
	await Bun.sleep(AFTERWARDS_MS);
	stopped = true;
	await Promise.all(clients);
	const cutAtMs = await Promise.all(streams.map(({ endedAtMs }) => endedAtMs));
	const cutAfterMs = cutAtMs.map((atMs) => Math.max(0, atMs - goneAtMs));
	return { key, way, acceptedLate: accepted.filter((sentAtMs) => sentAtMs > goneAtMs), refused, cutAfterMs };
}

/** A stream that would go on for a minute. */
function openStream({ gateway, note }: Client, key: RigKey, random: Random) {
	const begun = gate();
	const answer = exchange({
		url: gateway.url,
		key: key.secret,
		body: bodyOf(random, true),
		deadlineMs: STREAM_DEADLINE_MS,
		onText: (text) => {
			if (text.includes("content")) {
				begun.open();
			}
			return false;
		},
	});
	const endedAtMs = answer.then((seen) => {
		const { kind } = note(seen, true);
		begun.open();
		expect({ status: seen.status, kind }).toEqual({ status: 200, kind: "error" });
		return seen.endedAtMs;
	});
	return { begun: begun.opened, endedAtMs };
}

async function takeAway({ gateway }: Client, key: RigKey, way: Way): Promise<void> {
	const { status } =
		way === "revoke"
			? await gateway.admin("DELETE", `/keys/${key.id}`)
			: await gateway.admin("PATCH", `/keys/${key.id}`, { enabled: false });
	expect([200, 204]).toContain(status);
}

async function ask({ gateway, note }: Client, key: RigKey, random: Random): Promise<Exchange> {
	const answer = await exchange({ url: gateway.url, key: key.secret, body: bodyOf(random, false) });
	note(answer, false);
	return answer;
}

function bodyOf(random: Random, stream: boolean) {
	const messages = [{ role: "user", content: promptOf(random, random.int(3, 20)) }];
	return { model: "chat", max_tokens: 100, messages, ...(stream ? { stream: true } : {}) };
}

function codeOf(answer: Exchange): string | undefined {
	return /"code":\s*"(\w+)"/.exec(answer.text)?.[1];
}

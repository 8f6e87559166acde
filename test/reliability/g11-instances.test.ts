/**
 * G11, three instances. Goal: what an administrator changes through one instance soon holds for all.
 *
 * Measure, over three instances that share PostgreSQL and Redis, all times by one clock:
 * - 100 keys (short form: 10) revoked or disabled through any instance, each while six clients ask with it through all
 *   three and a stream runs on each: that instance accepts 0 requests that were sent after its answer, the others 0 that
 *   were sent more than 2 s after it; the streams end in words, within 1 s there and 3 s elsewhere, and are booked;
 * - the same while Redis stands still: 3 s instead of 2 s;
 * - a key made through one instance is accepted by the others with the very next request;
 * - limits and models of a key, limits of a team, and deployments in or out of rotation hold everywhere after 2 s.
 */
import { afterAll, describe, expect, test } from "bun:test";
import type { GatewayProcess } from "../support/process.ts";
import { until } from "../support/wait.ts";
import type { Sighting } from "./audit.ts";
import { readPostgresBooks } from "./books-postgres.ts";
import { type Mood, promptOf } from "./call-plan.ts";
import { type Exchange, type ExchangeRequest, exchange, outcomeOf } from "./exchange.ts";
import { createFleet, type Fleet } from "./fleet.ts";
import { auditInstances } from "./instances-audit.ts";
import type { Random } from "./random.ts";
import { mintKey, RATES, type RigKey } from "./rig.ts";
import { deadlineMs, report, scaled } from "./scale.ts";

const INSTANCES = 3;
const KEYS = scaled(10, 100);
const KEYS_WITHOUT_REDIS = scaled(4, 30);
const AT_ONCE = scaled(4, 8);
const CLIENTS = 6;
const ELSEWHERE_MS = 2_000;
const WITHOUT_REDIS_MS = 3_000;
const CUT_HERE_MS = 1_000;
const CUT_ELSEWHERE_MS = 3_000;
const MINTED = scaled(10, 50);
/** An instance that does not know a key asks the database for so long at most, in milliseconds: a slow machine may take longer. */
const LOOKED_FOR_MS = 250;
/** A refused client asks again after this. */
const PAUSE_MS = 10;
/** How long clients go on asking beyond the bound. */
const AFTERWARDS_MS = 200;

const MOOD: Mood = {
	fates: { answers: 100 },
	delayMs: [1, 15],
	// Far longer than anything here: a stream that ends was cut.
	streamMs: [60_000, 60_000],
	tokens: [5, 60],
};

const CODES = { revoke: "key_revoked", disable: "key_disabled" } as const;
type Way = keyof typeof CODES;

/** By one instance, relative to the answer of the one that was told: milliseconds. */
interface Ended {
	readonly way: Way;
	/** When the last requests were sent that were accepted after all. */
	readonly lateHere: readonly number[];
	readonly lateElsewhere: readonly number[];
	readonly cutHere: readonly number[];
	readonly cutElsewhere: readonly number[];
}

const created = await createFleet("G11 instances", MOOD, {
	instances: INSTANCES,
	aliases: { chat: ["m-one", "m-two"], other: ["m-two"] },
});
afterAll(() => created?.[Symbol.asyncDispose]());
const sightings: Sighting[] = [];

describe.skipIf(created === undefined)("three instances", () => {
	// Skipped where it is undefined.
	const fleet = created as Fleet;

	test(
		`G11: ${KEYS} keys taken away through any instance: nobody accepts them 2 s later`,
		async () => {
			report("G11 instances", fleet.rig.seed, await takeAwayAll(fleet, KEYS, ELSEWHERE_MS));
		},
		deadlineMs(60_000, 5),
	);

	test.skipIf(created?.redis.process === undefined)(
		`G11: ${KEYS_WITHOUT_REDIS} keys taken away while Redis stands still: nobody accepts them 3 s later`,
		async () => {
			const { process } = fleet.redis;
			process?.freeze();
			try {
				const figures = await takeAwayAll(fleet, KEYS_WITHOUT_REDIS, WITHOUT_REDIS_MS);
				report("G11 instances, Redis stands still", fleet.rig.seed, figures);
			} finally {
				process?.thaw();
			}
		},
		deadlineMs(60_000, 5),
	);

	test(
		`G11: ${MINTED} keys made through one instance are accepted by the others with the very next request`,
		async () => {
			let slowestMs = 0;
			let inVain = 0;
			for (let made = 0; made < MINTED; made += 1) {
				const maker = fleet.next();
				const key = await mintKey(maker);
				const answers = await Promise.all(
					fleet.gateways.map((gateway) => ask(gateway, key, fleet.rig.random.fork(key.id))),
				);
				const refused = answers.filter(({ status }) => status !== 200);
				inVain += refused.length;
				// Nobody is sent away who was not made to wait as long as the documentation says.
				expect(refused.filter(({ sentAtMs, endedAtMs }) => endedAtMs - sentAtMs < LOOKED_FOR_MS)).toEqual([]);
				await everywhere(fleet, "the key", async (gateway) => {
					return (await ask(gateway, key, fleet.rig.random)).status === 200;
				});
				slowestMs = Math.max(slowestMs, ...answers.map(({ sentAtMs, endedAtMs }) => endedAtMs - sentAtMs));
			}
			report("G11 instances", fleet.rig.seed, {
				keys_made: MINTED,
				looked_for_in_vain: inVain,
				slowest_first_answer_ms: Math.round(slowestMs),
			});
		},
		deadlineMs(60_000, 2),
	);

	test(
		"G11: limits, models and teams as one instance was told hold for all within 2 s",
		async () => {
			const { random } = fleet.rig;
			const key = await mintKey(fleet.next(), { team: "shop" });
			const slowest: Record<string, number> = {};
			const changed = async (what: string, path: string, body: unknown, holds: Holds) => {
				const { status } = await random
					.pick(fleet.gateways)
					.admin(path.startsWith("/keys") ? "PATCH" : "PUT", path, body);
				expect({ what, status }).toEqual({ what, status: 200 });
				const ms = await everywhere(fleet, what, holds);
				slowest[`${what}_ms`] = Math.round(ms);
				expect({ what, inTime: ms <= ELSEWHERE_MS }).toEqual({ what, inTime: true });
			};
			const me = async ({ url }: GatewayProcess) =>
				(await exchange({ url, key: key.secret, method: "GET", target: "/v1/me", body: undefined })).text;
			const status = async (gateway: GatewayProcess, model: string) =>
				(await ask(gateway, key, random.fork(model), model)).status;
			const keyPath = `/keys/${key.id}`;
			for (let round = 1; round <= scaled(1, 10); round += 1) {
				await changed("limits", keyPath, { rpm: 90_000 + round, tpm: 8_000_000 + round }, async (gateway) => {
					const text = await me(gateway);
					return text.includes(`${90_000 + round}`) && text.includes(`${8_000_000 + round}`);
				});
				await changed("models", keyPath, { models: ["other"] }, async (gateway) => {
					return (await status(gateway, "chat")) === 403 && (await status(gateway, "other")) === 200;
				});
				await changed(
					"disabled",
					keyPath,
					{ enabled: false },
					async (gateway) => (await status(gateway, "other")) === 401,
				);
				await changed("enabled", keyPath, { enabled: true, models: null }, async (gateway) => {
					return (await status(gateway, "chat")) === 200;
				});
				await changed("team_budget", "/teams/shop", { monthly_budget_usd: "0.000000001" }, async (gateway) => {
					return (await status(gateway, "chat")) === 429;
				});
				await changed("team_free_again", "/teams/shop", {}, async (gateway) => {
					return (await status(gateway, "chat")) === 200;
				});
			}
			report("G11 instances", fleet.rig.seed, slowest);
		},
		deadlineMs(60_000, 3),
	);

	test(
		"G11: a deployment taken out of rotation through one instance is out of it everywhere within 2 s",
		async () => {
			const { random, upstream } = fleet.rig;
			const selector = { model_alias: "chat", provider: "openai", model: "m-one" };
			const key = await mintKey(fleet.next());
			let stopped = false;
			const clients = Array.from({ length: CLIENTS }, async (_, index) => {
				const own = random.fork(`client ${index}`);
				while (!stopped) {
					const { status } = await ask(at(fleet, index), key, own);
					expect(status).toBe(200);
				}
			});
			const since = (ms: number) => upstream.ledger().filter(({ model, at_ms }) => model === "m-one" && at_ms > ms);
			const slowest = { out: 0, back: 0 };
			try {
				for (let round = 0; round < scaled(2, 15); round += 1) {
					await until("calls of it", () => since(0).length > 0);
					const toOut = await random.pick(fleet.gateways).admin("POST", "/deployments/disable", selector);
					const outAtMs = Date.now();
					expect(toOut.status).toBe(200);
					await Bun.sleep(ELSEWHERE_MS + AFTERWARDS_MS);
					// A call that was on its way may be booked a moment later.
					const late = since(outAtMs).map(({ at_ms }) => at_ms - outAtMs);
					slowest.out = Math.max(slowest.out, ...late);
					expect(late.filter((ms) => ms > ELSEWHERE_MS)).toEqual([]);
					const toBack = await random.pick(fleet.gateways).admin("POST", "/deployments/enable", selector);
					expect(toBack.status).toBe(200);
					const ms = await everywhere(fleet, "back in rotation", async (gateway) => {
						const answer = await ask(gateway, key, random.fork("back"));
						return answer.header("x-gateway-decision")?.includes("m-one") === true;
					});
					slowest.back = Math.max(slowest.back, ms);
					expect(ms).toBeLessThanOrEqual(ELSEWHERE_MS);
				}
			} finally {
				stopped = true;
				await Promise.all(clients);
			}
			report("G11 instances", fleet.rig.seed, {
				rotation_out_ms: Math.round(slowest.out),
				rotation_back_ms: Math.round(slowest.back),
			});
		},
		deadlineMs(60_000, 3),
	);

	test("G11: all that was served meanwhile is in the books", async () => {
		const { findings } = auditInstances({
			books: await readPostgresBooks(fleet.databaseUrl),
			calls: fleet.rig.upstream.ledger(),
			sightings,
			rates: RATES,
			budgets: { keys: new Map(), teams: new Map() },
		});
		expect(findings).toEqual({});
	}, 30_000);
});

async function takeAwayAll(fleet: Fleet, keys: number, boundMs: number) {
	const ended: Ended[] = [];
	let left = keys;
	await Promise.all(
		Array.from({ length: AT_ONCE }, async (_, index) => {
			const random = fleet.rig.random.fork(`admin ${index} of ${keys}`);
			while (left > 0) {
				left -= 1;
				ended.push(await endKey(fleet, random, boundMs));
			}
		}),
	);
	const slowest = (figures: readonly number[]) => Math.round(Math.max(0, ...figures));
	const all = {
		lateHere: ended.flatMap(({ lateHere }) => lateHere),
		lateElsewhere: ended.flatMap(({ lateElsewhere }) => lateElsewhere),
		cutHere: ended.flatMap(({ cutHere }) => cutHere),
		cutElsewhere: ended.flatMap(({ cutElsewhere }) => cutElsewhere),
	};
	expect(all.lateHere).toEqual([]);
	expect(all.lateElsewhere.filter((ms) => ms > boundMs)).toEqual([]);
	expect(all.cutHere.filter((ms) => ms > CUT_HERE_MS)).toEqual([]);
	expect(all.cutElsewhere.filter((ms) => ms > CUT_ELSEWHERE_MS)).toEqual([]);
	return {
		keys: ended.length,
		accepted_here_afterwards: 0,
		last_accepted_elsewhere_ms: slowest(all.lateElsewhere),
		slowest_cut_here_ms: slowest(all.cutHere),
		slowest_cut_elsewhere_ms: slowest(all.cutElsewhere),
	};
}

async function endKey(fleet: Fleet, random: Random, boundMs: number): Promise<Ended> {
	const taker = random.int(0, INSTANCES - 1);
	const way: Way = random.chance(0.7) ? "revoke" : "disable";
	const key = await mintKey(at(fleet, random.int(0, INSTANCES - 1)));
	await everywhere(fleet, "the key", async (gateway) => (await ask(gateway, key, random)).status === 200);
	const accepted: { readonly instance: number; readonly sentAtMs: number }[] = [];
	let goneAtMs = Number.POSITIVE_INFINITY;
	let streaming = 0;
	const clients = Array.from({ length: CLIENTS }, async (_, index) => {
		const own = random.fork(`${key.id} ${index}`);
		const instance = index % INSTANCES;
		while (performance.now() < goneAtMs + boundMs + AFTERWARDS_MS) {
			const answer = await ask(at(fleet, instance), key, own);
			if (answer.status === 200) {
				accepted.push({ instance, sentAtMs: answer.sentAtMs });
			} else {
				// One that is in flight is cut, which has the same word for either way.
				expect(answer.status).toBe(401);
				expect(["key_revoked", CODES[way]]).toContain(codeOf(answer) ?? "");
				await Bun.sleep(PAUSE_MS);
			}
		}
	});
	const streams = Array.from({ length: INSTANCES }, async (_, instance) => {
		const answer = await ask(at(fleet, instance), key, random.fork(`${key.id} stream ${instance}`), "chat", () => {
			streaming += 1;
		});
		expect({ status: answer.status, kind: outcomeOf(answer, true).kind }).toEqual({ status: 200, kind: "error" });
		return { instance, endedAtMs: answer.endedAtMs };
	});
	// A stream that ended before anybody took its key away would prove nothing.
	await until("the streams", () => streaming === INSTANCES, 20_000);
	await Bun.sleep(random.int(20, 120));
	const gateway = at(fleet, taker);
	const { status } =
		way === "revoke"
			? await gateway.admin("DELETE", `/keys/${key.id}`)
			: await gateway.admin("PATCH", `/keys/${key.id}`, { enabled: false });
	goneAtMs = performance.now();
	expect([200, 204]).toContain(status);
	await Promise.all(clients);
	const cuts = await Promise.all(streams);
	const late = accepted.filter(({ sentAtMs }) => sentAtMs > goneAtMs);
	const after = (ms: number) => Math.max(0, ms - goneAtMs);
	return {
		way,
		lateHere: late.filter(({ instance }) => instance === taker).map(({ sentAtMs }) => after(sentAtMs)),
		lateElsewhere: late.filter(({ instance }) => instance !== taker).map(({ sentAtMs }) => after(sentAtMs)),
		cutHere: cuts.filter(({ instance }) => instance === taker).map(({ endedAtMs }) => after(endedAtMs)),
		cutElsewhere: cuts.filter(({ instance }) => instance !== taker).map(({ endedAtMs }) => after(endedAtMs)),
	};
}

type Holds = (gateway: GatewayProcess) => Promise<boolean>;

/** @returns Milliseconds until the last instance does as it was told, by when the question was sent. */
async function everywhere(fleet: Fleet, what: string, holds: Holds): Promise<number> {
	const toldAtMs = performance.now();
	const each = await Promise.all(
		fleet.gateways.map((gateway) =>
			until(`${what} on ${gateway.url}`, async () => {
				const askedAtMs = performance.now();
				return (await holds(gateway)) ? Math.max(1, askedAtMs - toldAtMs) : undefined;
			}),
		),
	);
	return Math.max(...each);
}

/** @param onStream The answer is to be a stream; told of its first event. */
async function ask(
	{ url }: GatewayProcess,
	key: RigKey,
	random: Random,
	model = "chat",
	onStream?: () => void,
): Promise<Exchange> {
	const messages = [{ role: "user", content: promptOf(random, random.int(3, 20)) }];
	const stream = onStream === undefined ? {} : { stream: true };
	let isTold = false;
	const request: ExchangeRequest = {
		url,
		key: key.secret,
		body: { model, max_tokens: 100, messages, ...stream },
		onText(text) {
			if (!isTold && text !== "") {
				isTold = true;
				onStream?.();
			}
			return false;
		},
	};
	const answer = await exchange(request);
	const outcome = outcomeOf(answer, onStream !== undefined);
	const { requestId } = outcome;
	if (requestId !== undefined) {
		sightings.push({ ...outcome, requestId, stream: onStream !== undefined });
	}
	return answer;
}

function at(fleet: Fleet, instance: number): GatewayProcess {
	const gateway = fleet.gateways[instance % INSTANCES];
	if (gateway === undefined) {
		throw new Error(`instance ${instance} does not run: ${fleet.gateways.length} do`);
	}
	return gateway;
}

function codeOf(answer: Exchange): string | undefined {
	return /"code":\s*"(\w+)"/.exec(answer.text)?.[1];
}

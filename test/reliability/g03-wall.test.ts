/**
 * G3 by the wall clock. Goal: a running gateway keeps limits under a storm, and lets through what it promises.
 *
 * Measure: 60 seconds (short form: 3) of 24 clients that ask again as soon as they are refused, on a key with a limit of
 * requests, one of tokens and one of requests in flight:
 * - in every stretch of time no more is admitted than capacity and refill, and one;
 * - at least 99 % of capacity and refill is admitted over the whole;
 * - the provider never has more at once than the parallel limit, and that many at some time.
 */
import { expect, test } from "bun:test";
import type { GatewayProcess } from "../support/process.ts";
import { type Mood, promptOf } from "./call-plan.ts";
import { exchange } from "./exchange.ts";
import type { Random } from "./random.ts";
import { createRig, mintKey, type RigKey, stopCleanly } from "./rig.ts";
import { deadlineMs, report, scaled } from "./scale.ts";
import { type Admission, worstStretch } from "./stretch.ts";

const SECONDS = scaled(3, 60);
const CLIENTS_A_KEY = 8;
/** Requests a minute: a burst of so many, then ten or more a second. */
const RPM = scaled(300, 1_200);
const TPM = scaled(12_000, 48_000);
const PARALLEL = 5;
/** No sleep shorter than this between two refusals: the load itself must not be what is measured. */
const BACK_OFF_MS = 40;

const MOOD: Mood = { fates: { answers: 100 }, delayMs: [3, 12], streamMs: [0, 10], tokens: [5, 60], greedy: 0 };

test(
	`G3: ${SECONDS} s of storm against a running gateway`,
	async () => {
		await using rig = await createRig("G3 wall", MOOD, { aliases: { chat: ["m-one"], slots: ["m-two"] } });
		await using gateway = await rig.start();
		const byRequests = await mintKey(gateway, { rpm: RPM });
		const byTokens = await mintKey(gateway, { tpm: TPM });
		const bySlots = await mintKey(gateway, { max_parallel_requests: PARALLEL });
		const startedAt = performance.now();
		const [requests, tokens, slots] = await Promise.all([
			storm(gateway, byRequests, rig.random.fork("rpm"), "chat"),
			storm(gateway, byTokens, rig.random.fork("tpm"), "chat"),
			storm(gateway, bySlots, rig.random.fork("parallel"), "slots"),
		]);
		const elapsedMs = performance.now() - startedAt;
		await stopCleanly(gateway);
		await rig.upstream.idle();
		const used = new Map(
			rig.upstream.ledger().map((call) => [call.request_id, call.prompt_tokens + call.completion_tokens] as const),
		);
		const tokensOf = (one: Admission) => used.get(one.requestId) ?? 0;

		const overRequests = worstStretch(requests, () => 1, RPM);
		const overTokens = worstStretch(tokens, tokensOf, TPM);
		const share = (got: number, limit: number) => got / (limit + (limit * elapsedMs) / 60_000);
		const usedRequests = share(requests.length, RPM);
		const usedTokens = share(
			tokens.reduce((sum, one) => sum + tokensOf(one), 0),
			TPM,
		);
		const atOnce = rig.upstream.atOnceMax("m-two");
		report("G3 wall", rig.seed, {
			seconds: Math.round(elapsedMs / 1_000),
			rpm: { admitted: requests.length, over: Math.ceil(overRequests), used: percent(usedRequests) },
			tpm: { admitted: tokens.length, over: Math.ceil(overTokens), used: percent(usedTokens) },
			parallel: { admitted: slots.length, at_once: atOnce },
		});
		expect(overRequests).toBeLessThanOrEqual(1);
		// One request's tokens: its estimate is taken when it comes, its output is known when it ends.
		expect(overTokens).toBeLessThanOrEqual(CLIENTS_A_KEY * 60);
		expect(usedRequests).toBeGreaterThanOrEqual(0.99);
		expect(usedTokens).toBeGreaterThanOrEqual(0.99);
		expect(atOnce).toBe(PARALLEL);
	},
	deadlineMs(30_000, 3),
);

async function storm(
	gateway: GatewayProcess,
	key: RigKey,
	random: Random,
	alias: string,
): Promise<readonly Admission[]> {
	const admitted: Admission[] = [];
	const endAt = performance.now() + SECONDS * 1_000;
	async function client(): Promise<void> {
		while (performance.now() < endAt) {
			const content = promptOf(random, random.int(5, 40));
			const answer = await exchange({
				url: gateway.url,
				key: key.secret,
				body: { model: alias, max_tokens: 60, messages: [{ role: "user", content }] },
			});
			if (answer.status === 200) {
				const { sentAtMs, endedAtMs } = answer;
				admitted.push({ requestId: answer.header("x-request-id") ?? "", sentAtMs, endedAtMs });
			} else {
				expect(answer.status).toBe(429);
				await Bun.sleep(BACK_OFF_MS);
			}
		}
	}
	await Promise.all(Array.from({ length: CLIENTS_A_KEY }, client));
	return admitted;
}

function percent(share: number): string {
	return `${(share * 100).toFixed(2)}%`;
}

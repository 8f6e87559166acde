/**
 * G3, three instances. Goal: limits that several gateways share by Redis hold as if there were one, and nothing is held back.
 *
 * Measure, by what was admitted and by the provider's own ledger:
 * - what a request waited for in vain may be decided by an instance's part: so many are the only ones that may come on top;
 * - three times the limit at once, spread over three instances, for limits of 7, 30, 90 and 300 of each kind, and again with
 *   more busy processes on the machine than it has processors: never more than the limit and its refill, and one;
 * - twice the limit for 60 seconds (short form: 3), evenly and 90 % to one instance, as JSON and as streams: in every stretch of
 *   time no more than capacity and refill; over the whole at least 99 % of it (short form: 95 %);
 * - never more at once at the provider than the parallel limit;
 * - a team's limit over several keys, and limits changed in mid-run;
 * - whoever comes back after `Retry-After` is served.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { GatewayProcess } from "../support/process.ts";
import { until } from "../support/wait.ts";
import { startBusyProcesses } from "./busy-processes.ts";
import type { Mood } from "./call-plan.ts";
import { createFleet, type Fleet } from "./fleet.ts";
import {
	type AskOptions,
	allowed,
	alone,
	askOnce,
	burst,
	isAdmitted,
	mintKnown,
	paced,
	percent,
	strange,
	surelyThere,
	type Told,
	together,
} from "./limit-storm.ts";
import type { RigKey } from "./rig.ts";
import { deadlineMs, report, scaled } from "./scale.ts";
import { worstStretch } from "./stretch.ts";

const LIMITS = scaled([7, 30, 90], [7, 30, 90, 300]);
const SECONDS = scaled(3, 60);
const USED_MIN = scaled(0.95, 0.99);
/** Of many corrections at once a little is lost, always to the caller's cost: a bucket keeps no more than 16 of its lows. */
const TOKENS_USED_MIN = scaled(0.95, 0.98);
const MAX_TOKENS = 60;
const MOOD: Mood = { fates: { answers: 100 }, delayMs: [3, 12], streamMs: [5, 40], tokens: [5, MAX_TOKENS], greedy: 0 };
/** Whole answers of one token, all under way together. */
const SLOW: Mood = { ...MOOD, delayMs: [300, 400], tokens: [1, 1] };
const BUSY = 4;

const created = await createFleet("G3 instances", MOOD, {
	instances: 3,
	aliases: { chat: ["m-one"], slots: ["m-two"] },
});
afterAll(() => created?.[Symbol.asyncDispose]());

describe.skipIf(created === undefined)("three instances", () => {
	// Skipped where it is undefined.
	const fleet = created as Fleet;
	const { rig } = fleet;
	const tell = (figures: Readonly<Record<string, unknown>>) => report("G3 instances", rig.seed, figures);
	/** Since the last time. */
	let before = { waits: 0, downs: 0 };
	let estimate: Promise<number> | undefined;
	async function decidedAlone() {
		const now = await alone(fleet);
		const since = { waits: now.waits - before.waits, downs: now.downs - before.downs };
		before = now;
		return since;
	}
	const options = (name: string, more: Partial<AskOptions> = {}): AskOptions => ({
		random: rig.random.fork(name),
		maxTokens: MAX_TOKENS,
		...more,
	});
	beforeAll(() => together(fleet));

	async function burstOf(kind: "rpm" | "tpm", limit: number, unit: number, name: string) {
		const key = await mintKnown(fleet, { [kind]: limit * unit });
		const told = await burst(fleet, key, limit * 3, options(name));
		expect(strange(told)).toEqual([]);
		return { told, admitted: told.filter(isAdmitted).length, most: Math.floor(allowed(told, limit)) };
	}

	test.each(LIMITS)(
		"G3: three times a limit of %d at once",
		async (limit) => {
			rig.upstream.setMood(SLOW);
			const rpm = await burstOf("rpm", limit, 1, `rpm ${limit}`);
			estimate ??= estimateOf(fleet, options("estimate"));
			const size = await estimate;
			const tpm = await burstOf("tpm", limit, size, `tpm ${limit}`);
			const slots = await mintKnown(fleet, { max_parallel_requests: limit });
			const parallel = await burst(fleet, slots, limit * 3, options("slots", { alias: "slots" }));
			await rig.upstream.idle();
			const since = await decidedAlone();
			tell({
				limit,
				rpm: { admitted: rpm.admitted, most: rpm.most },
				tpm: { admitted: tpm.admitted, most: tpm.most, estimate: size },
				parallel: { admitted: parallel.filter(isAdmitted).length, at_once: rig.upstream.atOnceMax("m-two") },
				decided_alone: since,
			});
			expect(strange(parallel)).toEqual([]);
			expect(rpm.admitted).toBeLessThanOrEqual(rpm.most + 1 + since.waits);
			expect(rpm.admitted).toBeGreaterThanOrEqual(Math.floor(limit * USED_MIN));
			// What was not needed of an estimate is given back at the end: those who come later may use it.
			expect(tokensOf(fleet, tpm.told)).toBeLessThanOrEqual((tpm.most + 1 + since.waits) * size);
			expect(tpm.admitted).toBeGreaterThanOrEqual(Math.floor(limit * USED_MIN));
			// The limits grow from one case to the next: the most that ever were at once belongs to this one.
			expect(rig.upstream.atOnceMax("m-two")).toBeLessThanOrEqual(limit);
			expect(parallel.filter(isAdmitted).length).toBeGreaterThanOrEqual(limit * USED_MIN);
		},
		deadlineMs(60_000, 3),
	);

	test(
		`G3: three times a limit of 30 at once, ${BUSY} busy processes beside`,
		async () => {
			rig.upstream.setMood(SLOW);
			await using busy = startBusyProcesses(BUSY, 60);
			const over: number[] = [];
			for (let round = 0; round < scaled(4, 25); round += 1) {
				const { admitted, most } = await burstOf("rpm", 30, 1, `busy ${round}`);
				over.push(admitted - most);
			}
			const since = await decidedAlone();
			tell({ busy: busy.count, over, decided_alone: since });
			expect(Math.max(...over)).toBeLessThanOrEqual(1 + Math.min(since.waits, 30));
		},
		deadlineMs(60_000, 3),
	);

	/** Uses up the bucket, then asks for twice its refill. */
	async function sustained(key: RigKey, limit: number, unit: number, more: SustainedOptions): Promise<readonly Told[]> {
		const asking = { ...more, pickKey: () => key };
		const told: Told[] = [];
		// What a request was taken for is corrected at its end: the bucket is used up when a whole round finds it so.
		for (let isUsedUp = false; !isUsedUp; ) {
			const round = await paced(fleet, { ...asking, perSecond: 150, seconds: limit / unit / 150 / 3 });
			told.push(...round);
			isUsedUp = round.filter(isAdmitted).length < round.length / 2;
		}
		const perSecond = (limit / unit / 60) * 2;
		return [...told, ...(await paced(fleet, { ...asking, perSecond, seconds: SECONDS }))];
	}

	test(
		`G3: twice the limit for ${SECONDS} s`,
		async () => {
			rig.upstream.setMood(MOOD);
			const [heavy] = fleet.gateways;
			const uneven = rig.random.fork("uneven");
			const mostlyOne = () => (uneven.chance(0.9) ? (heavy as GatewayProcess) : fleet.next());
			const mint = (limits: Readonly<Record<string, number>>) => mintKnown(fleet, limits);
			const [rpm, tpm] = [scaled(240, 600), scaled(9_000, 24_000)];
			const keys = await Promise.all([mint({ rpm }), mint({ rpm }), mint({ tpm }), mint({ tpm })]);
			const [evenKey, unevenKey, jsonKey, streamKey] = keys as [RigKey, RigKey, RigKey, RigKey];
			const evenly = { ...options("even"), pickGateway: fleet.next };
			const [even, skewed, json, streams] = await Promise.all([
				sustained(evenKey, rpm, 1, evenly),
				sustained(unevenKey, rpm, 1, { ...options("uneven"), pickGateway: mostlyOne }),
				sustained(jsonKey, tpm, 40, { ...options("json"), pickGateway: fleet.next }),
				sustained(streamKey, tpm, 40, { ...options("streams", { stream: true }), pickGateway: mostlyOne }),
			]);
			await rig.upstream.idle();
			const tokens = usedTokens(fleet);
			const figures = (told: readonly Told[], limit: number, unitsOf: (one: Told) => number) => {
				const admitted = told.filter(isAdmitted);
				const units = admitted.reduce((sum, one) => sum + unitsOf(one), 0);
				const byId = new Map(admitted.map((one) => [one.requestId, unitsOf(one)]));
				return {
					asked: told.length,
					admitted: admitted.length,
					used: units / surelyThere(told, limit),
					over: worstStretch(admitted, ({ requestId }) => byId.get(requestId) ?? 0, limit),
				};
			};
			const byRequest = [even, skewed].map((told) => figures(told, rpm, () => 1));
			const byToken = [json, streams].map((told) => figures(told, tpm, ({ requestId }) => tokens.get(requestId) ?? 0));
			const shown = [...byRequest, ...byToken].map((one) => ({
				...one,
				used: percent(one.used),
				over: Math.ceil(one.over),
			}));
			const since = await decidedAlone();
			tell({
				seconds: SECONDS,
				...Object.fromEntries(
					["rpm_even", "rpm_uneven", "tpm_json", "tpm_streams"].map((name, at) => [name, shown[at]]),
				),
				decided_alone: since,
			});
			expect(strange([...even, ...skewed, ...json, ...streams])).toEqual([]);
			for (const { over, used } of byRequest) {
				expect(over).toBeLessThanOrEqual(1 + since.waits);
				expect(used).toBeGreaterThanOrEqual(USED_MIN);
			}
			for (const [index, { over, used }] of byToken.entries()) {
				// An estimate is taken when a request comes; its output is known when it ends.
				expect(over).toBeLessThanOrEqual((atOnceMost([json, streams][index] ?? []) + since.waits) * MAX_TOKENS);
				expect(used).toBeGreaterThanOrEqual(TOKENS_USED_MIN);
			}
		},
		deadlineMs(60_000, 4),
	);

	test(
		"G3: a team's limit over its keys, each with its own",
		async () => {
			rig.upstream.setMood(SLOW);
			const team = `crew-${rig.seed}`;
			const set = await fleet.next().admin("PUT", `/teams/${team}`, { rpm: 90 });
			expect(set.status).toBe(200);
			const keys = await Promise.all([0, 1, 2].map(() => mintKnown(fleet, { team, rpm: 40 })));
			await Bun.sleep(1_500);
			const told = (
				await Promise.all(keys.map((key, index) => burst(fleet, key, 90, options(`team ${index}`))))
			).flat();
			const admitted = told.filter(isAdmitted);
			const ofKeys = keys.map(({ id }) => admitted.filter(({ keyId }) => keyId === id).length);
			tell({ team: admitted.length, keys: ofKeys, most: Math.floor(allowed(told, 90)) });
			expect(strange(told)).toEqual([]);
			expect(admitted.length).toBeLessThanOrEqual(Math.floor(allowed(told, 90)) + 1);
			expect(admitted.length).toBeGreaterThanOrEqual(90 * USED_MIN);
			for (const count of ofKeys) {
				expect(count).toBeLessThanOrEqual(Math.floor(allowed(told, 40)) + 1);
			}
		},
		deadlineMs(60_000, 3),
	);

	test(
		"G3: limits changed in mid-run hold on all instances, and what was used carries over",
		async () => {
			rig.upstream.setMood(MOOD);
			const key = await mintKnown(fleet, { rpm: 60 });
			const change = async (rpm: number) => {
				const answer = await fleet.next().admin("PATCH", `/keys/${key.id}`, { rpm });
				expect(answer.status).toBe(200);
				// Each instance says what it goes by.
				await Promise.all(
					fleet.gateways.map((gateway) =>
						until(`${rpm} a minute`, async () => {
							const { limits } = (await gateway.get("/v1/me", key.secret)).json<MeLimits>();
							return limits.rpm?.limit === rpm;
						}),
					),
				);
			};
			const first = await burst(fleet, key, 120, options("before"));
			await change(240);
			const raised = await burst(fleet, key, 400, options("raised"));
			await change(30);
			const lowered = await burst(fleet, key, 60, options("lowered"));
			const all = [...first, ...raised, ...lowered];
			const counts = [first, raised, lowered].map((told) => told.filter(isAdmitted).length);
			tell({ rpm: [60, 240, 30], admitted: counts, most: Math.floor(allowed(all, 240)) });
			expect(strange(all)).toEqual([]);
			expect(counts[0]).toBeLessThanOrEqual(Math.floor(allowed(first, 60)) + 1);
			expect((counts[0] ?? 0) + (counts[1] ?? 0)).toBeLessThanOrEqual(
				Math.floor(allowed([...first, ...raised], 240)) + 1,
			);
			expect((counts[0] ?? 0) + (counts[1] ?? 0)).toBeGreaterThanOrEqual(240 * USED_MIN);
			// Far more than that was used of the minute.
			expect(counts[2]).toBe(0);
		},
		deadlineMs(60_000, 3),
	);

	test(
		"G3: whoever comes back after Retry-After is served",
		async () => {
			rig.upstream.setMood({ ...MOOD, delayMs: [1, 3] });
			const rpm = 90;
			const [lone, shared] = await Promise.all([0, 1].map(() => mintKnown(fleet, { rpm })));
			const asking = options("retry");
			const comeBack = async (key: RigKey, times: number) => {
				const served: boolean[] = [];
				while (served.length < times) {
					const refused = await askOnce(fleet.next(), key, asking);
					if (refused.status === 429) {
						await Bun.sleep((refused.retryAfter ?? 0) * 1_000);
						served.push((await askOnce(fleet.next(), key, asking)).status === 200);
					}
				}
				return served;
			};
			await Promise.all([lone, shared].map((key) => burst(fleet, key as RigKey, rpm + 30, asking)));
			const rounds = scaled(3, 10);
			const [alone, ...among] = await Promise.all([
				comeBack(lone as RigKey, rounds),
				...[0, 1, 2, 3].map(() => comeBack(shared as RigKey, rounds)),
			]);
			const share = (served: readonly boolean[]) => percent(served.filter(Boolean).length / served.length);
			tell({ retry_after_alone: share(alone ?? []), retry_after_among_four: share(among.flat()) });
			expect(alone).toEqual(Array.from({ length: rounds }, () => true));
		},
		deadlineMs(60_000, 3),
	);
});

type SustainedOptions = AskOptions & { readonly pickGateway: () => GatewayProcess };

interface MeLimits {
	readonly limits: { readonly rpm?: { readonly limit?: number } };
}

/** Tokens by request, as the provider booked them. */
function usedTokens({ rig }: Fleet): ReadonlyMap<string, number> {
	return new Map(
		rig.upstream.ledger().map((call) => [call.request_id, call.prompt_tokens + call.completion_tokens] as const),
	);
}

function tokensOf(fleet: Fleet, told: readonly Told[]): number {
	const tokens = usedTokens(fleet);
	return told.reduce((sum, { requestId }) => sum + (tokens.get(requestId) ?? 0), 0);
}

/** The most requests that were served together. */
function atOnceMost(told: readonly Told[]): number {
	const served = told.filter(isAdmitted);
	return Math.max(
		...served.map(
			({ sentAtMs }) => served.filter((one) => one.sentAtMs <= sentAtMs && one.endedAtMs >= sentAtMs).length,
		),
	);
}

/** What a request is taken for when it comes: the least limit of tokens that it fits into. */
async function estimateOf(fleet: Fleet, asking: AskOptions): Promise<number> {
	let [tooSmall, enough] = [0, 256];
	while (enough - tooSmall > 1) {
		const tpm = Math.ceil((tooSmall + enough) / 2);
		const key = await mintKnown(fleet, { tpm });
		const { status } = await askOnce(fleet.next(), key, asking);
		[tooSmall, enough] = status === 200 ? [tooSmall, tpm] : [tpm, enough];
	}
	return enough;
}

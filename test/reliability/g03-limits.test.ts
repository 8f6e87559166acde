/**
 * G3. Goal: limits let through what they promise, no more and hardly less, and say exactly when to come back.
 *
 * Measure, by a clock of its own: a million requests (short form: 50,000) with random limits, teams, pauses, corrections
 * and changes of limits, next to an exact model that shares no code:
 * - nothing is admitted that the model refuses, which is to say: no stretch of time gets more than capacity and refill;
 * - at least 99 % of what the model would admit is admitted;
 * - never more in flight than the parallel limit;
 * - after exactly the named time the same request is admitted, a millisecond earlier it is not.
 */
import { expect, test } from "bun:test";
import { createMemoryLimiter } from "../../src/limits/memory.ts";
import type { LimitSubject, LimitTicket } from "../../src/limits/types.ts";
import { type BucketModel, createBucketModel } from "./bucket-model.ts";
import { chooseSeed, createRandom, type Random } from "./random.ts";
import { deadlineMs, report, scaled } from "./scale.ts";

const REQUESTS = scaled(50_000, 1_000_000);
const REQUESTS_A_WORLD = 400;

interface SimulatedSubject {
	limits: LimitSubject;
	readonly rpm: BucketModel;
	readonly tpm: BucketModel;
	parallel: number;
}

interface Running {
	readonly ticket: LimitTicket;
	readonly subjects: readonly SimulatedSubject[];
	readonly tokens: number;
}

interface Tally {
	asked: number;
	admitted: number;
	/** Refused although the model would have admitted. */
	withheld: number;
	waitsChecked: number;
	waitsLate: number;
	corrections: number;
	changes: number;
	readonly wrong: unknown[];
}

test(
	`G3: ${REQUESTS} simulated requests against an exact model`,
	() => {
		const seed = chooseSeed("G3");
		const random = createRandom(seed);
		let atMs = 1_000;
		// The monotonic clock has fractions.
		const clock = { now: () => 0, monotonic: () => atMs };
		const pause = (ms: number) => {
			atMs += ms;
		};
		const limiter = createMemoryLimiter({ clock });
		const tally: Tally = {
			asked: 0,
			admitted: 0,
			withheld: 0,
			waitsChecked: 0,
			waitsLate: 0,
			corrections: 0,
			changes: 0,
			wrong: [],
		};
		for (let world = 0; tally.asked < REQUESTS; world += 1) {
			simulate({
				random: random.fork(String(world)),
				limiter,
				now: () => Math.floor(atMs),
				pause,
				name: String(world),
				tally,
			});
		}
		const { wrong, ...figures } = tally;
		const admissible = figures.admitted + figures.withheld;
		report("G3", seed, {
			...figures,
			used: `${((100 * figures.admitted) / admissible).toFixed(3)}%`,
			violations: wrong.length,
		});
		expect(wrong.slice(0, 3)).toEqual([]);
		expect(figures.admitted / admissible).toBeGreaterThanOrEqual(0.99);
		expect(figures.waitsChecked).toBeGreaterThan(REQUESTS / 100);
	},
	deadlineMs(30_000, 5),
);

interface World {
	readonly random: Random;
	readonly limiter: ReturnType<typeof createMemoryLimiter>;
	now(): number;
	pause(ms: number): void;
	readonly name: string;
	readonly tally: Tally;
}

/** A key or two and their team for some hundred requests. */
function simulate(world: World): void {
	const { random, limiter, tally } = world;
	const team = random.chance(0.5) ? [subject(random, `team:${world.name}`, 3)] : [];
	const keys = Array.from({ length: random.int(1, 3) }, (_, index) => subject(random, `key:${world.name}-${index}`, 1));
	const running: Running[] = [];
	const pace = random.pick([2, 20, 200, 2_000, 20_000]);
	for (let count = 0; count < REQUESTS_A_WORLD; count += 1) {
		world.pause(pauseOf(random, pace));
		while (running.length > 0 && (random.chance(0.45) || running.length > 40)) {
			finish(world, running.splice(random.int(0, running.length - 1), 1)[0]);
		}
		if (random.chance(0.02)) {
			const changed = random.pick([...keys, ...team]);
			changed.limits = { ...limitsOf(random, changed.limits.id, 1), parallel: changed.limits.parallel };
			tally.changes += 1;
		}
		request(world, [random.pick(keys), ...team], running);
	}
	for (const one of running) {
		finish(world, one);
	}
	for (const { limits } of [...keys, ...team]) {
		limiter.forget(limits.id);
	}
}

function request(world: World, subjects: readonly SimulatedSubject[], running: Running[]): void {
	const { random, limiter, tally } = world;
	const largest = Math.min(...subjects.map(({ limits }) => limits.tpm ?? 4_000));
	const tokens = random.chance(0.02)
		? largest + random.int(1, 100)
		: random.int(0, Math.max(1, Math.floor(largest / random.pick([1, 4, 20, 60]))));
	tally.asked += 1;
	const limits = subjects.map((one) => one.limits);
	const decision = limiter.take(limits, tokens);
	const atMs = world.now();
	const model = subjects.map((one) => ({
		tpm: one.tpm.waitMs(tokens, one.limits.tpm, atMs),
		rpm: one.rpm.waitMs(1, one.limits.rpm, atMs),
		full: one.limits.parallel !== undefined && one.parallel >= one.limits.parallel,
	}));
	const modelAdmits = model.every(({ tpm, rpm, full }) => tpm === 0 && rpm === 0 && !full);
	if ("ticket" in decision) {
		tally.admitted += 1;
		if (!modelAdmits) {
			tally.wrong.push({ world: world.name, tokens, limits, model });
		}
		const one = { ticket: decision.ticket, subjects, tokens };
		running.push(one);
		for (const { tpm, rpm } of subjects) {
			tpm.take(tokens, one, atMs);
			rpm.take(1, one, atMs);
			rpm.close(one);
		}
		for (const held of subjects) {
			held.parallel += 1;
		}
		return;
	}
	tally.withheld += modelAdmits ? 1 : 0;
	const { kind, retryAfterMs } = decision.refusal;
	if (kind === "parallel") {
		return;
	}
	const waits = model.flatMap(({ tpm, rpm }) => [tpm, rpm]);
	const never = waits.includes(undefined);
	if (never !== (retryAfterMs === undefined)) {
		tally.wrong.push({ never, retryAfterMs, model });
	} else if (retryAfterMs !== undefined && random.chance(0.3)) {
		checkWait(world, { subjects, tokens, retryAfterMs, exact: Math.max(...waits.map((wait) => wait ?? 0)) });
	}
}

/** Comes back a millisecond early, and in time. What is admitted then is given back at once, as far as it can be. */
function checkWait(
	{ limiter, tally, pause, now }: World,
	one: { subjects: readonly SimulatedSubject[]; tokens: number; retryAfterMs: number; exact: number },
): void {
	const { subjects, tokens, retryAfterMs, exact } = one;
	const unbounded = subjects.map(({ limits }) => ({ ...limits, parallel: undefined }));
	tally.waitsChecked += 1;
	if (retryAfterMs < exact) {
		tally.wrong.push({ early: retryAfterMs, exact });
	}
	// Where many corrections were merged the bucket knows a little less than the model, and never the other way.
	tally.waitsLate += retryAfterMs > exact ? 1 : 0;
	pause(retryAfterMs - 1);
	const early = limiter.take(unbounded, tokens);
	if ("ticket" in early || early.refusal.retryAfterMs !== 1) {
		tally.wrong.push({ retryAfterMs, aMillisecondEarlier: early });
	}
	pause(1);
	const inTime = limiter.take(unbounded, tokens);
	if (!("ticket" in inTime)) {
		tally.wrong.push({ retryAfterMs, inTime });
		return;
	}
	const atMs = now();
	const ticket = {};
	for (const { limits, tpm, rpm } of subjects) {
		if (!tpm.fits(tokens, limits.tpm, atMs) || !rpm.fits(1, limits.rpm, atMs)) {
			tally.wrong.push({ retryAfterMs, admittedBeforeTheModel: limits });
		}
		tpm.take(tokens, ticket, atMs);
		rpm.take(1, ticket, atMs);
		tpm.close(ticket);
		rpm.close(ticket);
	}
	inTime.ticket.release();
}

function finish({ random, tally, now }: World, one: Running | undefined): void {
	if (one === undefined) {
		return;
	}
	if (random.chance(0.8)) {
		const total = random.chance(0.75) ? random.int(0, one.tokens) : one.tokens + random.int(0, one.tokens + 50);
		one.ticket.correctTokens(total);
		tally.corrections += 1;
		for (const { tpm } of one.subjects) {
			tpm.correct(one, total, now());
		}
	}
	one.ticket.release();
	for (const held of one.subjects) {
		held.tpm.close(one);
		held.parallel -= 1;
	}
}

function subject(random: Random, id: string, scale: number): SimulatedSubject {
	return { limits: limitsOf(random, id, scale), rpm: createBucketModel(), tpm: createBucketModel(), parallel: 0 };
}

function limitsOf(random: Random, id: string, scale: number): LimitSubject {
	const maybe = (value: number) => (random.chance(0.15) ? undefined : value);
	return {
		id,
		rpm: maybe(scale * random.pick([1, 7, 60, 600, 6_001, 90_000])),
		tpm: maybe(scale * random.pick([100, 1_013, 10_000, 100_000, 2_000_000])),
		parallel: maybe(scale * random.int(1, 30)),
	};
}

function pauseOf(random: Random, pace: number): number {
	return random.weighted({ none: 40, short: 50, long: 10 }) === "none"
		? 0
		: random.real() * random.pick([pace, pace, pace * 12]);
}

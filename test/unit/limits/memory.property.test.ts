import { expect, test } from "bun:test";
import fc from "fast-check";
import { createMemoryLimiter } from "../../../src/limits/memory.ts";
import type { LimitSubject, LimitTicket } from "../../../src/limits/types.ts";
import { createFakeClock } from "./fake-clock.ts";

const steps = fc.array(
	fc.record({
		pauseMs: fc.oneof(fc.constant(0), fc.nat(50), fc.nat(20_000), fc.nat(200_000)),
		tokens: fc.nat(1_200),
		/** Which open request is corrected and released before this step, and to what share of its estimate. */
		settles: fc.option(fc.record({ pick: fc.nat(), share: fc.double({ min: 0, max: 1, noNaN: true }) }), {
			nil: undefined,
		}),
	}),
	{ minLength: 1, maxLength: 120 },
);

const limits = fc.record({ rpm: fc.integer({ min: 1, max: 500 }), tpm: fc.integer({ min: 100, max: 5_000 }) });

interface Admitted {
	readonly ticket: LimitTicket;
	readonly atMs: number;
	readonly estimate: number;
	total: number;
}

/** The most that was used in any stretch, minus what burst and refill allow for it. At most 0 when the limit held. */
function overshoot(admitted: readonly Admitted[], unitsOf: (one: Admitted) => number, limit: number): number {
	let worst = Number.NEGATIVE_INFINITY;
	for (let from = 0; from < admitted.length; from += 1) {
		let sum = 0;
		for (const one of admitted.slice(from)) {
			sum += unitsOf(one);
			worst = Math.max(worst, sum - limit - (limit * (one.atMs - (admitted[from]?.atMs ?? 0))) / 60_000);
		}
	}
	return worst;
}

test("no schedule gets more than its burst and its refill, also counting real totals settled late", () => {
	fc.assert(
		fc.property(limits, steps, ({ rpm, tpm }, schedule) => {
			const clock = createFakeClock();
			const limiter = createMemoryLimiter({ clock });
			const key: LimitSubject = { id: "key:a", rpm, tpm, parallel: undefined };
			const admitted: Admitted[] = [];
			const open: Admitted[] = [];
			for (const { pauseMs, tokens, settles } of schedule) {
				clock.advance(pauseMs);
				const [settled] = settles ? open.splice(settles.pick % Math.max(1, open.length), 1) : [];
				if (settles && settled) {
					settled.total = Math.ceil(settled.estimate * settles.share);
					settled.ticket.correctTokens(settled.total);
					settled.ticket.release();
				}
				const decision = limiter.take([key], tokens);
				if ("ticket" in decision) {
					const one = { ticket: decision.ticket, atMs: clock.monotonic(), estimate: tokens, total: tokens };
					admitted.push(one);
					open.push(one);
				}
			}
			// A hair for the division by 60,000 in this oracle; the buckets themselves are exact integers.
			expect(overshoot(admitted, () => 1, rpm)).toBeLessThanOrEqual(1e-6);
			expect(overshoot(admitted, (one) => one.total, tpm)).toBeLessThanOrEqual(1e-6);
		}),
		{ numRuns: 400 },
	);
});

test("after exactly the named time the same request fits, a millisecond earlier it does not", () => {
	fc.assert(
		fc.property(limits, steps, fc.nat(1_200), ({ rpm, tpm }, schedule, tokens) => {
			const clock = createFakeClock();
			const limiter = createMemoryLimiter({ clock });
			const subjects: LimitSubject[] = [
				{ id: "key:a", rpm, tpm, parallel: undefined },
				{ id: "team:t", rpm: rpm + 3, tpm: tpm * 2, parallel: undefined },
			];
			for (const step of schedule) {
				clock.advance(step.pauseMs % 500);
				const decision = limiter.take(subjects, step.tokens);
				if ("ticket" in decision && step.settles) {
					decision.ticket.correctTokens(step.tokens + (step.settles.pick % 3_000));
				}
			}
			const decision = limiter.take(subjects, tokens);
			if (!("refusal" in decision)) {
				return;
			}
			const { retryAfterMs } = decision.refusal;
			if (retryAfterMs === undefined) {
				expect(tokens).toBeGreaterThan(tpm);
				return;
			}
			expect(retryAfterMs).toBeGreaterThanOrEqual(1);
			clock.advance(retryAfterMs - 1);
			expect(limiter.take(subjects, tokens)).toMatchObject({ refusal: { retryAfterMs: 1 } });
			clock.advance(1);
			expect(limiter.take(subjects, tokens)).toHaveProperty("ticket");
		}),
		{ numRuns: 500 },
	);
});

test("never more at once than the parallel limit, and every release makes room", () => {
	fc.assert(
		fc.property(
			fc.integer({ min: 1, max: 5 }),
			fc.array(fc.record({ take: fc.boolean(), pick: fc.nat() }), { maxLength: 200 }),
			(parallel, schedule) => {
				const limiter = createMemoryLimiter({ clock: createFakeClock() });
				const key: LimitSubject = { id: "key:a", rpm: undefined, tpm: undefined, parallel };
				const running: LimitTicket[] = [];
				const finished: LimitTicket[] = [];
				for (const { take, pick } of schedule) {
					if (take) {
						const decision = limiter.take([key], 1);
						expect("ticket" in decision).toBe(running.length < parallel);
						if ("ticket" in decision) {
							running.push(decision.ticket);
						}
					} else {
						finished.push(...running.splice(pick % Math.max(1, running.length), 1));
						for (const ticket of finished) {
							ticket.release();
						}
					}
					expect(limiter.levels(key).parallelUsed).toBe(running.length);
				}
			},
		),
	);
});

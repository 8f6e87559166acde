import type { MemoryLimiter } from "../../src/limits/memory.ts";
import type { Limiter, LimitSubject } from "../../src/limits/types.ts";
import { type BucketModel, createBucketModel } from "../reliability/bucket-model.ts";
import type { Fail } from "./routing-state.ts";
import type { SimulatedTime } from "./routing-time.ts";

interface Watched {
	limits: LimitSubject;
	readonly rpm: BucketModel;
	readonly tpm: BucketModel;
	running: number;
}

/** The real limiter, beside an exact model that shares no code with it: who is let in, and who is let out again. */
export function watchLimiter(limiter: MemoryLimiter, time: SimulatedTime, fail: Fail) {
	const watched = new Map<string, Watched>();
	let corrected = 0;

	function watch(limits: LimitSubject): Watched {
		const known = watched.get(limits.id) ?? { limits, rpm: createBucketModel(), tpm: createBucketModel(), running: 0 };
		known.limits = limits;
		watched.set(limits.id, known);
		return known;
	}

	const spied: Limiter = {
		take(subjects, promptTokens) {
			const atMs = Math.floor(time.clock.monotonic());
			const models = subjects.map(watch);
			const full = models.some(({ limits: { parallel }, running }) => parallel !== undefined && running >= parallel);
			const waits = models.flatMap(({ rpm, tpm, limits }) => [
				rpm.waitMs(1, limits.rpm, atMs),
				tpm.waitMs(promptTokens, limits.tpm, atMs),
			]);
			const fits = !full && waits.every((wait) => wait === 0);
			const decision = limiter.take(subjects, promptTokens);
			if ("ticket" in decision !== fits) {
				fail("limits let in what fits and nothing else", { subjects, promptTokens, fits, waits, full });
			}
			if ("refusal" in decision) {
				const { kind, retryAfterMs } = decision.refusal;
				const exact = Math.max(...waits.map((wait) => wait ?? 0));
				if (kind !== "parallel" && !waits.includes(undefined) && retryAfterMs !== exact) {
					fail("a limit says exactly when there is room", { subjects, retryAfterMs, exact });
				}
				return decision;
			}
			const key = {};
			let isReleased = false;
			for (const model of models) {
				model.rpm.take(1, key, atMs);
				model.rpm.close(key);
				model.tpm.take(promptTokens, key, atMs);
				model.running += 1;
			}
			return {
				ticket: {
					correctTokens(total) {
						corrected += total;
						decision.ticket.correctTokens(total);
						for (const { tpm } of models) {
							tpm.correct(key, total, Math.floor(time.clock.monotonic()));
						}
					},
					release() {
						decision.ticket.release();
						for (const model of isReleased ? [] : models) {
							model.tpm.close(key);
							model.running -= 1;
						}
						isReleased = true;
					},
				},
			};
		},
		levels: limiter.levels,
		forget: limiter.forget,
	};

	return {
		limiter: spied,
		/** Tokens that estimates were replaced by, all in all. */
		correctedTokens: () => corrected,
		/** At any moment: no more at once than is allowed, and as many as there are. */
		check(): void {
			for (const { limits, running } of watched.values()) {
				if (running < 0 || (limits.parallel !== undefined && running > limits.parallel)) {
					fail("no more in flight than is allowed", { subject: limits.id, running, limit: limits.parallel });
				}
			}
		},
		/** When nothing runs any more. */
		checkIdle(): void {
			for (const { limits } of watched.values()) {
				const { parallelUsed } = limiter.levels(limits);
				if (parallelUsed !== 0) {
					fail("every slot is given back", { subject: limits.id, parallelUsed });
				}
			}
		},
	};
}

import { takeAlone } from "./shared-alone.ts";
import type { SharedCaller } from "./shared-caller.ts";
import { takeHeld } from "./shared-lease.ts";
import { aloneBuckets, isLimited, type SharedSubject, type Stamp } from "./shared-subject.ts";
import { createSharedTicket } from "./shared-ticket.ts";
import type { LimitDecision, LimitRefusal } from "./types.ts";

export interface DeciderDeps {
	/** undefined: there is nobody to ask, ever. */
	readonly caller: Pick<SharedCaller, "ask"> | undefined;
	readonly canAsk: () => boolean;
	readonly instances: () => number;
	/** Whole monotonic milliseconds. */
	readonly nowMs: () => number;
	readonly deadlineMs: number;
	readonly onNews: (subject: SharedSubject, isUrgent: boolean) => void;
}

/** Decides about requests by what is held here, by asking, or alone. */
export function createDecider({ caller, canAsk, instances, nowMs, deadlineMs, onNews }: DeciderDeps) {
	const counts = { waits: 0, waitsFailed: 0, alone: 0, refusals: 0 };

	function admit(subjects: readonly SharedSubject[], tokens: number, told?: Stamp): LimitDecision {
		const held = subjects.map((subject) => ({ subject, stamp: told ?? subject.stamp }));
		for (const subject of subjects) {
			subject.running += 1;
			onNews(subject, false);
		}
		const ticket = createSharedTicket({
			held,
			tokens,
			takenAtMs: nowMs(),
			nowMs,
			aloneOf: (subject, atMs) => (canAsk() ? subject.alone : aloneBuckets(subject, instances(), atMs)),
			onNews,
		});
		return { ticket };
	}
	function refuse(refusal: LimitRefusal): LimitDecision {
		counts.refusals += 1;
		return { refusal };
	}
	function alone(subjects: readonly SharedSubject[], tokens: number): LimitDecision {
		counts.alone += 1;
		const refusal = takeAlone(subjects, tokens, { instances: instances(), atMs: nowMs(), isUp: canAsk() });
		return refusal ? refuse(refusal) : admit(subjects, tokens);
	}
	function ask(subjects: readonly SharedSubject[], tokens: number): Promise<LimitDecision> {
		counts.waits += 1;
		const limited = subjects.filter(({ limits }) => isLimited(limits));
		const { promise, resolve } = Promise.withResolvers<LimitDecision>();
		caller?.ask({
			subjects: limited,
			tokens,
			patienceMs: deadlineMs,
			isDone: false,
			expired() {
				counts.waitsFailed += 1;
				resolve(alone(subjects, tokens));
			},
			decided(refusal, sharedMs) {
				if (refusal === undefined) {
					resolve(admit(subjects, tokens, { sharedMs }));
				} else {
					const { kind, retryAfterMs } = refusal;
					const { id = "", limits } = limited[refusal.subject] ?? {};
					resolve(refuse({ subject: id, kind, limit: limits?.[kind] ?? 0, retryAfterMs }));
				}
			},
		});
		return promise;
	}
	return {
		counts,
		refuse,
		decide(subjects: readonly SharedSubject[], tokens: number): LimitDecision | Promise<LimitDecision> {
			if (!canAsk()) {
				return alone(subjects, tokens);
			}
			return takeHeld(subjects, tokens) ? admit(subjects, tokens) : ask(subjects, tokens);
		},
	};
}

import type { Timers } from "../instances/timers.ts";
import type { Clock } from "../lib/clock.ts";
import type { BudgetAuthority, BudgetLease, BudgetShare } from "./authority-types.ts";
import { clamped } from "./exact-nano.ts";
import { type LeasePart, positive, unusedOf } from "./lease-part.ts";
import type { LeaseParts } from "./lease-parts.ts";

/** What is asked of the authority about one budget. */
export interface LeaseAsk {
	readonly part: LeasePart;
	/** The entitlement from now on: what is above it is given back. */
	readonly keep: bigint;
	readonly need: bigint;
	readonly ahead: bigint;
}

export interface LeaseCall {
	readonly asks: readonly LeaseAsk[];
}

/** How a call ended: its needs were granted or refused, nobody answered, or its answer is not wanted any more. */
export type LeaseEnding = "granted" | "refused" | "failed" | "abandoned";

export interface LeaseCallsDeps {
	readonly authority: BudgetAuthority;
	readonly clock: Clock;
	readonly timers: Timers;
	readonly parts: Pick<LeaseParts, "watch">;
	/** Told once for each change: whether the authority answers. */
	readonly onState: (answers: boolean) => void;
}

/** Calls to the authority: one at a time about a part, each with its own deadline. */
export interface LeaseCalls {
	/** None of the parts may be in another call. What the answer says is in the parts before `onEnded` is called. */
	send(asks: readonly LeaseAsk[], onEnded: (ending: LeaseEnding) => void): LeaseCall;
	/** The answer of the call that a part is in does not count any more. */
	abandon(part: LeasePart): void;
	abandonAll(): void;
	/** The last call had no answer. */
	isAway(): boolean;
}

/** After this long without an answer a call is taken not to have granted anything. */
const CALL_MS = 1_000;

interface Sent extends LeaseCall {
	readonly end: (ending: LeaseEnding) => void;
}

export function createLeaseCalls(deps: LeaseCallsDeps): LeaseCalls {
	const { authority, clock, timers, parts, onState } = deps;
	const open = new Set<Sent>();
	let sequence = 0;
	let away = false;

	function send(asks: readonly LeaseAsk[], onEnded: (ending: LeaseEnding) => void): LeaseCall {
		const unusedNano = asks.map((ask) => {
			ask.part.called = true;
			ask.part.entitled = ask.keep;
			return positive(unusedOf(ask.part));
		});
		const stopWaiting = timers.after(CALL_MS, () => end("failed"));
		const call: Sent = { asks, end };
		open.add(call);

		function end(ending: LeaseEnding): void {
			if (!open.delete(call)) {
				return;
			}
			stopWaiting();
			for (const { part } of asks) {
				part.called = false;
				part.uncertain = ending === "failed" || ending === "abandoned";
				parts.watch(part);
			}
			if (ending !== "abandoned") {
				tell(ending !== "failed");
			}
			onEnded(ending);
		}

		function answered({ granted, shares }: BudgetLease): void {
			// The answer to a call that is over says what was, not what is.
			if (!open.has(call)) {
				return;
			}
			if (shares.length !== asks.length) {
				end("failed");
				return;
			}
			for (const [index, ask] of asks.entries()) {
				const share = shares[index];
				if (share !== undefined) {
					apply(ask, share, granted, unusedNano[index] ?? 0n, clock.monotonic());
				}
			}
			end(granted ? "granted" : "refused");
		}

		sequence += 1;
		authority.lease(asks.map(claimOf), sequence).then(answered, () => end("failed"));
		return call;
	}

	function tell(answers: boolean): void {
		if (away === answers) {
			away = !answers;
			onState(answers);
		}
	}

	return {
		send,
		abandon(part) {
			// Whoever waited for it asks anew at once: only the calls of this moment are meant.
			for (const call of [...open]) {
				if (call.asks.some((ask) => ask.part === part)) {
					call.end("abandoned");
				}
			}
		},
		abandonAll() {
			for (const call of [...open]) {
				call.end("abandoned");
			}
		},
		isAway: () => away,
	};
}

function apply(ask: LeaseAsk, share: BudgetShare, granted: boolean, unusedNano: bigint, nowMs: number): void {
	const { part, keep, need, ahead } = ask;
	part.entitled = BigInt(share.entitledNano);
	part.told = {
		freeNano: BigInt(share.freeNano),
		spentNano: BigInt(share.spentNano),
		limitNano: part.limit,
		atMs: nowMs,
	};
	if (granted && ahead > 0n) {
		const got = positive(part.entitled - keep - need);
		part.ceiling = got < ahead ? got + (need > 0n ? 0n : unusedNano) : undefined;
	}
}

function claimOf({ part, keep, need, ahead }: LeaseAsk) {
	return {
		subject: part.subject,
		month: part.month,
		limitNano: clamped(part.limit),
		entitledNano: clamped(keep),
		needNano: clamped(need),
		aheadNano: clamped(ahead),
	};
}

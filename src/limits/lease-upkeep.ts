import type { Timers } from "../instances/timers.ts";
import type { Clock } from "../lib/clock.ts";
import type { LeaseAsk, LeaseCalls, LeaseEnding } from "./lease-calls.ts";
import type { LeaseLine } from "./lease-line.ts";
import { type LeasePart, surplusOf, targetOf } from "./lease-part.ts";
import type { LeaseParts } from "./lease-parts.ts";
import { createLeaseTopUp } from "./lease-top-up.ts";

export interface LeaseUpkeepDeps {
	readonly clock: Clock;
	readonly timers: Timers;
	readonly parts: LeaseParts;
	readonly calls: Pick<LeaseCalls, "isAway">;
	readonly line: Pick<LeaseLine, "isEmpty" | "send">;
	/** Rolls the month, if it is time to. */
	readonly roll: () => void;
}

/** What nobody waits for: holding enough ahead of need, and giving back what is too much. */
export interface LeaseUpkeep {
	/** Something was reserved. */
	reserved(part: LeasePart): void;
	/** Stops, and gives back everything that is unused. Resolves when the authority knows, or does not answer. */
	close(): Promise<void>;
}

/** What is not needed is back at the authority after twice this time. */
const GIVE_BACK_MS = 1_000;
/** How many times things are given back between two looks for what can be forgotten. */
const FORGET_ROUNDS = 30;
/** Subjects in one call. */
const ASKS_MAX = 500;

export function createLeaseUpkeep(deps: LeaseUpkeepDeps): LeaseUpkeep {
	const { clock, timers, parts, line, roll } = deps;
	const topUp = createLeaseTopUp(deps);
	let rounds = 0;
	let running: Promise<void> | undefined;
	let closed = false;

	/** As many as one call takes. */
	function tooMuch(): LeaseAsk[] {
		const nowMs = clock.monotonic();
		const asks: LeaseAsk[] = [];
		for (const part of parts.watched()) {
			if (part.called || !line.isEmpty(part)) {
				continue;
			}
			const surplus = surplusOf(part, closed || part.month !== parts.month() ? 0n : targetOf(part, nowMs));
			if (surplus > 0n || part.uncertain) {
				asks.push({ part, keep: part.entitled - surplus, need: 0n, ahead: 0n });
			} else if (surplusOf(part, 0n) === 0n) {
				parts.unwatch(part);
			}
			if (asks.length === ASKS_MAX) {
				break;
			}
		}
		return asks;
	}

	/** One call after the other, until nothing is too much. What fails is tried again the next time. */
	async function giveAllBack(): Promise<void> {
		let ending: LeaseEnding = "granted";
		for (let asked = ASKS_MAX; ending === "granted" && asked === ASKS_MAX; ) {
			roll();
			const asks = tooMuch();
			asked = asks.length;
			if (asked > 0) {
				ending = await new Promise<LeaseEnding>((resolve) => line.send(asks, resolve));
			}
		}
	}

	function giveBack(): Promise<void> {
		running ??= giveAllBack().finally(() => {
			running = undefined;
		});
		return running;
	}

	const stopRounds = timers.every(GIVE_BACK_MS, () => {
		void giveBack();
		rounds += 1;
		if (rounds % FORGET_ROUNDS === 0) {
			parts.forgetIdle((part) => part.called || !line.isEmpty(part));
		}
	});

	return {
		reserved: topUp.reserved,
		async close() {
			closed = true;
			stopRounds();
			topUp.close();
			await running;
			await giveBack();
		},
	};
}

import { type AloneBuckets, PARTS_PER_UNIT, type SharedSubject, type Stamp } from "./shared-subject.ts";
import { giveBackUnits, refill, takeUnits } from "./token-bucket.ts";
import type { LimitTicket } from "./types.ts";

/** A subject of an admitted request, and when its use was, or will be, told. */
export interface HeldSubject {
	readonly subject: SharedSubject;
	readonly stamp: Stamp;
}

export interface SharedTicketDeps {
	readonly held: readonly HeldSubject[];
	readonly tokens: number;
	/** Whole monotonic milliseconds. */
	readonly takenAtMs: number;
	readonly nowMs: () => number;
	/** The buckets to correct while nobody can be told, if that is so. */
	readonly aloneOf: (subject: SharedSubject, atMs: number) => AloneBuckets | undefined;
	/** There is something to tell of it; `isUrgent`: others may be waiting for the slot. */
	readonly onNews: (subject: SharedSubject, isUrgent: boolean) => void;
}

/** Beyond this part of the slots, one that comes free is offered to the other instances at once. */
const NEARLY_ALL = 0.9;

export function createSharedTicket(deps: SharedTicketDeps): LimitTicket {
	let counted = deps.tokens;
	let isReleased = false;
	return {
		correctTokens(total): void {
			const units = wholeUnits(total);
			const nowMs = deps.nowMs();
			for (const held of deps.held) {
				if (units !== counted && held.subject.limits.tpm !== undefined) {
					correct(held, units - counted, nowMs, deps);
					deps.onNews(held.subject, false);
				}
			}
			counted = units;
		},
		release(): void {
			if (isReleased) {
				return;
			}
			isReleased = true;
			for (const { subject } of deps.held) {
				subject.running -= 1;
				const { parallel } = subject.limits;
				deps.onNews(subject, parallel !== undefined && subject.slotsOfAll >= parallel * NEARLY_ALL);
			}
		},
	};
}

function correct(held: HeldSubject, more: number, nowMs: number, { takenAtMs, aloneOf }: SharedTicketDeps): void {
	const { subject, stamp } = held;
	const alone = aloneOf(subject, nowMs);
	if (alone) {
		refill(alone.tpm, alone.tpm.limit, nowMs);
	}
	if (more > 0) {
		if (alone) {
			takeUnits(alone.tpm, more);
		} else {
			subject.tpm.spent += more * PARTS_PER_UNIT;
		}
	} else if (alone && takenAtMs >= alone.sinceMs) {
		giveBackUnits(alone.tpm, -more, takenAtMs);
	} else {
		const last = subject.credits.at(-1);
		if (last?.stamp === stamp) {
			last.units -= more;
		} else {
			subject.credits.push({ units: -more, stamp });
		}
		subject.credited -= more;
	}
}

/** Limits count whole tokens. A count that is no number is a bug of the caller: better nothing than NaN in a bucket. */
export function wholeUnits(value: number): number {
	return value > 0 && Number.isFinite(value) ? Math.ceil(value) : 0;
}

import type { Clock } from "../lib/clock.ts";
import { createLeasePart, type LeasePart, surplusOf } from "./lease-part.ts";
import { type Month, monthOf, nextMonthStartMs } from "./month.ts";

/** What is kept of a subject that has been idle for a while: without it, its entitlement would mean nothing. */
interface Kept {
	readonly entitled: bigint;
	readonly settled: bigint;
}

/** The parts of the present month, by subject, and those of older ones that still hold something. */
export interface LeaseParts {
	/** The present month rolls when it is next looked at, and only ever forward. True = it has just done so. */
	roll(): boolean;
	month(): Month;
	resetAtMs(): number;
	/** Of the present month; made when there is none. */
	of(subject: string): LeasePart;
	/** Of the present month, if it is known at all. */
	find(subject: string): LeasePart | undefined;
	/** It may have something to give back, or the authority something to be told. */
	watch(part: LeasePart): void;
	watched(): ReadonlySet<LeasePart>;
	/** Whatever is unused may not be reserved any more: the authority is asked anew. */
	voidUnused(part: LeasePart): void;
	/** Nothing to give back, nothing to tell. */
	unwatch(part: LeasePart): void;
	/** Idle subjects shrink to two figures, those without any are forgotten. */
	forgetIdle(isInUse: (part: LeasePart) => boolean): void;
	/** Everything that was ever granted is void, and what was settled is counted elsewhere: open reservations remain. */
	beginAnew(): void;
	/** Parts in full, and subjects in short. */
	sizes(): { readonly parts: number; readonly kept: number };
}

/** Idle for this long, a subject shrinks. */
const KEPT_SHORT_AFTER_MS = 60_000;

export function createLeaseParts(clock: Clock): LeaseParts {
	let month = monthOf(clock.now());
	let resetAtMs = nextMonthStartMs(month);
	/** Open holds know the parts of older months: no new request looks there. */
	let parts = new Map<string, LeasePart>();
	let kept = new Map<string, Kept>();
	const watched = new Set<LeasePart>();

	function find(subject: string): LeasePart | undefined {
		const part = parts.get(subject);
		if (part !== undefined) {
			return part;
		}
		const short = kept.get(subject);
		return short === undefined ? undefined : revive(subject, short);
	}

	function revive(subject: string, { entitled, settled }: Kept): LeasePart {
		kept.delete(subject);
		return added(createLeasePart(subject, month, entitled, settled));
	}

	function added(part: LeasePart): LeasePart {
		part.usedAtMs = clock.monotonic();
		parts.set(part.subject, part);
		return part;
	}

	function forgetIdle(isInUse: (part: LeasePart) => boolean): void {
		const idleSinceMs = clock.monotonic() - KEPT_SHORT_AFTER_MS;
		for (const part of parts.values()) {
			if (part.usedAtMs > idleSinceMs || part.reserved > 0n || watched.has(part) || isInUse(part)) {
				continue;
			}
			parts.delete(part.subject);
			if (part.entitled > 0n || part.settled > 0n) {
				kept.set(part.subject, { entitled: part.entitled, settled: part.settled });
			}
		}
	}

	return {
		roll() {
			const now = clock.now();
			if (now < resetAtMs) {
				return false;
			}
			month = monthOf(now);
			resetAtMs = nextMonthStartMs(month);
			parts = new Map();
			kept = new Map();
			return true;
		},
		month: () => month,
		resetAtMs: () => resetAtMs,
		of: (subject) => find(subject) ?? added(createLeasePart(subject, month, 0n, 0n)),
		find,
		watch(part) {
			if (part.uncertain || surplusOf(part, 0n) > 0n) {
				watched.add(part);
			}
		},
		voidUnused(part) {
			const surplus = surplusOf(part, 0n);
			if (surplus > 0n) {
				part.entitled -= surplus;
				part.uncertain = true;
				watched.add(part);
			}
		},
		watched: () => watched,
		unwatch: (part) => watched.delete(part),
		forgetIdle,
		beginAnew() {
			kept = new Map();
			for (const part of [...parts.values(), ...watched]) {
				part.entitled = 0n;
				part.settled = 0n;
				part.told = undefined;
			}
		},
		sizes: () => ({ parts: parts.size, kept: kept.size }),
	};
}

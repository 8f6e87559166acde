import { LIMITS_SCRIPT, SHARED_KEYS, subjectKey } from "../redis/limits-script.ts";
import type { SharedCounters } from "./shared-types.ts";

/** What an instance tells of a subject, and asks. Read by `redis/limits-script.ts`, whose names these are. */
export interface ToldSubject {
	/** tpm, rpm, parallel; -1 = none. */
	readonly limits: readonly [number, number, number];
	/** Requests under way, and slots kept on top of them. */
	readonly slots: readonly [number, number];
	/** Units kept: tokens, requests. */
	readonly held: readonly [number, number];
	/** Used in all, and what of it the counters know: tokens, requests; in 1/60,000. */
	readonly use: readonly [number, number, number, number];
	/** Tokens given back: what the counters know of, in all, and the difference one by one with the time of their use (-1 = now). */
	readonly credits: readonly [number, number, readonly (readonly [units: number, sharedMs: number])[]];
	/** The buckets as this instance knows them. */
	readonly views: readonly [number, number];
	readonly epoch: string;
	/** Which of its states of this subject it speaks of: one that was forgotten and begun again is another one. */
	readonly life: number;
	/** What it would like to hold: tokens, requests, spare slots. */
	readonly want: readonly [number, number, number];
}

/** Tokens, then the subjects, by their number from 1. */
export type AskedRequest = readonly [tokens: number, ...subjects: number[]];

export interface SharedCall {
	readonly instance: string;
	readonly sequence: number;
	/** How many instances there are, as far as the caller knows. */
	readonly instances: number;
	/** Of an instance not seen for so long, slots and units are free. */
	readonly expiryMs: number;
	readonly isLast: boolean;
	readonly subjects: readonly { readonly id: string; readonly told: ToldSubject }[];
	readonly requests: readonly AskedRequest[];
	/** The time, in tests. */
	readonly nowMs?: number | undefined;
}

export interface SharedRefusal {
	/** By its number from 0. */
	readonly subject: number;
	readonly kind: "tpm" | "rpm" | "parallel";
	readonly retryAfterMs: number | undefined;
}

export interface SharedMeterAnswer {
	/** In 1/60,000. */
	readonly used: number;
	readonly othersHold: number;
	readonly held: number;
}

export interface SharedSubjectAnswer {
	readonly tpm: SharedMeterAnswer;
	readonly rpm: SharedMeterAnswer;
	readonly running: number;
	readonly slots: number;
	readonly othersRunning: number;
	readonly othersSlots: number;
}

export interface SharedAnswer {
	/** Another one than before: the counters have lost their data. */
	readonly epoch: string;
	/** Their time. */
	readonly nowMs: number;
	readonly live: number;
	/** undefined = admitted. */
	readonly decisions: readonly (SharedRefusal | undefined)[];
	readonly subjects: readonly SharedSubjectAnswer[];
}

/** Rejects like the counters do, and when the answer is none of the script. */
export async function callShared(counters: Pick<SharedCounters, "run">, call: SharedCall): Promise<SharedAnswer> {
	const keys = [...SHARED_KEYS, ...call.subjects.map(({ id }) => subjectKey(id))];
	const text = JSON.stringify({
		i: call.instance,
		q: call.sequence,
		n: call.instances,
		x: call.expiryMs,
		l: call.isLast ? 1 : 0,
		e: `${call.instance}.${call.sequence}`,
		s: call.subjects.map(({ told }) => told),
		r: call.requests,
	});
	const answer = await counters.run(LIMITS_SCRIPT, keys, call.nowMs === undefined ? [text] : [text, `${call.nowMs}`]);
	if (!Array.isArray(answer) || answer.length !== 5) {
		throw new Error("the shared counters gave no answer of this call");
	}
	const [epoch, nowMs, live, decisions, subjects]: readonly unknown[] = answer;
	if (list(decisions).length !== call.requests.length || list(subjects).length !== call.subjects.length) {
		throw new Error("the shared counters did not answer all of this call");
	}
	return {
		epoch: String(epoch),
		nowMs: Number(nowMs),
		live: Number(live),
		decisions: list(decisions).map(readDecision),
		subjects: list(subjects).map(readSubject),
	};
}

function readDecision(raw: unknown): SharedRefusal | undefined {
	if (!Array.isArray(raw)) {
		return undefined;
	}
	const [subject, kind, wait]: readonly unknown[] = raw;
	return {
		subject: Number(subject) - 1,
		kind: kind === "tpm" || kind === "rpm" ? kind : "parallel",
		retryAfterMs: Number(wait) < 0 ? undefined : Number(wait),
	};
}

function readSubject(raw: unknown): SharedSubjectAnswer {
	const numbers = list(raw).map(Number);
	const at = (index: number) => numbers[index] ?? 0;
	return {
		tpm: { used: at(0), othersHold: at(1), held: at(2) },
		rpm: { used: at(3), othersHold: at(4), held: at(5) },
		running: at(6),
		slots: at(7),
		othersRunning: at(8),
		othersSlots: at(9),
	};
}

function list(raw: unknown): readonly unknown[] {
	return Array.isArray(raw) ? raw : [];
}

import { expected } from "./shared-demand.ts";
import {
	PARTS_PER_UNIT,
	type SharedMeter,
	type SharedSubject,
	type Stamp,
	unitsLeft,
	usedAlone,
	viewNow,
} from "./shared-subject.ts";
import type { SharedMeterAnswer, SharedSubjectAnswer, ToldSubject } from "./shared-wire.ts";

/** What is leased ahead of need: at most this part of what is left, divided by the instances. */
const AHEAD_PARTS = 10;
/** Credits of more times of use than these are told as if the oldest were older still: they then give back less. */
const CREDITS_MAX = 32;
const UNANSWERED_MAX = 8;
/** The counters forget a subject that nobody speaks of for two minutes. */
const TOUCH_MS = 20_000;

/** What was told in a call that is under way. */
export interface Report {
	readonly subject: SharedSubject;
	readonly told: ToldSubject;
	/** What the call has been lent: nobody here may use it until the answer. */
	readonly isLent: boolean;
	readonly stamps: readonly Stamp[];
	readonly creditsTold: number;
	/** Of the use told: what was used while alone, and how much of it there was in the buckets then. */
	readonly alone: { readonly tpm: number; readonly rpm: number };
	readonly aloneLevels: { readonly tpm: number; readonly rpm: number };
	readonly atMs: number;
}

export interface ReportContext {
	readonly instances: number;
	readonly atMs: number;
	/** True for subjects of which requests are asked for in the same call. */
	readonly isLent: boolean;
}

/** What a subject would like to hold: what the next 250 ms will need, and no more than a small part of what is left. */
export function wanted(subject: SharedSubject, instances: number, atMs: number): readonly [number, number, number] {
	const { limits, demand, tpm, rpm } = subject;
	const next = expected(demand, atMs);
	const part = (left: number) => Math.floor(left / (AHEAD_PARTS * instances));
	const slotsLeft = (limits.parallel ?? 0) - subject.slotsOfAll;
	return [
		limits.tpm === undefined ? 0 : Math.min(next.tokens, part(unitsLeft(tpm, limits.tpm, atMs))),
		limits.rpm === undefined ? 0 : Math.min(next.requests, part(unitsLeft(rpm, limits.rpm, atMs))),
		limits.parallel === undefined ? 0 : Math.min(next.requests, Math.max(0, part(slotsLeft))),
	];
}

/** True when there is something that the counters should know, or get back. */
export function hasNews(subject: SharedSubject, instances: number, atMs: number): boolean {
	const { tpm, rpm, limits } = subject;
	const isBusy = subject.running > 0 || subject.slots > 0 || tpm.held > 0 || rpm.held > 0;
	if (
		tpm.spent !== tpm.told ||
		rpm.spent !== rpm.told ||
		subject.credits.length > 0 ||
		subject.alone !== undefined ||
		(limits.parallel !== undefined && subject.running !== subject.runningTold)
	) {
		return true;
	}
	const [tokens, requests, slots] = wanted(subject, instances, atMs);
	const hasSurplus = tpm.held > tokens || rpm.held > requests || subject.slots - subject.running > slots;
	return hasSurplus || (isBusy && atMs - subject.toldAtMs > TOUCH_MS);
}

/** True when nothing of it is held, running or to be told. */
export function isQuiet({ tpm, rpm, running, slots, limits }: SharedSubject): boolean {
	return tpm.held === 0 && rpm.held === 0 && slots === 0 && (running === 0 || limits.parallel === undefined);
}

/** Says what there is to say, and parts with what is not needed or is lent. */
export function startReport(subject: SharedSubject, { instances, atMs, isLent }: ReportContext): Report {
	const { limits, tpm, rpm } = subject;
	const want = wanted(subject, instances, atMs);
	const held = [keep(tpm, limits.tpm, want[0], isLent), keep(rpm, limits.rpm, want[1], isLent)] as const;
	const spareNow = subject.slotsLimit === limits.parallel ? Math.max(0, subject.slots - subject.running) : 0;
	const spare = isLent ? spareNow : Math.min(spareNow, want[2]);
	subject.slots = Math.min(subject.slots, subject.running + (isLent ? 0 : spare));
	const alone = {
		tpm: usedAlone(subject, "tpm", instances, atMs),
		rpm: usedAlone(subject, "rpm", instances, atMs),
	};
	const stamps = [...subject.unanswered, subject.stamp];
	subject.stamp = { sharedMs: undefined };
	subject.unanswered = stamps.slice(-UNANSWERED_MAX);
	fold(subject.credits);
	return {
		subject,
		isLent,
		stamps,
		alone,
		aloneLevels: { tpm: subject.alone?.tpm.used ?? 0, rpm: subject.alone?.rpm.used ?? 0 },
		creditsTold: subject.credited,
		atMs,
		told: {
			limits: [limits.tpm ?? -1, limits.rpm ?? -1, limits.parallel ?? -1],
			slots: [subject.running, spare],
			held,
			use: [tpm.spent + alone.tpm, tpm.told, rpm.spent + alone.rpm, rpm.told],
			credits: [
				subject.creditedTold,
				subject.credited,
				subject.credits.map(({ units, stamp }) => [units, stamp.sharedMs ?? -1] as const),
			],
			views: [viewNow(tpm, atMs), viewNow(rpm, atMs)],
			epoch: subject.epoch ?? "",
			want,
		},
	};
}

/** What is kept of the units held; the meter is left with what may be used while the call is under way. */
function keep(meter: SharedMeter, limit: number | undefined, want: number, isLent: boolean): number {
	const good = meter.heldLimit === limit ? meter.held : 0;
	const kept = isLent ? good : Math.min(good, want);
	meter.held = isLent ? 0 : kept;
	return kept;
}

/** Two credits of neighbouring times become one at the earlier time, as often as needed. */
function fold(credits: SharedSubject["credits"]): void {
	while (credits.length > CREDITS_MAX) {
		const [first, second, ...rest] = credits;
		if (first && second) {
			const earlier = (first.stamp.sharedMs ?? Infinity) < (second.stamp.sharedMs ?? Infinity) ? first : second;
			credits.splice(0, credits.length, { units: first.units + second.units, stamp: earlier.stamp }, ...rest);
		}
	}
}

export interface Heard {
	readonly answer: SharedSubjectAnswer;
	readonly epoch: string;
	readonly sharedMs: number;
	readonly atMs: number;
}

/** Notes what the counters know now, and what this instance was given. */
export function finishReport(report: Report, { answer, epoch, sharedMs, atMs }: Heard, admitted: Admitted): void {
	const { subject, told, isLent } = report;
	const [tokensUsed, , requestsUsed] = told.use;
	settleMeter(subject, "tpm", report, answer.tpm, tokensUsed + admitted.tokens * PARTS_PER_UNIT, atMs);
	settleMeter(subject, "rpm", report, answer.rpm, requestsUsed + admitted.requests * PARTS_PER_UNIT, atMs);
	subject.alone = undefined;
	subject.slots += answer.slots - (isLent ? told.slots[0] : told.slots[0] + told.slots[1]);
	subject.slotsLimit = told.limits[2] < 0 ? undefined : told.limits[2];
	subject.slotsOfAll = answer.slots + answer.othersSlots;
	subject.runningTold = answer.running;
	subject.creditedTold = report.creditsTold;
	dropCredits(subject, told);
	for (const stamp of report.stamps) {
		stamp.sharedMs = sharedMs;
	}
	subject.unanswered = [];
	subject.epoch = epoch;
	subject.toldAtMs = atMs;
}

/** What the script has admitted of a subject in this call, whether or not somebody still waits for it. */
export interface Admitted {
	readonly tokens: number;
	readonly requests: number;
}

function settleMeter(
	subject: SharedSubject,
	kind: "tpm" | "rpm",
	report: Report,
	answer: SharedMeterAnswer,
	told: number,
	atMs: number,
): void {
	const meter = subject[kind];
	const limit = report.told.limits[kind === "tpm" ? 0 : 1];
	const kept = report.told.held[kind === "tpm" ? 0 : 1];
	// What was used alone while the call was under way is added to what it told of that.
	const since = (subject.alone?.[kind].used ?? 0) - report.aloneLevels[kind];
	meter.spent += report.alone[kind] + Math.max(0, since);
	meter.told = told;
	meter.held = Math.max(0, meter.held + answer.held - (report.isLent ? 0 : kept));
	meter.heldLimit = limit < 0 ? undefined : limit;
	meter.viewUsed = answer.used + (answer.othersHold + answer.held) * PARTS_PER_UNIT;
	meter.viewAtMs = atMs;
	meter.viewLimit = meter.heldLimit;
}

/** Those that were told are at the beginning; more may have come meanwhile, also to the last of them. */
function dropCredits(subject: SharedSubject, told: ToldSubject): void {
	let units = told.credits[2].reduce((sum, [own]) => sum + own, 0);
	while (units > 0 && subject.credits[0]) {
		const [first] = subject.credits;
		const dropped = Math.min(units, first.units);
		units -= dropped;
		first.units -= dropped;
		if (first.units === 0) {
			subject.credits.shift();
		}
	}
}

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
/** 2^50. The same in `redis/limits-script.ts`. */
const USE_WRAP = 1_125_899_906_842_624;
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
	/** undefined: it was not alone when it told. */
	readonly aloneLevels: { readonly tpm: number; readonly rpm: number } | undefined;
	readonly instances: number;
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
	const { tpm, rpm } = subject;
	const isBusy = subject.running > 0 || subject.slots > 0 || tpm.held > 0 || rpm.held > 0;
	if (
		tpm.spent !== tpm.told ||
		rpm.spent !== rpm.told ||
		subject.credits.length > 0 ||
		subject.alone !== undefined ||
		subject.running !== subject.runningTold
	) {
		return true;
	}
	const [tokens, requests, slots] = wanted(subject, instances, atMs);
	const hasSurplus = tpm.held > tokens || rpm.held > requests || subject.slots - subject.running > slots;
	return hasSurplus || (isBusy && atMs - subject.toldAtMs > TOUCH_MS);
}

/** True when nothing of it is held or running. */
export function isQuiet({ tpm, rpm, running, slots }: SharedSubject): boolean {
	return tpm.held === 0 && rpm.held === 0 && slots === 0 && running === 0;
}

/** Says what there is to say, and parts with what is not needed or is lent. */
export function startReport(subject: SharedSubject, { instances, atMs, isLent }: ReportContext): Report {
	const { limits, tpm, rpm } = subject;
	const want = wanted(subject, instances, atMs);
	const held = [keep(tpm, limits.tpm, want[0], isLent), keep(rpm, limits.rpm, want[1], isLent)] as const;
	const spareNow = subject.slotsLimit === limits.parallel ? Math.max(0, subject.slots - subject.running) : 0;
	const spare = isLent ? spareNow : Math.min(spareNow, want[2]);
	subject.slots = subject.running + (isLent ? 0 : spare);
	wrap(tpm);
	wrap(rpm);
	const alone = {
		tpm: usedAlone(subject, "tpm", instances, atMs),
		rpm: usedAlone(subject, "rpm", instances, atMs),
	};
	const stamps = passStamp(subject);
	fold(subject.credits);
	return {
		subject,
		isLent,
		stamps,
		alone,
		aloneLevels: subject.alone && { tpm: subject.alone.tpm.used, rpm: subject.alone.rpm.used },
		instances,
		creditsTold: subject.credited,
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
			life: subject.life,
			want,
		},
	};
}

/** Those of all that this call tells; what is used from now on is told by a later one. */
function passStamp(subject: SharedSubject): readonly Stamp[] {
	const stamps = [...subject.unanswered, subject.stamp];
	subject.stamp = { sharedMs: undefined };
	subject.unanswered = stamps.slice(-UNANSWERED_MAX);
	for (const forgotten of stamps.slice(0, -UNANSWERED_MAX)) {
		// Told again and again without an answer: long ago, for all that is known.
		forgotten.sharedMs = 0;
	}
	return subject.unanswered;
}

/** Sums of use begin again before they lose a digit; the script knows. */
function wrap(meter: SharedMeter): void {
	if (meter.told >= USE_WRAP && meter.spent >= USE_WRAP) {
		meter.told -= USE_WRAP;
		meter.spent -= USE_WRAP;
	}
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
	settleMeter(report, "tpm", answer.tpm, admitted.tokens, atMs);
	settleMeter(report, "rpm", answer.rpm, admitted.requests, atMs);
	subject.alone = undefined;
	const isParallel = told.limits[2] >= 0;
	const slots = subject.slots + answer.slots - (isLent ? told.slots[0] : told.slots[0] + told.slots[1]);
	subject.slots = isParallel ? slots : 0;
	subject.slotsLimit = isParallel ? told.limits[2] : undefined;
	subject.slotsOfAll = answer.slots + answer.othersSlots;
	subject.slotsOfOthers = answer.othersSlots;
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
	report: Report,
	kind: "tpm" | "rpm",
	answer: SharedMeterAnswer,
	admitted: number,
	atMs: number,
): void {
	const { subject, told, instances, aloneLevels } = report;
	const meter = subject[kind];
	const limit = told.limits[kind === "tpm" ? 0 : 1];
	// What was used alone while the call was under way is added to what it told of that.
	const since = aloneLevels
		? (subject.alone?.[kind].used ?? 0) - aloneLevels[kind]
		: usedAlone(subject, kind, instances, atMs);
	meter.spent += report.alone[kind] + Math.max(0, since);
	meter.told = told.use[kind === "tpm" ? 0 : 2] + (limit < 0 ? 0 : admitted * PARTS_PER_UNIT);
	const kept = report.isLent ? 0 : told.held[kind === "tpm" ? 0 : 1];
	meter.held = Math.max(0, meter.held + answer.held - kept);
	meter.heldLimit = limit < 0 ? undefined : limit;
	meter.viewUsed = answer.used + (answer.othersHold + answer.held) * PARTS_PER_UNIT + Math.max(0, since);
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

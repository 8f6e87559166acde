import { type Admitted, finishReport, type Report, startReport } from "./shared-report.ts";
import { PARTS_PER_UNIT, type SharedSubject } from "./shared-subject.ts";
import type { AskedRequest, SharedAnswer, SharedRefusal, SharedSubjectAnswer } from "./shared-wire.ts";

/** A request that is to be admitted by all instances. */
export interface AskedTake {
	/** Those with a limit. */
	readonly subjects: readonly SharedSubject[];
	readonly tokens: number;
	/** Somebody has decided it already: whatever the answer is, it does not count. */
	isDone: boolean;
	/** The refusal's subject is the number of one of its own. */
	decided(refusal: SharedRefusal | undefined, sharedMs: number): void;
}

/** A question about a subject. */
export interface AskedLevels {
	readonly subject: SharedSubject;
	heard(answer: SharedSubjectAnswer): void;
	/** Nobody has answered. */
	failed(): void;
}

export interface Batch {
	readonly reports: readonly Report[];
	readonly requests: readonly AskedRequest[];
	/** Hands the answers out, in the order of the questions. */
	finish(answer: SharedAnswer, atMs: number): void;
}

export interface BatchContents {
	readonly takes: readonly AskedTake[];
	readonly levels: readonly AskedLevels[];
	readonly told: readonly SharedSubject[];
}

/** Puts into one call what is asked and told. What the subjects of requests hold is lent to it. */
export function createBatch({ takes, levels, told }: BatchContents, instances: number, atMs: number): Batch {
	const reports = new Map<SharedSubject, Report>();
	const lent = takes.flatMap(({ subjects }) => subjects);
	for (const subject of lent) {
		if (!reports.has(subject)) {
			reports.set(subject, startReport(subject, { instances, atMs, isLent: true }));
		}
	}
	for (const subject of [...levels.map((asked) => asked.subject), ...told]) {
		if (!reports.has(subject)) {
			reports.set(subject, startReport(subject, { instances, atMs, isLent: false }));
		}
	}
	const numbers = new Map([...reports.keys()].map((subject, index) => [subject, index] as const));
	const numberOf = (subject: SharedSubject) => numbers.get(subject) ?? 0;
	/** The script knows subjects by their number in the call, a request by their number among its own. */
	const ownRefusal = ({ subjects }: AskedTake, refusal: SharedRefusal | undefined) =>
		refusal && { ...refusal, subject: subjects.findIndex((one) => numberOf(one) === refusal.subject) };
	return {
		reports: [...reports.values()],
		requests: takes.map(({ tokens, subjects }) => [tokens, ...subjects.map((one) => numberOf(one) + 1)] as const),
		finish(answer, endedAtMs) {
			const admitted = admittedOf(takes, answer);
			for (const report of reports.values()) {
				const own = answer.subjects[numberOf(report.subject)];
				if (own) {
					const heard = { answer: own, epoch: answer.epoch, sharedMs: answer.nowMs, atMs: endedAtMs };
					finishReport(report, heard, admitted.get(report.subject) ?? { tokens: 0, requests: 0 });
				}
			}
			for (const [index, take] of takes.entries()) {
				if (!take.isDone) {
					decide(take, ownRefusal(take, answer.decisions[index]), answer.nowMs, reports);
				}
			}
			for (const asked of levels) {
				const own = answer.subjects[numberOf(asked.subject)];
				if (own) {
					asked.heard(own);
				}
			}
		},
	};
}

function decide(
	take: AskedTake,
	refusal: SharedRefusal | undefined,
	sharedMs: number,
	reports: ReadonlyMap<SharedSubject, Report>,
): void {
	if (refusal === undefined) {
		for (const subject of take.subjects) {
			const limits = reports.get(subject)?.told.limits ?? [-1, -1, -1];
			subject.tpm.spent += limits[0] < 0 ? 0 : take.tokens * PARTS_PER_UNIT;
			subject.rpm.spent += limits[1] < 0 ? 0 : PARTS_PER_UNIT;
		}
	}
	take.isDone = true;
	take.decided(refusal, sharedMs);
}

/** What the counters have taken, also for requests that nobody waits for any more: they are told so the next time. */
function admittedOf(takes: readonly AskedTake[], answer: SharedAnswer): ReadonlyMap<SharedSubject, Admitted> {
	const sums = new Map<SharedSubject, Admitted>();
	for (const [index, { subjects, tokens }] of takes.entries()) {
		if (answer.decisions[index] === undefined) {
			for (const subject of subjects) {
				const sum = sums.get(subject) ?? { tokens: 0, requests: 0 };
				sums.set(subject, { tokens: sum.tokens + tokens, requests: sum.requests + 1 });
			}
		}
	}
	return sums;
}

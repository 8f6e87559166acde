import { wanted } from "./shared-report.ts";
import { PARTS_PER_UNIT, type SharedSubject } from "./shared-subject.ts";

/** More is leased when less than this part of what is expected is held. */
const LOW = 0.5;
const LEASE_GAP_MS = 20;

/** Takes from what this instance holds of all subjects; false when that does not suffice for one of them. */
export function takeHeld(subjects: readonly SharedSubject[], tokens: number): boolean {
	if (!subjects.every((subject) => holdsEnough(subject, tokens))) {
		return false;
	}
	for (const { tpm, rpm, limits } of subjects) {
		if (limits.tpm !== undefined) {
			tpm.held -= tokens;
			tpm.spent += tokens * PARTS_PER_UNIT;
		}
		if (limits.rpm !== undefined) {
			rpm.held -= 1;
			rpm.spent += PARTS_PER_UNIT;
		}
	}
	return true;
}

/** What was leased under another limit than the one of now does not count. */
function holdsEnough({ tpm, rpm, limits, slots, slotsLimit, running }: SharedSubject, tokens: number): boolean {
	return (
		(limits.tpm === undefined || (tpm.heldLimit === limits.tpm && tpm.held > 0 && tpm.held >= tokens)) &&
		(limits.rpm === undefined || (rpm.heldLimit === limits.rpm && rpm.held > 0)) &&
		(limits.parallel === undefined || (slotsLimit === limits.parallel && slots > running))
	);
}

/** True when what is held will soon be used up, and more would be granted. */
export function runsLow(subject: SharedSubject, instances: number, atMs: number): boolean {
	if (atMs - subject.toldAtMs < LEASE_GAP_MS) {
		return false;
	}
	const [tokens, requests, slots] = wanted(subject, instances, atMs);
	return (
		subject.tpm.held < tokens * LOW ||
		subject.rpm.held < requests * LOW ||
		Math.max(0, subject.slots - subject.running) < slots * LOW
	);
}

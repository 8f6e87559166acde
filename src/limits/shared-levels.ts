import { aloneBuckets, PARTS_PER_UNIT, type SharedSubject } from "./shared-subject.ts";
import type { SharedSubjectAnswer } from "./shared-wire.ts";
import { fullAfterMs, usedUnits } from "./token-bucket.ts";
import type { LimitLevels } from "./types.ts";

/** Of all instances. */
export function levelsOfAll({ limits, running }: SharedSubject, answer: SharedSubjectAnswer): LimitLevels {
	const fullAfter = (used: number, limit: number | undefined) => (limit ? Math.ceil(used / limit) : 0);
	return {
		rpmUsed: Math.ceil(answer.rpm.used / PARTS_PER_UNIT),
		tpmUsed: Math.ceil(answer.tpm.used / PARTS_PER_UNIT),
		rpmFullAfterMs: fullAfter(answer.rpm.used, limits.rpm),
		tpmFullAfterMs: fullAfter(answer.tpm.used, limits.tpm),
		parallelUsed: running + answer.othersRunning,
	};
}

/** Of this instance: its part of each limit, and what of it is used. */
export function levelsAlone(subject: SharedSubject, instances: number, atMs: number): LimitLevels {
	const { tpm, rpm } = aloneBuckets(subject, instances, atMs);
	return {
		rpmUsed: usedUnits(rpm),
		tpmUsed: usedUnits(tpm),
		rpmFullAfterMs: fullAfterMs(rpm),
		tpmFullAfterMs: fullAfterMs(tpm),
		parallelUsed: subject.running,
	};
}

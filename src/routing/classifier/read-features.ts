import { assignRoles, hasSubstance } from "./assign-roles.ts";
import { type Collected, collectSegments, createCollected, resetCollected } from "./collect.ts";
import { FEATURES, writeFeatures } from "./features.ts";
import { ROLE } from "./roles.ts";
import { scanText } from "./scan.ts";
import { createScan, FIELD, FIELDS, type Scan } from "./scan-state.ts";
import type { Tables } from "./tables.ts";
import { unwrap } from "./unwrap.ts";

const CHOICES_MIN = 3;

/** Memory that is used again for every text. */
export interface Reader {
	readonly tables: Tables;
	readonly scan: Scan;
	readonly collected: Collected;
	readonly features: Float32Array;
}

export function createReader(tables: Tables): Reader {
	return { tables, scan: createScan(), collected: createCollected(), features: new Float32Array(FEATURES) };
}

/** Takes a text apart, into `reader.scan`, and finds out what of it is the task. */
export function readText({ scan, tables, collected }: Reader, text: string): void {
	scanText(unwrap(text), tables, scan);
	resetCollected(collected);
	assignRoles(scan, collected);
}

/**
 * The segment at which the last line before `end` begins, or its last sentence if all that is one line; 0 when there is
 * nothing before it.
 */
export function lastPart({ scan, collected }: Reader, end: number): number {
	const { roles, leftOut } = collected;
	let last = end - 1;
	while (last > 0 && (roles[last] ?? 0) & leftOut) {
		last -= 1;
	}
	if (isOfChoices(scan, last)) {
		return 0;
	}
	const line = scan.segmentLine[last];
	let boundary = last;
	while (boundary > 0 && scan.segmentLine[boundary - 1] === line) {
		boundary -= 1;
	}
	return boundary === 0 ? last : boundary;
}

/** Whether a segment is one of several things to choose from: none of them is a line more. */
function isOfChoices({ counts, segments }: Scan, segment: number): boolean {
	if ((counts[segment * FIELDS + FIELD.choices] ?? 0) === 0) {
		return false;
	}
	let choices = 0;
	for (let other = 0; other < segments; other += 1) {
		choices += counts[other * FIELDS + FIELD.choices] ?? 0;
	}
	return choices >= CHOICES_MIN;
}

/** Collects the segments from `from` to before `to` in addition, and works out the features of all before `to`. */
export function readSegments(reader: Reader, from: number, to: number): void {
	const { scan, tables, collected, features } = reader;
	const leftOut = hasSubstance(scan, collected.roles, to)
		? collected.leftOut | ROLE.chatter
		: collected.leftOut & ~ROLE.chatter;
	let start = from;
	if (leftOut !== collected.leftOut && from > 0) {
		// What was taken for all there is turns out to be chatter before the task.
		resetCollected(collected);
		start = 0;
	}
	collected.leftOut = leftOut;
	collectSegments(scan, tables, start, to, collected);
	writeFeatures(collected, features);
}

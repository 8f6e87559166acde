import { type Collected, collectSegments, createCollected, hasSubstance, resetCollected } from "./collect.ts";
import { FEATURES, writeFeatures } from "./features.ts";
import { assignRoles, ROLE } from "./roles.ts";
import { scanText } from "./scan.ts";
import { createScan, type Scan } from "./scan-state.ts";
import type { Tables } from "./tables.ts";
import { unwrap } from "./unwrap.ts";

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
	collected.leftOut = assignRoles(scan, collected.roles);
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
	const line = scan.segmentLine[last];
	let boundary = last;
	while (boundary > 0 && scan.segmentLine[boundary - 1] === line) {
		boundary -= 1;
	}
	return boundary === 0 ? last : boundary;
}

/** Collects the segments from `from` to before `to` in addition, and works out the features of all before `to`. */
export function readSegments(reader: Reader, from: number, to: number): void {
	const { scan, tables, collected, features } = reader;
	const leftOut = hasSubstance(scan, collected, to)
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

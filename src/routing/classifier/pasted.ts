import { classBit } from "./classes.ts";
import type { Collected } from "./collect.ts";
import { fieldOf, ROLE } from "./roles.ts";
import { FIELD, type Scan } from "./scan-state.ts";

/** So many lines of code, of a log or of a table are something pasted, where they are this share of all. */
const PASTED_MIN = 5;
const PASTED_SHARE = 0.5;
const NUMBERS_MIN = 3;
/** Fewer words of substance do not say by themselves what is to be done: "Fix this:". */
const REQUEST_MIN = 2;
const HEAD_MAX = 2;
const CODE = classBit("code");
/** Who asks for any of this asks about all that is pasted. */
const ABOUT_ALL =
	classBit("complaint") | classBit("prove") | classBit("analyse") | classBit("explain") | classBit("systems");

/**
 * Marks what is pasted beside a request that says by itself what is to be done: "What language is this?" and a hundred
 * lines. Returns whether there is such a thing; `unmarkPasted` takes the marks away.
 */
export function markPasted(scan: Scan, { roles, leftOut }: Collected): boolean {
	let pasted = 0;
	let first = -1;
	let last = -1;
	for (let segment = 0; segment < scan.segments; segment += 1) {
		if (fieldOf(scan, segment, FIELD.choices) + fieldOf(scan, segment, FIELD.latex) > 0) {
			return false;
		}
		if (isPasted(scan, segment)) {
			pasted += 1;
			first = first < 0 ? segment : first;
			last = segment;
		}
	}
	if (pasted < PASTED_MIN || pasted < scan.segments * PASTED_SHARE) {
		return false;
	}
	while (first > 0 && isHead(scan, first - 1)) {
		first -= 1;
	}
	let content = 0;
	let classes = 0;
	for (let segment = 0; segment < scan.segments; segment += 1) {
		if ((segment < first || segment > last) && ((roles[segment] ?? 0) & leftOut) === 0) {
			content += fieldOf(scan, segment, FIELD.content);
			classes |= scan.segmentClasses[segment] ?? 0;
		}
	}
	if (content < REQUEST_MIN || (classes & ABOUT_ALL) !== 0) {
		return false;
	}
	for (let segment = first; segment <= last; segment += 1) {
		roles[segment] = (roles[segment] ?? 0) | ROLE.pasted;
	}
	return true;
}

/** "python" after a fence, "class Inventory:". */
function isHead(scan: Scan, segment: number): boolean {
	return (
		fieldOf(scan, segment, FIELD.content) <= HEAD_MAX &&
		((scan.segmentClasses[segment] ?? 0) & CODE) !== 0 &&
		fieldOf(scan, segment, FIELD.questions) === 0
	);
}

export function unmarkPasted({ segments }: Scan, roles: Uint8Array): void {
	for (let segment = 0; segment < segments; segment += 1) {
		roles[segment] = (roles[segment] ?? 0) & ~ROLE.pasted;
	}
}

function isPasted(scan: Scan, segment: number): boolean {
	return (
		fieldOf(scan, segment, FIELD.code) + fieldOf(scan, segment, FIELD.indents) + fieldOf(scan, segment, FIELD.calls) >
			0 || fieldOf(scan, segment, FIELD.numbers) >= NUMBERS_MIN
	);
}

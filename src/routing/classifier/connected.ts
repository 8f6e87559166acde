import { FRAME, STOP } from "./classes.ts";
import { mix } from "./hash.ts";
import { APART, fieldOf, ROLE } from "./roles.ts";
import { FIELD, type Scan } from "./scan-state.ts";

const SLOTS = 1 << 13;
/** The words of the task, each at a place of its own. */
const slotHash = new Uint32Array(SLOTS);
/** The text each place was last used for: what is older counts as empty. */
const slotText = new Uint32Array(SLOTS);
let textNumber = 0;

/** What shares a word with the task belongs to it, and what shares one with that. */
export function keepConnected(scan: Scan, roles: Uint8Array): void {
	let choices = 0;
	textNumber = (textNumber + 1) >>> 0;
	for (let segment = 0; segment < scan.segments; segment += 1) {
		choices += fieldOf(scan, segment, FIELD.choices);
		if (roles[segment] === ROLE.task) {
			fileWords(scan, segment);
		}
	}
	for (let segment = scan.segments - 1; segment >= 0; segment -= 1) {
		keepIfConnected(scan, roles, segment);
	}
	for (let segment = 0; segment < scan.segments; segment += 1) {
		keepIfConnected(scan, roles, segment);
	}
	if (choices > 0) {
		keepOnLine(scan, roles);
	}
}

function keepIfConnected(scan: Scan, roles: Uint8Array, segment: number): void {
	if ((roles[segment] ?? 0) & APART && sharesWord(scan, segment)) {
		roles[segment] = ROLE.task;
		fileWords(scan, segment);
	}
}

function fileWords({ segmentStart, tokenClasses, tokenHash }: Scan, segment: number): void {
	const end = segmentStart[segment + 1] ?? 0;
	for (let token = segmentStart[segment] ?? 0; token < end; token += 1) {
		if (((tokenClasses[token] ?? 0) & (STOP | FRAME)) === 0) {
			const hash = tokenHash[token] ?? 0;
			const slot = slotOf(hash);
			slotText[slot] = textNumber;
			slotHash[slot] = hash;
		}
	}
}

function sharesWord({ segmentStart, tokenClasses, tokenHash }: Scan, segment: number): boolean {
	const end = segmentStart[segment + 1] ?? 0;
	for (let token = segmentStart[segment] ?? 0; token < end; token += 1) {
		if (((tokenClasses[token] ?? 0) & (STOP | FRAME)) === 0 && slotText[slotOf(tokenHash[token] ?? 0)] === textNumber) {
			return true;
		}
	}
	return false;
}

/** Where a word is, or would be: there are twice as many places as words are kept of a text. */
function slotOf(hash: number): number {
	let slot = mix(hash) & (SLOTS - 1);
	while (slotText[slot] === textNumber && slotHash[slot] !== hash) {
		slot = (slot + 1) & (SLOTS - 1);
	}
	return slot;
}

/** Questions of tests have statements in front of them, on their line, that share no word with them. */
function keepOnLine({ segments, segmentLine }: Scan, roles: Uint8Array): void {
	for (let start = 0, end = 0; start < segments; start = end) {
		let isTask = false;
		for (end = start; end < segments && segmentLine[end] === segmentLine[start]; end += 1) {
			isTask ||= roles[end] === ROLE.task;
		}
		for (let segment = start; isTask && segment < end; segment += 1) {
			if (roles[segment] === ROLE.prose) {
				roles[segment] = ROLE.task;
			}
		}
	}
}

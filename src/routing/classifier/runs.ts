import { classBit, FRAME, STOP } from "./classes.ts";
import { beginsRequest, isOfDemands, isOrder, isPlainDemand } from "./requests.ts";
import { BIG, fieldOf } from "./roles.ts";
import { FIELD, FIELDS, type Scan } from "./scan-state.ts";

/** So many big words in a row, with hardly any other between them, are no sentence. */
const RUN_MIN = 5;
const RUN_SHARE = 0.8;
/** So many words about how hard a task is are a clause of their own, at the beginning and at the end. */
const DEMANDS_MIN = 3;
const END_DEMANDS_MIN = 4;
const CONTENT_LEFT_MIN = 2;
const SHRINKING = [FIELD.content, FIELD.letters, FIELD.long, FIELD.veryLong] as const;
const QUESTION = classBit("question");
const PLAINLY_ASKS = QUESTION | classBit("plain") | classBit("writing") | classBit("creative");

/**
 * Takes big words out of a sentence they were run into: "Proof quantum kernel … theorem What is the capital of Peru?".
 * Also "This is a PhD-level problem: ". They are polite frames from then on.
 */
export function cutRuns(scan: Scan, segment: number): void {
	const start = scan.segmentStart[segment] ?? 0;
	const end = scan.segmentStart[segment + 1] ?? 0;
	const demands = demandsAtStart(scan, start, end);
	if (demands > start) {
		cut(scan, segment, start, demands);
	}
	const demandsFrom = demandsAtEnd(scan, start, end);
	if (demandsFrom < end) {
		cut(scan, segment, demandsFrom, end);
	}
	if (fieldOf(scan, segment, FIELD.content) <= RUN_MIN || fieldOf(scan, segment, FIELD.choices) > 0) {
		return;
	}
	const front = bigAtStart(scan, start, end);
	if (front > start) {
		cut(scan, segment, start, front);
		return;
	}
	const back = bigAtEnd(scan, start, end);
	if (back < end && (fieldOf(scan, segment, FIELD.questions) > 0 || begins(scan, start) || isOrder(scan, segment))) {
		cut(scan, segment, back, end);
	}
}

/** Where the task begins behind words that say how hard it is; `start` = there is none, or nothing else. */
function demandsAtStart({ tokenClasses, tokenHash }: Scan, start: number, end: number): number {
	let demands = 0;
	let plain = false;
	let token = start;
	for (; token < end; token += 1) {
		const hash = tokenHash[token] ?? 0;
		if (isOfDemands(hash)) {
			demands += 1;
			plain ||= isPlainDemand(hash);
		} else if (((tokenClasses[token] ?? 0) & STOP) === 0 || (tokenClasses[token] ?? 0) & QUESTION) {
			break;
		}
	}
	return plain && demands >= DEMANDS_MIN && token < end ? token : start;
}

/** Where a task ends before words that say how well it is to be done; `end` = there are none. */
function demandsAtEnd({ tokenClasses, tokenHash }: Scan, start: number, end: number): number {
	let demands = 0;
	let plain = false;
	let from = end;
	let token = end - 1;
	for (; token >= start; token -= 1) {
		const hash = tokenHash[token] ?? 0;
		if (isOfDemands(hash)) {
			demands += 1;
			plain ||= isPlainDemand(hash);
			from = token;
		} else if (((tokenClasses[token] ?? 0) & STOP) === 0) {
			break;
		}
	}
	let content = 0;
	for (; token >= start && content < CONTENT_LEFT_MIN; token -= 1) {
		content += (tokenClasses[token] ?? 0) & (STOP | FRAME) ? 0 : 1;
	}
	return plain && demands >= END_DEMANDS_MIN && content >= CONTENT_LEFT_MIN ? from : end;
}

function bigAtStart(scan: Scan, start: number, end: number): number {
	let big = 0;
	for (let token = start; token < end; token += 1) {
		if (big >= RUN_MIN && big >= (token - start) * RUN_SHARE && begins(scan, token)) {
			return token;
		}
		big += isBig(scan, token) ? 1 : 0;
	}
	return start;
}

function bigAtEnd(scan: Scan, start: number, end: number): number {
	let big = 0;
	let from = end;
	for (let token = end - 1; token > start; token -= 1) {
		if (isBig(scan, token)) {
			big += 1;
			if (big >= RUN_MIN && big >= (end - token) * RUN_SHARE) {
				from = token;
			}
		}
	}
	return from;
}

function isBig({ tokenClasses }: Scan, token: number): boolean {
	const classes = tokenClasses[token] ?? 0;
	return (classes & (STOP | FRAME)) === 0 && (classes & BIG) !== 0;
}

/** Whether a request may begin with this word. */
function begins(scan: Scan, token: number): boolean {
	return ((scan.tokenClasses[token] ?? 0) & PLAINLY_ASKS) !== 0 || beginsRequest(scan.tokenHash[token] ?? 0);
}

/** The words from `from` to before `to` count as a frame; what was counted of the sentence shrinks with them. */
function cut(scan: Scan, segment: number, from: number, to: number): void {
	const { counts, tokenClasses, segmentClasses, segmentStart } = scan;
	const at = segment * FIELDS;
	const content = counts[at + FIELD.content] ?? 0;
	let taken = 0;
	for (let token = from; token < to; token += 1) {
		taken += (tokenClasses[token] ?? 0) & (STOP | FRAME) ? 0 : 1;
		tokenClasses[token] = FRAME;
	}
	const left = content === 0 ? 0 : Math.max(0, content - taken) / content;
	for (const field of SHRINKING) {
		counts[at + field] = (counts[at + field] ?? 0) * left;
	}
	counts[at + FIELD.words] = Math.max(0, (counts[at + FIELD.words] ?? 0) - (to - from));
	counts[at + FIELD.code] = Math.max(0, (counts[at + FIELD.code] ?? 0) - (to - from));
	const end = segmentStart[segment + 1] ?? 0;
	let classes = 0;
	for (let token = segmentStart[segment] ?? 0; token < end; token += 1) {
		classes |= tokenClasses[token] ?? 0;
	}
	segmentClasses[segment] = classes;
}

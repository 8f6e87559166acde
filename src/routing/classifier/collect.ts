import { CLASSES, FRAME, STOP } from "./classes.ts";
import { mix, pairHash } from "./hash.ts";
import { NOTHING } from "./roles.ts";
import { FIELDS, type Scan } from "./scan-state.ts";
import { type Tables, VECTOR_SIZE } from "./tables.ts";
import { addVectors, createGathered, type Gathered, gatherVector } from "./vectors.ts";

/** Hashed features are numbers below this. */
const FEATURE_BITS = 18;
export const HASHED_SIZE = 1 << FEATURE_BITS;
const GENERATIONS = 1 << (32 - FEATURE_BITS);
const SEEN_SIZE = 1 << 14;
const HASHED_MAX = SEEN_SIZE >> 1;
/** The words at the beginning of the task whose classes say what is asked for. */
const LEAD_WORDS = 3;
const RARE = 150;
const SEGMENTS_MAX = 512;

/** What was found in a part of a text, to be turned into features. Reused, as the scan is. */
export interface Collected {
	/** Sums of the scan's fields. */
	readonly totals: Float64Array;
	/** Different words of each class. */
	readonly classCounts: Float64Array;
	readonly vector: Float64Array;
	/** What the vector lacks until the segments have been read. */
	readonly gathered: Gathered;
	/** Features of the hashed model, each once, in order of appearance. */
	readonly hashed: Uint32Array;
	hashedCount: number;
	vectorWeight: number;
	known: number;
	raritySum: number;
	rare: number;
	segments: number;
	leadClasses: number;
	leadWords: number;
	/** Of each segment of the scan: its role in the text. */
	readonly roles: Uint8Array;
	/** Bits of the roles that are not collected. */
	leftOut: number;
	/** "Hi", and a line of big words: a greeting does not become a task by that. */
	greetsWithBigWords: boolean;
	/** Features that were seen, each with the generation it was seen in: what is older counts as not there. */
	readonly seen: Uint32Array;
	generation: number;
}

export function createCollected(): Collected {
	return {
		totals: new Float64Array(FIELDS),
		classCounts: new Float64Array(CLASSES.length),
		vector: new Float64Array(VECTOR_SIZE),
		gathered: createGathered(),
		hashed: new Uint32Array(HASHED_MAX),
		hashedCount: 0,
		vectorWeight: 0,
		known: 0,
		raritySum: 0,
		rare: 0,
		segments: 0,
		leadClasses: 0,
		leadWords: 0,
		roles: new Uint8Array(SEGMENTS_MAX),
		leftOut: NOTHING,
		greetsWithBigWords: false,
		seen: new Uint32Array(SEEN_SIZE),
		generation: 0,
	};
}

export function resetCollected(collected: Collected): void {
	collected.totals.fill(0);
	collected.classCounts.fill(0);
	collected.vector.fill(0);
	collected.hashedCount = 0;
	collected.vectorWeight = 0;
	collected.known = 0;
	collected.raritySum = 0;
	collected.rare = 0;
	collected.segments = 0;
	collected.leadClasses = 0;
	collected.leadWords = 0;
	collected.generation += 1;
	if (collected.generation === GENERATIONS) {
		collected.seen.fill(0);
		collected.generation = 1;
	}
}

/** Adds the segments from `from` to before `to`, but for those whose role is left out. */
export function collectSegments(scan: Scan, tables: Tables, from: number, to: number, collected: Collected): void {
	const { roles, leftOut } = collected;
	for (let segment = from; segment < to; segment += 1) {
		if (((roles[segment] ?? 0) & leftOut) === 0) {
			collectSegment(scan, tables, segment, collected);
		}
	}
	addVectors(collected.gathered, tables, collected.vector);
}

function collectSegment(scan: Scan, tables: Tables, segment: number, collected: Collected): void {
	const { totals } = collected;
	const at = segment * FIELDS;
	for (let field = 0; field < FIELDS; field += 1) {
		totals[field] = (totals[field] ?? 0) + (scan.counts[at + field] ?? 0);
	}
	collected.segments += 1;
	const end = scan.segmentStart[segment + 1] ?? 0;
	let before = 0;
	let beforeIsStop = true;
	for (let token = scan.segmentStart[segment] ?? 0; token < end; token += 1) {
		const classes = scan.tokenClasses[token] ?? 0;
		if (classes & FRAME) {
			continue;
		}
		const hash = scan.tokenHash[token] ?? 0;
		const isStop = (classes & STOP) !== 0;
		const isNew = isStop ? false : addHashed(mix(hash), collected);
		if (before !== 0 && !(isStop && beforeIsStop)) {
			addHashed(pairHash(before, hash), collected);
		}
		if (classes !== 0) {
			addClasses(classes, isNew || isStop, collected);
		}
		if (!isStop) {
			readVector(scan.tokenRow[token] ?? -1, tables, collected);
		}
		before = hash;
		beforeIsStop = isStop;
	}
}

/** Whether the feature was not there yet. */
function addHashed(hash: number, collected: Collected): boolean {
	const { seen, generation } = collected;
	if (collected.hashedCount >= HASHED_MAX) {
		return false;
	}
	const feature = hash & (HASHED_SIZE - 1);
	const entry = ((generation << FEATURE_BITS) | feature) >>> 0;
	let slot = (hash >>> 9) & (SEEN_SIZE - 1);
	while ((seen[slot] ?? 0) >>> FEATURE_BITS === generation) {
		if (seen[slot] === entry) {
			return false;
		}
		slot = (slot + 1) & (SEEN_SIZE - 1);
	}
	seen[slot] = entry;
	collected.hashed[collected.hashedCount] = feature;
	collected.hashedCount += 1;
	return true;
}

function addClasses(classes: number, isNew: boolean, collected: Collected): void {
	const { classCounts } = collected;
	if (collected.leadWords < LEAD_WORDS) {
		collected.leadWords += 1;
		collected.leadClasses |= classes;
	}
	if (!isNew) {
		return;
	}
	let bits = classes >>> 0;
	while (bits !== 0) {
		const index = 31 - Math.clz32(bits);
		classCounts[index] = (classCounts[index] ?? 0) + 1;
		bits &= ~(1 << index);
	}
}

function readVector(row: number, tables: Tables, collected: Collected): void {
	if (row < 0) {
		return;
	}
	collected.known += 1;
	const rarity = tables.rowRarity[row] ?? 0;
	collected.raritySum += rarity;
	collected.rare += rarity > RARE ? 1 : 0;
	const scale = tables.vectorScale[row];
	if (scale === undefined || scale === 0) {
		return;
	}
	collected.vectorWeight += tables.vectorWeight[row] ?? 0;
	gatherVector(collected.gathered, row, scale);
}

import { CLASSES, type WordClass } from "./classes.ts";
import type { Collected } from "./collect.ts";
import { FIELD } from "./scan-state.ts";
import { VECTOR_SIZE } from "./tables.ts";

/** What a feature is told as when a score is explained. */
interface FeatureGroup {
	readonly name: string;
	readonly size: number;
}

const LEAD: readonly WordClass[] = [
	"question",
	"prove",
	"analyse",
	"explain",
	"code",
	"math",
	"creative",
	"plain",
	"fact",
	"writing",
	"heading",
	"systems",
];
const LEAD_BITS = LEAD.map((name) => 2 ** CLASSES.indexOf(name));

/** In the order in which `writeFeatures` writes them. */
const GROUPS: readonly FeatureGroup[] = [
	{ name: "length", size: 4 },
	{ name: "sentences", size: 3 },
	{ name: "word_length", size: 3 },
	{ name: "lists", size: 3 },
	{ name: "numbers", size: 4 },
	{ name: "formulas", size: 5 },
	{ name: "code_marks", size: 5 },
	{ name: "questions", size: 1 },
	{ name: "vocabulary", size: 4 },
	...CLASSES.map((name) => ({ name: `${name}_words`, size: 1 })),
	...LEAD.map((name) => ({ name: `asks_${name}`, size: 1 })),
	{ name: "topic", size: VECTOR_SIZE },
];

/** The name of each feature's group. */
export const FEATURE_NAMES: readonly string[] = GROUPS.flatMap(({ name, size }) =>
	Array.from({ length: size }, () => name),
);
export const FEATURES = FEATURE_NAMES.length;
/** The features before those of the word classes. */
const COUNTED = FEATURES - VECTOR_SIZE - LEAD.length - CLASSES.length;

/** Weight of "nothing known" in the mean of the word vectors: a topic told by one word is told softly. */
const VECTOR_PRIOR = 1;

/** Turns what was collected into numbers of about 0 to 1; counts saturate, so that the tenth says less than the first. */
export function writeFeatures(collected: Collected, features: Float32Array): void {
	const { totals, segments } = collected;
	const of = (field: number) => totals[field] ?? 0;
	const content = of(FIELD.content);
	const perWord = 1 / Math.max(content, 1);
	const numbers = of(FIELD.numbers);
	const math = of(FIELD.math);
	const latex = of(FIELD.latex);
	const code = of(FIELD.code);
	features.set([
		saturating(content, 8),
		saturating(content, 30),
		saturating(content, 100),
		saturating(content, 300),
		saturating(segments, 4),
		saturating(of(FIELD.lines), 8),
		saturating(content / Math.max(segments, 1), 12),
		Math.min(1, (of(FIELD.letters) * perWord) / 10),
		of(FIELD.long) * perWord,
		of(FIELD.veryLong) * perWord,
		saturating(of(FIELD.choices), 4),
		saturating(of(FIELD.lists), 3),
		saturating(of(FIELD.indents), 4),
		saturating(numbers, 3),
		saturating(numbers, 12),
		numbers / (numbers + content + 4),
		saturating(of(FIELD.digits) / Math.max(numbers, 1), 3),
		saturating(math, 3),
		saturating(math, 15),
		saturating(latex, 3),
		saturating(math + latex, 30),
		(math + latex) / (math + latex + content + 4),
		saturating(code, 5),
		saturating(code, 40),
		saturating(of(FIELD.calls), 3),
		saturating(of(FIELD.variables), 4),
		code / (code + content + 4),
		saturating(of(FIELD.questions), 2),
		Math.min(1, collected.known * perWord),
		collected.raritySum / (255 * Math.max(collected.known, 1)),
		collected.rare * perWord,
		of(FIELD.foreign) / Math.max(of(FIELD.words), 1),
	]);
	let at = COUNTED;
	for (let index = 0; index < CLASSES.length; index += 1) {
		features[at] = saturating(collected.classCounts[index] ?? 0, 1.5);
		at += 1;
	}
	for (const bit of LEAD_BITS) {
		features[at] = collected.leadClasses & bit ? 1 : 0;
		at += 1;
	}
	const scale = 1 / (collected.vectorWeight + VECTOR_PRIOR);
	for (let index = 0; index < VECTOR_SIZE; index += 1) {
		features[at + index] = (collected.vector[index] ?? 0) * scale;
	}
}

function saturating(amount: number, half: number): number {
	return amount / (amount + half);
}

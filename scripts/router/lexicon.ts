import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "bun";
import { characterKinds, KIND } from "../../src/routing/classifier/characters.ts";
import { CLASSES, classBit, type WordClass } from "../../src/routing/classifier/classes.ts";
import { hashText, mix, pairHash, prefixHash } from "../../src/routing/classifier/hash.ts";
import { type Tables, VECTOR_SIZE } from "../../src/routing/classifier/tables.ts";

const DATA = join(import.meta.dir, "data");
const LEXICON = join(import.meta.dir, "lexicon");
const SLOTS = 65_536;
/** An English word this common keeps its meaning where another language has a word that is written like it. */
const ENGLISH_COUNT_MIN = 300;
/** Words this common weigh half in the mean of the vectors (smooth inverse frequency). */
const HALF_WEIGHT_SHARE = 1e-3;
/** Vectors of words seen less often say little; other languages come by way of languages.txt. */
const VECTOR_COUNT_MIN = 8;
const HIDDEN_MARK = 0x301;
/** Letters of other alphabets that look like Latin ones. Applied to the text and to the lexicon alike, so nothing is lost. */
const LOOKALIKES = "аaеeоoрpсcуyхxіiјjѕsкkԁdһhԛqԝwӏlүyοoαaιiκkνvρpυuχxıiɑaɡgօoսuհhﬁfßsøoæaœođdłlðd";

/** A word with its vector, as the word table has it: the first of these is row 0. */
export interface VectorWord extends Word {
	readonly name: string;
	readonly vector: Int8Array;
}

interface Word {
	readonly hash: number;
	readonly count: number;
	classes: number;
	readonly scale: number;
	readonly weight: number;
	readonly vector: Int8Array | undefined;
}

type FoldText = (text: string) => string;

/** The words that have a vector, the most common first. */
export function vectorWords(foldText: FoldText = createFold(foldTable(), characterKinds())): readonly VectorWord[] {
	const words = new Map<string, VectorWord>();
	for (const word of readVectors(foldText)) {
		if (!words.has(word.name) && word.count >= VECTOR_COUNT_MIN && /^[a-z]+$/.test(word.name)) {
			words.set(word.name, word);
		}
	}
	return [...words.values()];
}

/** Folds a word as the reader of prompts does. */
function createFold(fold: Uint16Array, kinds: Uint8Array): FoldText {
	return (text) =>
		[...text.replaceAll(/['’]/g, "")]
			.map((character) => fold[character.charCodeAt(0)] ?? 0)
			.filter((code) => kinds[code] !== KIND.hidden)
			.map((code) => String.fromCharCode(code))
			.join("");
}

/** The word table of the classifier, from the lexicon and the word vectors. */
export function buildTables(): Tables {
	const fold = foldTable();
	const kinds = characterKinds();
	const foldText = createFold(fold, kinds);
	const known = vectorWords(foldText);
	const words: Word[] = [...known];
	const names = known.map(({ name }) => name);
	const rowOf = new Map(names.map((name, row) => [name, row]));
	const rowFor = (name: string): number => {
		const known = rowOf.get(name);
		if (known !== undefined) {
			return known;
		}
		rowOf.set(name, words.length);
		names.push(name);
		words.push({ hash: hashText(name), count: 0, classes: 0, scale: 0, weight: 0, vector: undefined });
		return words.length - 1;
	};
	const entries = new Map<number, number>();
	const vectors = words.length;
	const prefixes: (readonly [string, number])[] = [];
	for (const [name, list] of readLists("english.txt")) {
		const bit = classBit(className(name));
		for (const entry of list.split(/\s+/).filter(Boolean)) {
			const word = foldText(entry.replace("*", ""));
			if (entry.endsWith("*")) {
				const matching = names.flatMap((known, row) => (known.startsWith(word) && row < vectors ? [row] : []));
				const row = matching[0] ?? rowFor(word);
				prefixes.push([word, row]);
				for (const match of [row, ...matching]) {
					addClass(words, match, bit);
				}
			} else {
				addClass(words, rowFor(word), bit);
			}
		}
	}
	for (const [name, row] of rowOf) {
		entries.set(hashText(name), row);
	}
	for (const [word, row] of prefixes) {
		entries.set(prefixHash(hashText(word)), row);
	}
	addLanguages({ foldText, rowFor, rowOf, words, entries });
	return pack(words, vectors, entries, fold, kinds);
}

interface Adding {
	readonly foldText: (text: string) => string;
	readonly rowFor: (name: string) => number;
	readonly rowOf: ReadonlyMap<string, number>;
	readonly words: readonly Word[];
	readonly entries: Map<number, number>;
}

function addLanguages({ foldText, rowFor, rowOf, words, entries }: Adding): void {
	const added = new Set<number>();
	for (const [name, list] of readLists("languages.txt")) {
		const row = rowFor(foldText(name));
		for (const language of list.split("|")) {
			const [code, rest = ""] = language.trim().split(/\s+(.*)/s);
			for (const entry of rest.split(",").flatMap((text) => variants(text.trim(), code ?? ""))) {
				const word = foldText(entry.replace("*", ""));
				if (word === "") {
					continue;
				}
				const parts = word.split("+").slice(-2);
				const [first = "", second] = parts;
				const hash = second === undefined ? hashText(first) : pairHash(hashText(first), hashText(second));
				const known = rowOf.get(first);
				const english = second === undefined && /^[a-z]+$/.test(word) && known !== undefined ? words[known]?.count : 0;
				if ((english ?? 0) >= ENGLISH_COUNT_MIN && entry !== `${name}*`) {
					continue;
				}
				for (const key of entry.endsWith("*") ? [hash, prefixHash(hash)] : [hash]) {
					if (!added.has(key)) {
						added.add(key);
						entries.set(key, row);
					}
				}
			}
		}
	}
}

/** Arabic writes its article and some conjunctions on the word. */
function variants(entry: string, language: string): readonly string[] {
	return language === "ar" && !entry.includes("+") && entry.length > 2 && !entry.startsWith("ال")
		? [entry, `ال${entry}`, `و${entry}`]
		: [entry];
}

function addClass(words: readonly Word[], row: number, bit: number): void {
	const word = words[row];
	if (word !== undefined) {
		word.classes = (word.classes | bit) >>> 0;
	}
}

function className(text: string): WordClass {
	const found = CLASSES.find((name) => name === text);
	if (found === undefined) {
		throw new Error(`Unknown word class "${text}"`);
	}
	return found;
}

function readLists(file: string): readonly (readonly [string, string])[] {
	return readFileSync(join(LEXICON, file), "utf8")
		.split("\n")
		.filter((line) => line !== "" && !line.startsWith("#"))
		.map((line) => {
			const colon = line.indexOf(":");
			return [line.slice(0, colon), line.slice(colon + 1)] as const;
		});
}

function readVectors(foldText: FoldText): readonly VectorWord[] {
	const bytes = new Int8Array(gunzipSync(readFileSync(join(DATA, "words64.int8.bin.gz"))).buffer);
	const lines = new TextDecoder()
		.decode(gunzipSync(readFileSync(join(DATA, "words64.tsv.gz"))))
		.split("\n")
		.filter((line) => line !== "")
		.map((line) => line.split("\t"));
	const total = lines.reduce((sum, [, , count]) => sum + Number(count), 0);
	return lines.map(([text = "", scale, times], row) => {
		const count = Number(times);
		const name = foldText(text);
		const weight = HALF_WEIGHT_SHARE / (HALF_WEIGHT_SHARE + count / total);
		const vector = bytes.subarray(row * VECTOR_SIZE, (row + 1) * VECTOR_SIZE);
		return { name, hash: hashText(name), count, classes: 0, scale: Number(scale) * weight, weight, vector };
	});
}

function pack(
	words: readonly Word[],
	vectors: number,
	entries: ReadonlyMap<number, number>,
	fold: Uint16Array,
	kinds: Uint8Array,
): Tables {
	const keys = new Uint32Array(SLOTS);
	const rows = new Uint16Array(SLOTS);
	for (const [hash, row] of entries) {
		let slot = mix(hash) & (SLOTS - 1);
		while (keys[slot] !== 0 && keys[slot] !== hash) {
			slot = (slot + 1) & (SLOTS - 1);
		}
		keys[slot] = hash;
		rows[slot] = row;
	}
	const table = new Int8Array(vectors * VECTOR_SIZE);
	for (const [row, { vector }] of words.slice(0, vectors).entries()) {
		table.set(vector ?? [], row * VECTOR_SIZE);
	}
	return {
		fold,
		kinds,
		keys,
		rows,
		rowHash: Uint32Array.from(words, ({ hash }) => hash),
		rowClasses: Uint32Array.from(words, ({ classes }) => classes),
		rowRarity: Uint8Array.from(words, ({ count }) =>
			count === 0 ? 0 : Math.max(0, Math.min(255, (18 - (31 - Math.clz32(count))) * 16)),
		),
		vectors: table,
		vectorScale: Float32Array.from(words.slice(0, vectors), ({ scale }) => scale),
		vectorWeight: Float32Array.from(words.slice(0, vectors), ({ weight }) => weight),
	};
}

function foldTable(): Uint16Array {
	const fold = Uint16Array.from({ length: 0x1_00_00 }, (_, code) => code);
	const ranges = [
		[0x41, 0x5a],
		[0xa0, 0x6ff],
		[0x1d00, 0x2bff],
		[0xfb00, 0xfdff],
		[0xfe70, 0xffef],
	] as const;
	for (const [from, to] of ranges) {
		for (let code = from; code <= to; code += 1) {
			fold[code] = folded(code);
		}
	}
	for (let index = 0; index < LOOKALIKES.length; index += 2) {
		fold[LOOKALIKES.charCodeAt(index)] = LOOKALIKES.charCodeAt(index + 1);
	}
	// What was folded to a letter that looks like another: "й" is "и" without its mark.
	for (let code = 0; code < fold.length; code += 1) {
		fold[code] = fold[fold[code] ?? 0] ?? 0;
	}
	fold["’".charCodeAt(0)] = 0x27;
	fold["ʼ".charCodeAt(0)] = 0x27;
	fold["`".charCodeAt(0)] = 0x60;
	return fold;
}

function folded(code: number): number {
	if ((code >= 0x610 && code <= 0x61a) || (code >= 0x64b && code <= 0x65f) || code === 0x640 || code === 0x670) {
		return HIDDEN_MARK;
	}
	const text = String.fromCharCode(code);
	const [first = "", ...rest] = text.normalize("NFKD").toLowerCase().replaceAll(/\p{M}/gu, "");
	return rest.length === 0 && first !== "" ? first.charCodeAt(0) : text.toLowerCase().charCodeAt(0);
}

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { languages, stability } from "../../../scripts/router/evaluation/behaviour.ts";
import { ownPrompts } from "../../../scripts/router/own-prompts.ts";
import { createRandom } from "../../../scripts/router/random.ts";
import { REWRITES } from "../../../scripts/router/rewrites.ts";
import { CHECKING, TRAINING } from "../../../scripts/router/surroundings.ts";
import { plainPrompt } from "../../../src/lib/prompt-view.ts";
import { createClassifier } from "../../../src/routing/classifier/classify.ts";
import { readWeights } from "../../../src/routing/classifier/weights.ts";
import { decodeModel, encodeModel } from "../../../src/routing/classifier/weights-file.ts";

const FOLDER = join(import.meta.dir, "../../../src/routing/classifier");
const SIMPLE_BELOW = 0.33;
const COMPLEX_FROM = 0.66;

const model = readWeights();
const classifier = createClassifier(model);
const score = (text: string) => classifier(plainPrompt(text)).score;

/** Two prompts of each pattern: what the patterns are about, without their number deciding. */
const prompts = [...Map.groupBy(ownPrompts(), ({ pattern }) => pattern).values()].flatMap((list) => list.slice(0, 2));
const simple = prompts.map(({ text }) => text).filter((text) => score(text) < SIMPLE_BELOW);

describe("the weights", () => {
	test("are those whose hash is checked in, and small", () => {
		const bytes = readFileSync(join(FOLDER, "weights.bin"));
		const hash = new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
		expect(hash).toBe(readFileSync(join(FOLDER, "weights.sha256"), "utf8").trim());
		expect(bytes.length).toBeLessThan(5_000_000);
	});

	test("survive being written and read", () => {
		const bytes = encodeModel(model);
		const again = createClassifier(decodeModel(new Uint8Array(bytes).buffer));
		expect(prompts.map(({ text }) => again(plainPrompt(text)).score)).toEqual(prompts.map(({ text }) => score(text)));
	});

	test("are refused when they are something else", () => {
		expect(() => decodeModel(new TextEncoder().encode("not a weights file").buffer)).toThrow("Not a weights file");
	});
});

describe("a rewriting", () => {
	const results = stability(
		prompts.map(({ text }) => text),
		(view) => classifier(view).score,
		{ low: SIMPLE_BELOW, high: COMPLEX_FROM },
	);

	test.each(results.map((result) => [result.rewrite, result] as const))(
		"%s leaves most prompts in their bucket, and none simple becomes complex",
		(_, result) => {
			expect(result.sameBucket).toBeGreaterThanOrEqual(0.75);
			expect(result.raised).toBeLessThanOrEqual(result.rewrite === "other_words" ? 0.02 : 0);
		},
	);

	test.each(["filler_before", "long_filler", "filler_around", "stuffing_before", "stuffing_inside"])(
		"%s leaves nine of ten in their bucket",
		(name) => {
			expect(results.find(({ rewrite }) => rewrite === name)?.sameBucket).toBeGreaterThanOrEqual(0.9);
		},
	);

	test("leaves 88 % in their bucket, all kinds together", () => {
		const mean = results.reduce((sum, { sameBucket }) => sum + sameBucket, 0) / results.length;
		expect(mean).toBeGreaterThanOrEqual(0.88);
	});

	test.each(["upper", "lower", "fence", "json", "zero_width", "full_width", "tagged"] as const)(
		"%s changes nothing at all",
		(name) => {
			const random = createRandom(1);
			for (const { text } of prompts) {
				if (name !== "full_width" || /^[\x20-\x7e]+$/.test(text)) {
					expect(REWRITES[name]?.(text, random, CHECKING)).toBeDefined();
					expect(score(REWRITES[name]?.(text, random, CHECKING) ?? "")).toBeCloseTo(score(text), 1);
				}
			}
		},
	);

	test("by one line of big words, in front or behind, never makes a simple prompt complex", () => {
		const lines = [
			...CHECKING.stuffing,
			...TRAINING.stuffing,
			"prove ".repeat(60),
			"eigenvalue theorem proof lemma qed",
		];
		const raised = simple.flatMap((text) => lines.filter((line) => score(`${text}\n${line}`) >= COMPLEX_FROM));
		expect(simple.length).toBeGreaterThan(50);
		expect(raised).toEqual([]);
		const stuffing = [...CHECKING.stuffing, ...TRAINING.stuffing];
		expect(simple.flatMap((text) => stuffing.filter((line) => score(`${line}\n${text}`) >= COMPLEX_FROM))).toEqual([]);
		expect(stuffing.filter((line) => score(`Hi\n${line}`) >= COMPLEX_FROM)).toEqual([]);
	});

	test("by a paragraph of big words leaves a hard prompt complex", () => {
		const hard = prompts.map(({ text }) => text).filter((text) => score(text) >= 0.75);
		expect(hard.length).toBeGreaterThan(20);
		for (const text of hard) {
			expect(score(`${CHECKING.stuffing.join(" ")}\n\n${text}`)).toBeGreaterThanOrEqual(COMPLEX_FROM);
		}
	});
});

describe("other languages", () => {
	test.each(languages((view) => classifier(view).score).map(({ language, auc }) => [language, auc] as const))(
		"%s: hard requests score above easy ones",
		(_, auc) => {
			expect(auc).toBeGreaterThanOrEqual(0.9);
		},
	);
});

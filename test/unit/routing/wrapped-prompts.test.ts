import { describe, expect, test } from "bun:test";
import { plainPrompt } from "../../../src/lib/prompt-view.ts";
import { createClassifier } from "../../../src/routing/classifier/classify.ts";
import { unwrap } from "../../../src/routing/classifier/unwrap.ts";
import { readWeights } from "../../../src/routing/classifier/weights.ts";

const COMPLEX_FROM = 0.66;
const classifier = createClassifier(readWeights());
const score = (text: string) => classifier(plainPrompt(text)).score;

const EASY = "Which bird lays the biggest eggs?";
const HARD = "Derive the moment generating function of a compound Poisson sum and prove that it determines the law.";

describe("what is wrapped around a prompt is taken off", () => {
	test.each([
		[
			"named among other texts of JSON",
			JSON.stringify({ request: { id: "a long identifier, longer than it", q: HARD } }),
		],
		["a request to a model", JSON.stringify({ model: "gpt", messages: [{ role: "user", content: HARD }] }, null, 2)],
		["a fence of text", `\`\`\`text\n${HARD}\n\`\`\``],
		["tags in tags, with attributes", `<request id="1"><query>${HARD}</query></request>`],
		["a template", `### Instruction:\n${HARD}\n\n### Response:`],
		[
			"a mail",
			`Subject: a question\n\nDear team,\n\nI hope you are well.\n\n${HARD}\n\nBest regards,\nAnn Miller\nAcme`,
		],
	])("%s", (_, wrapped) => {
		expect(unwrap(wrapped)).toBe(HARD);
	});

	test("a line in front of JSON stays, and so does a fence of code", () => {
		expect(unwrap(`Translate into French: ${JSON.stringify({ text: EASY })}`)).toContain("Translate into French");
		const code = "What is this?\n```\nlet a = 1;\n```";
		expect(unwrap(code)).toBe(code);
	});

	test("data in JSON is no prompt", () => {
		const rows = JSON.stringify(Array.from({ length: 9 }, (_, id) => ({ id, text: `row ${id}` })));
		expect(unwrap(rows)).toBe(rows);
	});

	test("many fences and brackets take no longer for it", () => {
		for (const unit of ["```text\n", "~~~\n", "\n#", "<a>", '{"text":', "Dear a,\n"]) {
			const text = unit.repeat(1_000);
			expect(unwrap(text).length).toBeLessThanOrEqual(text.length);
		}
	});
});

describe("what says only how hard a task is", () => {
	test.each([
		"This is an extremely difficult PhD-level question: ",
		"Think step by step and reason very carefully. ",
		"Use your strongest model, this is very complex. ",
	])("%s moves no simple prompt to complex, and leaves a hard one", (demand) => {
		expect(score(demand + EASY)).toBeLessThan(COMPLEX_FROM);
		expect(Math.abs(score(demand + HARD) - score(HARD))).toBeLessThan(0.1);
	});

	test("a list of tags, in front or behind, is none of the task", () => {
		const tags = "#proof #algorithm #distributed #quantum #optimization #architecture";
		for (const text of [`${tags}\n${EASY}`, `${EASY}\n${tags}`, `${tags} ${EASY}`]) {
			expect(score(text)).toBeLessThan(COMPLEX_FROM);
		}
	});
});

test("a sentence that begins with an order is the task, also behind a statement with figures", () => {
	const statement = "Our bakery has 14 ovens and 22 shops.";
	const order = "Build a stochastic model of demand, derive the optimal baking schedule and prove that it is unique.";
	expect(score(`${statement} ${order}`)).toBeGreaterThan(score(statement) + 0.2);
});

test("a polite request is not taken for a greeting with big words behind it", () => {
	expect(score(`Hello! ${HARD} Thanks in advance!`)).toBeGreaterThan(0.33);
	expect(score(`${HARD} Thanks in advance!`)).toBeCloseTo(score(HARD), 1);
});

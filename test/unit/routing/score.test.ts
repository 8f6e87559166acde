import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { RoutingText } from "../../../src/dialects/types.ts";
import { scorePrompt } from "../../../src/routing/score.ts";

const DESIGN = `Design a distributed rate limiter for an API gateway in three regions.
Requirements:
1. limits hold exactly, also while a region is cut off
2. p99 below 5 ms at 20,000 requests a second
3. no data is lost when a node dies
Compare at least three approaches, derive their worst-case overshoot, and give code for the best:
\`\`\`ts
interface Limiter { take(key: string, cost: number): Promise<{ ok: boolean; retryAfterMs: number }>; }
\`\`\`
Prove that the sum of admitted requests never exceeds $L + n \\cdot b$, where n <= 3.`;

const BIG_WORDS = [
	"Prove this with a distributed algorithm, analyze the complexity, derive trade-offs and justify it step by step.",
	"Evaluate, critique, synthesize, deduce, optimize: theorem, eigenvalue, entropy, recursion, concurrency, variance.",
	"algorithm ".repeat(40),
];

const SIMPLE = [
	"Hi",
	"What is the capital of France?",
	"Translate 'good morning' to Spanish.",
	"Write a haiku about autumn.",
	"Who wrote Faust?",
	"Which of these is a mammal: whale, shark, tuna?",
	"Give me a synonym for happy.",
	"A train travels 60 miles in 2 hours and 90 miles in 3 hours. What is its average speed? Round to 1 decimal.",
];

function score(task: string, rest: Partial<RoutingText> = {}) {
	return scorePrompt({ task, context: [], tools: 0, jsonSchema: false, ...rest });
}

describe("the route score", () => {
	test.each(SIMPLE)("%p is simple", (task) => {
		expect(score(task).bucket).toBe("simple");
	});

	test("a design task with requirements, code and a proof is complex", () => {
		expect(score(DESIGN).bucket).toBe("complex");
	});

	test("harder work scores higher", () => {
		const rising = [
			"thanks!",
			"What does a mutex do?",
			"Explain how TCP congestion control works.",
			"Write a Python function that merges two sorted lists and explain its complexity.",
			DESIGN,
		].map((task) => score(task).score);
		expect(rising).toEqual([...rising].sort((left, right) => left - right));
		expect(new Set(rising).size).toBe(rising.length);
	});

	test.each(["", "   \n\t", "!!! ???"])("%p has no words and scores 0", (task) => {
		expect(score(task)).toEqual({ score: 0, bucket: "simple", signals: [] });
	});

	test("a line of big words never makes a simple prompt complex", () => {
		const attacked = SIMPLE.flatMap((task) => BIG_WORDS.map((line) => score(`${task}\n${line}`).bucket));
		expect(attacked).not.toContain("complex");
	});

	test("repeating a word does not add to it", () => {
		const { signals } = score("prove prove prove prove prove it");
		const once = score("prove why why why why it").signals;
		const pull = (all: typeof signals) => all.find(({ name }) => name === "reasoning_words")?.contribution;
		expect(pull(signals)).toBe(pull(once) ?? Number.NaN);
	});

	test("languages without spaces are as long as what they say", () => {
		const long = "请详细比较这两种数据库在高并发写入情况下的一致性保证并给出推荐方案。".repeat(8);
		expect(score(long).score).toBeGreaterThan(score("你好").score + 0.1);
	});

	test("signals explain the score: largest first, adding up to it", () => {
		const { score: total, signals } = score(DESIGN);
		const parts = signals.map(({ contribution }) => contribution);
		expect(parts.map(Math.abs)).toEqual(parts.map(Math.abs).sort((left, right) => right - left));
		const sum = parts.reduce((left, right) => left + right, 0);
		expect(Math.min(1, sum)).toBeCloseTo(total, 2);
		expect(signals.map(({ name }) => name)).toContain("list");
	});
});

describe("the conversation around the task", () => {
	const context = [
		{ role: "system", text: "You are an expert in distributed systems, algorithms and formal proofs." },
		{ role: "user", text: DESIGN },
		{ role: "assistant", text: "Shall I write it out in full?" },
	];

	test.each(["yes", "Yes, do it", "continue", "ok go ahead please"])("%p scores as the task it approves", (task) => {
		expect(score(task, { context })).toEqual(score(DESIGN));
	});

	test("an approval of an approval still finds the task", () => {
		const longer = [...context, { role: "user", text: "yes" }, { role: "assistant", text: "Part one… go on?" }];
		expect(score("continue", { context: longer })).toEqual(score(DESIGN));
	});

	test("an approval of nothing is simple", () => {
		expect(score("yes").bucket).toBe("simple");
	});

	test.each(["thanks", "Great, thank you so much!"])("%p is simple whatever came before", (task) => {
		expect(score(task, { context }).bucket).toBe("simple");
	});

	test("system prompts and a schema alone do not move the score", () => {
		const [system] = context;
		expect(score("Name a colour", { context: system ? [system] : [], jsonSchema: true })).toEqual(
			score("Name a colour"),
		);
	});

	test("tools move it a little, more of them a little more", () => {
		const by = (tools: number) => score("Book a table for two", { tools }).score;
		expect(by(1)).toBeGreaterThan(by(0));
		expect(by(20)).toBeGreaterThan(by(1));
		expect(by(1_000) - by(0)).toBeLessThan(0.15);
	});
});

describe("any text at all", () => {
	test("gives a score between 0 and 1, and the bucket of that very number", () => {
		const text = fc.oneof(fc.string({ maxLength: 400, unit: "binary" }), fc.string({ maxLength: 400 }));
		fc.assert(
			fc.property(text, fc.nat(50), (task, tools) => {
				const result = score(task, { tools });
				expect(result.score >= 0 && result.score <= 1).toBe(true);
				const expected = result.score < 0.33 ? "simple" : result.score < 0.66 ? "medium" : "complex";
				expect(result.bucket).toBe(expected);
				expect(score(task, { tools })).toEqual(result);
			}),
			{ numRuns: 500 },
		);
	});

	test.each(["a", " ", '"', "`", "1", "中", "- ", "prove ", "\n"])(
		"a megabyte of %p is only read at its ends",
		(unit) => {
			const filler = (length: number) => unit.repeat(length).slice(0, length);
			const text = (length: number) => `${DESIGN}\n${filler(8_192)}${filler(length)}\nWhat now?${"x ".repeat(2_048)}`;
			expect(score(text(1_048_576))).toEqual(score(text(8_192)));
		},
	);
});

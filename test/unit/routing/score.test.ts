import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { orderings } from "../../../scripts/router/evaluation/orderings.ts";
import { NO_PROMPT, type PromptMessage, type PromptView, plainPrompt } from "../../../src/lib/prompt-view.ts";
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

const SIMPLE = [
	"Hi",
	"What is the capital of France?",
	"Translate 'good morning' to Spanish.",
	"Who wrote Faust?",
	"Which of these is a mammal: whale, shark, tuna?",
	"Give me a synonym for happy.",
	"Fix the grammar: she go to school yesterday.",
	"你好，最近怎么样？",
	"¿Cuál es la capital de Noruega?",
];

const COMPLEX = [
	DESIGN,
	"Prove that every continuous function on a compact metric space is uniformly continuous.",
	"Beweise, dass die Wurzel aus 2 irrational ist, und verallgemeinere den Beweis auf alle Primzahlen.",
	"证明存在无穷多个形如4k+3的素数，并说明该论证为何不适用于4k+1。",
];

const system: PromptMessage = {
	role: "system",
	text: "You are an expert in distributed systems, algorithms and proofs.",
};
const asked: readonly PromptMessage[] = [
	system,
	{ role: "user", text: DESIGN },
	{ role: "assistant", text: "Shall I write it out in full?" },
];

/** Pairs that stand the wrong way round, as docs/router.md says. */
const KNOWN_WRONG = new Set(["ladder 3"]);

const score = (text: string) => scorePrompt(plainPrompt(text));
const after = (before: readonly PromptMessage[], text: string, rest: Partial<PromptView> = {}) =>
	scorePrompt({ ...NO_PROMPT, messages: [...before, { role: "user", text }], ...rest });

describe("the route score", () => {
	test.each(SIMPLE)("%p is simple", (text) => {
		expect(score(text).bucket).toBe("simple");
	});

	test.each(COMPLEX)("%p is complex", (text) => {
		expect(score(text).bucket).toBe("complex");
	});

	test.each(orderings().map((pair) => [pair.name, pair] as const))(
		"is higher for the harder request: %s",
		(_, pair) => {
			const easier = scorePrompt(pair.easier).score;
			if (!KNOWN_WRONG.has(pair.name)) {
				expect(scorePrompt(pair.harder).score).toBeGreaterThan(easier);
			}
		},
	);

	test.each(["", "   \n\t"])("%p has no words and scores 0", (text) => {
		const { score: value, bucket, signals } = score(text);
		expect({ value, bucket, signals }).toEqual({ value: 0, bucket: "simple", signals: [] });
	});

	test("signals explain the score: largest first, adding up to it", () => {
		const views = [
			plainPrompt(DESIGN),
			{ ...NO_PROMPT, messages: asked },
			{ ...plainPrompt("Book a table"), tools: { count: 3, required: 9 } },
		];
		for (const view of [...views, ...SIMPLE.map(plainPrompt)]) {
			const result = scorePrompt(view);
			const parts = result.signals.map(({ contribution }) => contribution);
			expect(parts.map(Math.abs)).toEqual(parts.map(Math.abs).sort((left, right) => right - left));
			expect(parts.reduce((left, right) => left + right, 0)).toBeCloseTo(result.score, 1);
		}
		expect(score(DESIGN).signals.map(({ name }) => name)).toContain("words");
	});
});

describe("the conversation around the task", () => {
	test.each([
		"yes",
		"Yes, do it",
		"continue",
		"ok go ahead please",
		"ja, bitte weiter",
		"好的，继续",
		"はい、お願いします",
	])("%p scores as the task it approves", (text) => {
		const [, task] = asked;
		expect(after(asked, text).score).toBe(after(asked.slice(0, 1), task?.text ?? "").score);
	});

	test("an approval of an approval still finds the task", () => {
		const longer = [...asked, { role: "user", text: "yes" }, { role: "assistant", text: "Part one … go on?" }];
		expect(after(longer, "continue").score).toBe(after(asked, "yes").score);
	});

	test("an approval of nothing is simple", () => {
		expect(score("yes").bucket).toBe("simple");
	});

	test.each(["thanks", "Great, thank you so much!", "ok thanks", "merci beaucoup", "谢谢"])(
		"%p is simple whatever came before",
		(text) => {
			expect(after(asked, text).bucket).toBe("simple");
		},
	);

	test.each(["No, that's not right.", "That doesn't compile.", "Are you sure?", "eso no funciona"])(
		"%p stands for most of the task it complains of, and is no thanks",
		(text) => {
			expect(after(asked, text).score).toBeGreaterThan(0.5);
			expect(after([{ role: "user", text: "Name a colour" }], text).score).toBeLessThan(0.4);
		},
	);

	test("thanks with praise approve nothing; an approval with thanks does", () => {
		expect(after(asked, "That works, thanks a lot").bucket).toBe("simple");
		expect(after(asked, "yes, go on, thanks").bucket).toBe("complex");
	});

	test("what is pasted beside an easy question adds little to it", () => {
		const lines = "2024-05-01 12:00:01 WARN pool exhausted, waiting 120 ms (active=50, idle=0)\n".repeat(40);
		for (const text of [`What date is this log from?\n\n${lines}`, `${lines}\nWhat is the date of the first line?`]) {
			expect(score(text).bucket).not.toBe("complex");
		}
	});

	test.each([
		"Summarize this conversation in at most six words.",
		"Give the conversation above a short name.",
		"Write a title for this conversation:",
		"Generate 1-3 broad tags categorizing the main themes of the chat.",
	])("%p is simple whatever it quotes", (text) => {
		expect(score(`${text}\n\n${DESIGN}`).bucket).toBe("simple");
		expect(score(`${DESIGN}\n\n${text}`).bucket).toBe("simple");
	});

	test("a system prompt moves the score little", () => {
		const alone = score("Name a colour").score;
		expect(Math.abs(after([system], "Name a colour").score - alone)).toBeLessThan(0.04);
	});

	test("a format of the answer adds nothing", () => {
		expect(after([], DESIGN, { json: true }).score).toBe(after([], DESIGN).score);
	});

	test("tools count by their number, what they require and the steps asked for; one that needs nothing adds nothing", () => {
		const by = (count: number, required: number, text = "Book a table for two") =>
			after([], text, { tools: { count, required } }).score;
		expect(by(1, 0)).toBeLessThanOrEqual(score("Book a table for two").score);
		expect(by(9, 0)).toBeGreaterThan(by(1, 0));
		expect(by(9, 20)).toBeGreaterThan(by(9, 1));
		expect(by(2, 2, "Find a table, then book it, and finally tell Anna.")).toBeGreaterThan(by(2, 2));
		expect(by(1_000, 10_000) - by(1, 0)).toBeLessThan(0.33);
	});
});

describe("any text at all", () => {
	test("gives a score between 0 and 1, the same each time, and the bucket of that very number", () => {
		const text = fc.oneof(fc.string({ maxLength: 400, unit: "binary" }), fc.string({ maxLength: 400 }));
		fc.assert(
			fc.property(text, fc.nat(50), (task, count) => {
				const tools = { count, required: 2 * count };
				const { score: value, bucket } = after([], task, { tools });
				expect(value >= 0 && value <= 1).toBe(true);
				expect(bucket).toBe(value < 0.33 ? "simple" : value < 0.66 ? "medium" : "complex");
				expect(after([], task, { tools }).score).toBe(value);
			}),
			{ numRuns: 200 },
		);
	});

	test.each(["a", " ", '"', "`", "1", "中", "- ", "prove ", "\n", "{", "𝐚", "а"])(
		"a megabyte of %p is only read at its ends",
		(unit) => {
			const filler = (length: number) => unit.repeat(length).slice(0, length);
			const text = (length: number) => `${DESIGN}\n${filler(8_192)}${filler(length)}\nWhat now?${"x ".repeat(2_048)}`;
			expect(score(text(1_048_576)).score).toBe(score(text(8_192)).score);
		},
	);
});

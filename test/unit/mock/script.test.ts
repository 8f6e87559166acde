import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createFaultDice } from "../../../src/mock/fault-dice.ts";
import { type MockScript, parseScript, SCRIPT_WORDS } from "../../../src/mock/script.ts";

const PLAIN: MockScript = {
	answer: "echo",
	reasoning: false,
	tokens: undefined,
	delayMs: 0,
	paceMs: 0,
	usage: true,
	fault: undefined,
	faultPercent: 100,
	retryAfterSeconds: undefined,
};

function script(model: string): MockScript {
	const parsed = parseScript(model);
	if ("problem" in parsed) {
		throw new Error(parsed.problem);
	}
	return parsed.script;
}

describe("a model name", () => {
	test.each([
		["echo", {}],
		["lorem", { answer: "lorem", tokens: 50 }],
		["lorem-200", { answer: "lorem", tokens: 200 }],
		["tool", { answer: "tool" }],
		["reasoning", { reasoning: true }],
		["tokens-7", { tokens: 7 }],
		["slow", { delayMs: 2_000 }],
		["slow-150", { delayMs: 150 }],
		["delay-150", { delayMs: 150 }],
		["stream-20", { paceMs: 20 }],
		["pace-20", { paceMs: 20 }],
		["no-usage", { usage: false }],
		["error-503", { fault: { kind: "status", status: 503 } }],
		["error-429+retry-after-7", { fault: { kind: "status", status: 429 }, retryAfterSeconds: 7 }],
		["reset", { fault: { kind: "reset" } }],
		["hang", { fault: { kind: "hang" } }],
		["cut", { fault: { kind: "cut", tokens: 3 } }],
		["cut-0", { fault: { kind: "cut", tokens: 0 } }],
		["stall-5", { fault: { kind: "stall", tokens: 5 } }],
		["error-first", { fault: { kind: "error_first" } }],
		["garbage", { fault: { kind: "garbage" } }],
		["truncated", { fault: { kind: "truncated" } }],
		["flaky-30", { fault: { kind: "status", status: 500 }, faultPercent: 30 }],
		["cut-2+flaky-10", { fault: { kind: "cut", tokens: 2 }, faultPercent: 10 }],
		["echo+delay-500+pace-20+tokens-50", { delayMs: 500, paceMs: 20, tokens: 50 }],
	] as const)("%s means what it says", (model, expected) => {
		expect(script(model)).toEqual({ ...PLAIN, ...expected });
	});

	test.each([
		["gpt-4o", "is not one of"],
		["", "is not one of"],
		["echo+", "is not one of"],
		["eror-503", "is not one of"],
		["constructor", "is not one of"],
		["echo-3", "takes no number"],
		["error", "a number from 400 to 599"],
		["error-200", "a number from 400 to 599"],
		["delay-600001", "a number from 0 to 600000"],
		["lorem-20+tokens-50", "contradicts"],
		["reset+hang", "contradicts"],
		["echo+lorem", "contradicts"],
		["e".repeat(201), "at most 200 characters"],
	])("%p is refused, saying why", (model, why) => {
		const parsed = parseScript(model);
		expect("problem" in parsed ? parsed.problem : "").toContain(why);
	});

	test("the order of the words does not matter", () => {
		const words = ["delay-5", "pace-1", "lorem-9", "reasoning", "cut-2", "flaky-50", "no-usage"];
		fc.assert(
			fc.property(fc.shuffledSubarray(words, { minLength: words.length }), (shuffled) => {
				expect(script(shuffled.join("+"))).toEqual(script(words.join("+")));
			}),
			{ numRuns: 50 },
		);
	});

	test("no name makes the parser throw", () => {
		fc.assert(fc.property(fc.string({ maxLength: 250 }), (model) => void parseScript(model)));
	});

	test("every word is in the documentation", async () => {
		const page = await Bun.file(new URL("../../../docs/mock-provider.md", import.meta.url)).text();
		expect(SCRIPT_WORDS.filter((word) => !page.includes(`\`${word}`))).toEqual([]);
	});
});

describe("flaky", () => {
	test("strikes exactly its share of a hundred requests, the same ones every time", () => {
		fc.assert(
			fc.property(fc.integer({ min: 0, max: 100 }), (percent) => {
				const run = () => {
					const dice = createFaultDice();
					return Array.from({ length: 100 }, () => dice.strikes("m", script(`flaky-${percent}`)));
				};
				expect(run().filter(Boolean).length).toBe(percent);
				expect(run()).toEqual(run());
			}),
			{ numRuns: 101 },
		);
	});

	test("counts each model by itself", () => {
		const dice = createFaultDice();
		const strikes = (model: string) => dice.strikes(model, script("flaky-50"));
		expect([strikes("a"), strikes("b"), strikes("a"), strikes("b")]).toEqual([false, false, true, true]);
	});
});

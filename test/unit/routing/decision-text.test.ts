import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { plainPrompt } from "../../../src/lib/prompt-view.ts";
import { decodeDecision, encodeDecision } from "../../../src/routing/decision-text.ts";
import { scorePrompt } from "../../../src/routing/score.ts";
import { type Decision, EXCLUSIONS, SESSION_OUTCOMES, SESSION_SOURCES } from "../../../src/routing/types.ts";
import { STRATEGIES, tierSchema } from "../../../src/schemas/router.ts";

const strategy = fc.constantFrom(...STRATEGIES);
const id = fc.string();
/** What four decimals hold: such figures come back as they went. */
const figure = (min: number, max: number) =>
	fc.integer({ min: min * 10_000, max: max * 10_000 }).map((units) => units / 10_000);
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

function decisions(signalsMax: number): fc.Arbitrary<Decision> {
	return fc.record({
		strategy,
		score: figure(0, 1),
		bucket: fc.constantFrom(...tierSchema.options),
		signals: fc.array(fc.record({ name: fc.string(), contribution: figure(-3, 3) }), { maxLength: signalsMax }),
		candidates: fc.array(id, { maxLength: 12 }),
		excluded: fc.array(fc.record({ deploymentId: id, reason: fc.constantFrom(...EXCLUSIONS) }), { maxLength: 12 }),
		session: optional(
			fc.record({
				source: fc.constantFrom(...SESSION_SOURCES),
				outcome: fc.constantFrom(...SESSION_OUTCOMES),
				warmAt: optional(id),
			}),
		),
		shadow: optional(fc.record({ strategy, deploymentId: id })),
	});
}

const sum = ({ signals }: Pick<Decision, "signals">) =>
	signals.reduce((total, { contribution }) => total + contribution, 0);

/** Zero has no sign in JSON. */
const asJson = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

const SAMPLE: Decision = {
	strategy: "classifier",
	score: 0.5,
	bucket: "medium",
	signals: [{ name: "length", contribution: 0.5 }],
	candidates: ["dep_a"],
	excluded: [{ deploymentId: "dep_b", reason: "cooling" }],
	session: { source: "header", outcome: "held", warmAt: "dep_a" },
	shadow: { strategy: "cheapest", deploymentId: "dep_b" },
};

/** The sample with some places of its text replaced. */
function altered(places: Readonly<Record<number, unknown>>): string {
	const parts = JSON.parse(encodeDecision(SAMPLE)) as unknown[];
	return JSON.stringify(Object.assign(parts, places));
}

describe("a decision as a text", () => {
	test("comes back as it went", () => {
		fc.assert(
			fc.property(decisions(8), (decision) => {
				expect(asJson(decodeDecision(encodeDecision(decision)))).toEqual(asJson(decision));
			}),
		);
	});

	test("of many signals keeps eight by name, and what is left of the score", () => {
		fc.assert(
			fc.property(decisions(40), (decision) => {
				const kept = decodeDecision(encodeDecision(decision));
				expect(kept?.signals.length).toBeLessThanOrEqual(9);
				expect(kept?.signals.slice(0, 8).map(({ name }) => name)).toEqual(
					decision.signals.slice(0, 8).map(({ name }) => name),
				);
				if (decision.signals.length > 8) {
					expect(kept?.signals[8]?.name).toBe("other");
					expect(sum(kept ?? { signals: [] })).toBeCloseTo(decision.score, 9);
				}
			}),
		);
	});

	test.each([
		"",
		"hello",
		"Prove that every bounded monotone sequence of real numbers converges, then give a counterexample in Q.",
		"Rename these files by date.",
	])("the signals of the prompt %p add up to its score", (prompt) => {
		const { score, bucket, signals } = scorePrompt(plainPrompt(prompt));
		const kept = decodeDecision(encodeDecision({ ...SAMPLE, score, bucket, signals }));
		expect(kept?.score).toBeLessThanOrEqual(score);
		expect(sum(kept ?? { signals: [] })).toBeCloseTo(kept?.score ?? Number.NaN, 9);
		expect(Math.abs(sum(kept ?? { signals: [] }) - score)).toBeLessThanOrEqual(0.000_1);
	});

	test("a score is never rounded up over a threshold", () => {
		expect(decodeDecision(encodeDecision({ ...SAMPLE, score: 0.329_999 }))?.score).toBe(0.3299);
	});

	test("never throws, whatever the text is", () => {
		const kept = decodeDecision(encodeDecision(SAMPLE));
		expect(kept).toEqual(SAMPLE);
		fc.assert(fc.property(fc.string(), (text) => decodeDecision(text) === undefined));
		fc.assert(
			fc.property(fc.nat(9), fc.jsonValue(), (place, value) => {
				// Whatever it makes of it can be told as JSON without loss.
				const told = decodeDecision(altered({ [place]: value }));
				expect(asJson(told ?? null)).toEqual(told === undefined ? null : asJson(told));
			}),
			{ numRuns: 2_000 },
		);
	});

	test.each([
		["nothing", undefined],
		["another form", altered({ 0: 2 })],
		["a strategy of a later version", altered({ 1: 99 })],
		["a bucket of a later version", altered({ 3: 99 })],
		["a score that no number holds", altered({}).replace("5000", "1e999")],
		["a word for the score", altered({ 2: "0.5" })],
	])("%s is no decision", (_, text) => {
		expect(decodeDecision(text)).toBeUndefined();
	});

	test.each<[string, Readonly<Record<number, unknown>>, Partial<Decision>]>([
		[
			"a reason of a later version",
			{ 6: ["dep_c", 99, "dep_b", 9] },
			{ shadow: { strategy: "cheapest", deploymentId: "dep_c" } },
		],
		["an outcome of a later version", { 7: [2, 99, 0] }, { session: undefined }],
		["a shadow strategy of a later version", { 8: [99, 1] }, { shadow: undefined }],
		[
			"a place that nobody has",
			{ 7: [2, 1, 2] },
			{ session: { source: "header", outcome: "held", warmAt: undefined } },
		],
		["an object where a text belongs", { 6: ["dep_b", 9, { toString: 1 }, 9] }, {}],
		["an object where a number belongs", { 4: ["length", { valueOf: 1, toString: 1 }] }, { signals: [] }],
	])("%s is left out, and the rest is told", (_, places, facts) => {
		expect(decodeDecision(altered(places))).toEqual({ ...SAMPLE, ...facts });
	});

	test("the places of words stay what they are: rows of earlier versions are read by them", () => {
		const words = "disabled pinned operation tools images audio json_schema context unpriced cooling breaker_open";
		expect(EXCLUSIONS.slice(0, 11).join(" ")).toBe(words);
		expect(SESSION_SOURCES.slice(0, 4).join(" ")).toBe("prompt_cache_key user_id header prefix");
		expect(SESSION_OUTCOMES.slice(0, 5).join(" ")).toBe("placed held lost outranked cheaper_elsewhere");
		expect(encodeDecision(SAMPLE)).toBe('[1,4,5000,1,["length",5000],["dep_a"],["dep_b",9],[2,1,0],[3,1]]');
	});
});

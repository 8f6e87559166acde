import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { NO_USAGE, type Usage } from "../../../src/lib/usage.ts";
import { affordableOutputTokens, costOf, pricesQuantities, worstCaseOf } from "../../../src/metering/cost.ts";
import { NO_RATES } from "../../../src/metering/no-rates.ts";
import type { PriceSheet, Rates } from "../../../src/metering/types.ts";

const DOLLAR = 1_000_000_000;

const RATES: Rates = { ...NO_RATES, inputPerMillion: 3 * DOLLAR, outputPerMillion: 15 * DOLLAR };

function sheetOf(base: Partial<Rates>, tiers: PriceSheet["tiers"] = []): PriceSheet {
	return { version: "config", base: { ...RATES, ...base }, tiers };
}

function cost(usage: Partial<Usage>, sheet: PriceSheet): number {
	return costOf({ ...NO_USAGE, ...usage }, sheet);
}

const ANY_USAGE: Usage = {
	input: 1_000,
	cacheRead: 1_000,
	cacheWrite: 1_000,
	output: 1_000,
	reasoning: 1_000,
	audioInput: 1_000,
	audioOutput: 1_000,
	images: 2,
	seconds: 3,
	characters: 1_000,
	cacheWriteHour: 1_000,
	imageInput: 1_000,
	imageOutput: 1_000,
	searches: 4,
};

describe("the cost of usage", () => {
	test("buckets without a rate of their own pay the input or output rate", () => {
		// Six buckets of prompt at 3, four of output at 15; pieces without a price cost nothing.
		expect(costOf(ANY_USAGE, sheetOf({}))).toBe(6 * 3_000_000 + 4 * 15_000_000);
	});

	test("a write for an hour without a rate of its own pays what an ordinary write pays", () => {
		expect(cost({ cacheWriteHour: 1_000 }, sheetOf({ cacheWritePerMillion: 4 * DOLLAR }))).toBe(4_000_000);
	});

	test("every bucket pays its own rate", () => {
		const sheet = sheetOf({
			cachedInputPerMillion: 1 * DOLLAR,
			cacheWritePerMillion: 2 * DOLLAR,
			reasoningPerMillion: 4 * DOLLAR,
			audioInputPerMillion: 5 * DOLLAR,
			audioOutputPerMillion: 6 * DOLLAR,
			cacheWriteHourPerMillion: 10 * DOLLAR,
			imageInputPerMillion: 12 * DOLLAR,
			imageOutputPerMillion: 14 * DOLLAR,
			perSearch: 13,
			perImage: 7,
			perSecond: 11,
			charactersPerMillion: 8 * DOLLAR,
			perRequest: 9,
		});
		const tokens = (3 + 1 + 2 + 15 + 4 + 5 + 6 + 10 + 12 + 14) * 1_000_000;
		expect(costOf(ANY_USAGE, sheet)).toBe(tokens + 2 * 7 + 3 * 11 + 8_000_000 + 4 * 13 + 9);
	});

	test("a rate of nought is nought, not the fall-back", () => {
		expect(cost({ cacheRead: 1_000 }, sheetOf({ cachedInputPerMillion: 0 }))).toBe(0);
	});

	test("the sum is rounded up once", () => {
		const sheet = sheetOf({ inputPerMillion: 1, outputPerMillion: 1 });
		expect(cost({ input: 1 }, sheet)).toBe(1);
		expect(cost({ input: 500_000, output: 500_000 }, sheet)).toBe(1);
		expect(cost({ input: 500_000, output: 500_001 }, sheet)).toBe(2);
	});

	test("parts of a second are counted", () => {
		expect(cost({ seconds: 1.5 }, sheetOf({ perSecond: 100_000 }))).toBe(150_000);
	});

	test("sums beyond the integers of a double are exact", () => {
		expect(cost({ input: 1_000_003 }, sheetOf({ inputPerMillion: 75 * DOLLAR + 1 }))).toBe(75_000_225_002);
	});

	test("the tier is chosen by all prompt tokens and holds for the whole request", () => {
		const sheet = sheetOf({}, [
			{ fromPromptTokens: 100, rates: { ...RATES, inputPerMillion: 6 * DOLLAR, outputPerMillion: 20 * DOLLAR } },
			{ fromPromptTokens: 200, rates: { ...RATES, inputPerMillion: 9 * DOLLAR, outputPerMillion: 30 * DOLLAR } },
		]);
		expect(cost({ input: 99, output: 1 }, sheet)).toBe(99 * 3_000 + 15_000);
		expect(cost({ input: 50, cacheRead: 50, output: 1 }, sheet)).toBe(100 * 6_000 + 20_000);
		expect(cost({ input: 200, output: 1 }, sheet)).toBe(200 * 9_000 + 30_000);
	});

	test.each([Number.NaN, Number.POSITIVE_INFINITY, -5])("%p tokens cost nothing", (input) => {
		expect(cost({ input }, sheetOf({}))).toBe(0);
	});

	test("no usage makes an unsafe number", () => {
		expect(cost({ input: 1e300 }, sheetOf({}))).toBe(Number.MAX_SAFE_INTEGER);
	});
});

describe("the worst case", () => {
	const bound = { promptTokensMax: 1_000, outputTokensMax: 100, choices: 1, quantities: {} };

	test("the prompt pays the dearest way to read it, the answer the dearest way to write it", () => {
		const sheet = sheetOf({ cacheWritePerMillion: 4 * DOLLAR, reasoningPerMillion: 16 * DOLLAR, perRequest: 7 });
		expect(worstCaseOf({ ...bound, sheet })).toBe(4_000_000 + 1_600_000 + 7);
	});

	test("each choice has its own answer, the prompt is read once", () => {
		expect(worstCaseOf({ ...bound, choices: 3, sheet: sheetOf({}) })).toBe(3_000_000 + 3 * 1_500_000);
	});

	test("audio is counted where the request has some", () => {
		const sheet = sheetOf({ audioInputPerMillion: 40 * DOLLAR });
		expect(worstCaseOf({ ...bound, sheet })).toBe(4_500_000);
		expect(worstCaseOf({ ...bound, sheet, hearsAudio: true })).toBe(41_500_000);
	});

	test("a write for an hour, images to look at and searches are counted where the request has some", () => {
		const sheet = sheetOf({
			cacheWriteHourPerMillion: 6 * DOLLAR,
			imageInputPerMillion: 8 * DOLLAR,
			perSearch: DOLLAR / 100,
		});
		expect(worstCaseOf({ ...bound, sheet })).toBe(4_500_000);
		expect(worstCaseOf({ ...bound, sheet, cachesForAnHour: true })).toBe(7_500_000);
		expect(worstCaseOf({ ...bound, sheet, seesImages: true })).toBe(9_500_000);
		expect(worstCaseOf({ ...bound, sheet, searchesMax: 3 })).toBe(34_500_000);
	});

	test("a model that draws may draw with every token", () => {
		const sheet = sheetOf({ imageOutputPerMillion: 120 * DOLLAR });
		expect(worstCaseOf({ ...bound, sheet })).toBe(3_000_000 + 12_000_000);
	});

	test("pictures from a model that bills their tokens are reserved at their largest", () => {
		const drawn = { ...bound, promptTokensMax: 0, outputTokensMax: 0, quantities: { images: 2 } };
		// 2 × 6,540 tokens at 40 dollars a million
		expect(worstCaseOf({ ...drawn, sheet: sheetOf({ outputPerMillion: 40 * DOLLAR }) })).toBe(523_200_000);
		const told = sheetOf({ outputPerMillion: 10 * DOLLAR, imageOutputPerMillion: 32 * DOLLAR });
		expect(worstCaseOf({ ...drawn, sheet: told })).toBe(418_560_000);
		expect(worstCaseOf({ ...drawn, sheet: sheetOf({ perImage: 5 }) })).toBe(10);
	});

	test("images and characters asked for are in it", () => {
		const sheet = sheetOf({ perImage: 40_000_000, charactersPerMillion: 15 * DOLLAR });
		const quantities = { images: 2, characters: 100 };
		expect(worstCaseOf({ ...bound, promptTokensMax: 0, outputTokensMax: 0, quantities, sheet })).toBe(81_500_000);
	});
});

describe("whether a request's units have a price", () => {
	test.each([
		["speech by a model priced by tokens only", { characters: 10 }, {}, false],
		["speech priced by the character", { characters: 10 }, { charactersPerMillion: 5 }, true],
		["images of a model whose answers report tokens", { images: 1 }, {}, true],
		["images with no price at all", { images: 1 }, { inputPerMillion: 0, outputPerMillion: 0 }, false],
		["seconds", { seconds: 1 }, { inputPerMillion: 0, outputPerMillion: 0, perSecond: 1 }, true],
		["words alone", {}, {}, true],
	] as const)("%s", (_name, quantities, rates, expected) => {
		expect(pricesQuantities(quantities, sheetOf(rates))).toBe(expected);
		expect(
			pricesQuantities(quantities, { ...sheetOf({ inputPerMillion: 0, outputPerMillion: 0 }), version: "free" }),
		).toBe(true);
	});
});

const rate = fc.integer({ min: 0, max: 200 * DOLLAR });
const optionalRate = fc.option(rate, { nil: undefined });
const anyRates: fc.Arbitrary<Rates> = fc.record({
	inputPerMillion: rate,
	outputPerMillion: rate,
	cachedInputPerMillion: optionalRate,
	cacheWritePerMillion: optionalRate,
	reasoningPerMillion: optionalRate,
	audioInputPerMillion: optionalRate,
	audioOutputPerMillion: optionalRate,
	perImage: optionalRate,
	perSecond: optionalRate,
	charactersPerMillion: optionalRate,
	perRequest: optionalRate,
	cacheWriteHourPerMillion: optionalRate,
	imageInputPerMillion: optionalRate,
	imageOutputPerMillion: optionalRate,
	perSearch: optionalRate,
});
const anySheet: fc.Arbitrary<PriceSheet> = fc
	.tuple(
		anyRates,
		fc.uniqueArray(fc.record({ fromPromptTokens: fc.integer({ min: 1, max: 3_000 }), rates: anyRates }), {
			maxLength: 3,
			selector: (tier) => tier.fromPromptTokens,
		}),
	)
	.map(([base, tiers]) => ({
		version: "test",
		base,
		tiers: tiers.sort((left, right) => left.fromPromptTokens - right.fromPromptTokens),
	}));
const anyBound = fc.record({
	promptTokensMax: fc.nat(5_000),
	choices: fc.integer({ min: 1, max: 8 }),
	quantities: fc.record({ images: fc.nat(4), characters: fc.nat(5_000) }),
	sheet: anySheet,
});

/** Cuts a total into parts, at places that chance names. */
function split(total: number, places: readonly number[]): number[] {
	const cuts = [0, ...places.map((place) => place % (total + 1)).sort((left, right) => left - right), total];
	return cuts.slice(1).map((cut, index) => cut - (cuts[index] ?? 0));
}

test("whatever a request uses within its bounds, it costs no more than its worst case", () => {
	const places = (count: number) => fc.array(fc.nat(), { minLength: count, maxLength: count });
	fc.assert(
		fc.property(
			anyBound,
			fc.nat(2_000),
			fc.record({ prompt: fc.nat(), output: fc.nat(), read: places(5), written: places(3), searches: fc.nat() }),
			fc.nat(5),
			(bound, outputTokensMax, used, searchesMax) => {
				const outputTotal = (used.output % (outputTokensMax + 1)) * bound.choices;
				const [input = 0, cacheRead = 0, cacheWrite = 0, cacheWriteHour = 0, audioInput = 0, imageInput = 0] = split(
					used.prompt % (bound.promptTokensMax + 1),
					used.read,
				);
				const [output = 0, reasoning = 0, audioOutput = 0, imageOutput = 0] = split(outputTotal, used.written);
				const prompt = { input, cacheRead, cacheWrite, cacheWriteHour, audioInput, imageInput };
				const usage: Usage = {
					...NO_USAGE,
					...prompt,
					...{ output, reasoning, audioOutput, imageOutput },
					searches: used.searches % (searchesMax + 1),
					images: bound.quantities.images,
					characters: bound.quantities.characters,
				};
				const asked = { hearsAudio: true, seesImages: true, cachesForAnHour: true, searchesMax };
				const worst = worstCaseOf({ ...bound, ...asked, outputTokensMax });
				expect(costOf(usage, bound.sheet)).toBeLessThanOrEqual(worst);
			},
		),
		{ numRuns: 1_000 },
	);
});

test("the worst case never falls when a bound grows, and is never negative", () => {
	fc.assert(
		fc.property(anyBound, fc.nat(2_000), fc.nat(500), fc.nat(500), (bound, outputTokensMax, morePrompt, moreOutput) => {
			const less = worstCaseOf({ ...bound, outputTokensMax });
			const more = worstCaseOf({
				...bound,
				promptTokensMax: bound.promptTokensMax + morePrompt,
				outputTokensMax: outputTokensMax + moreOutput,
			});
			expect(less).toBeGreaterThanOrEqual(0);
			expect(more).toBeGreaterThanOrEqual(less);
		}),
		{ numRuns: 500 },
	);
});

test("what is affordable fits, and one token more does not", () => {
	fc.assert(
		fc.property(anyBound, fc.nat(2_000_000_000), (bound, availableNano) => {
			const affordable = affordableOutputTokens({ ...bound, availableNano });
			if (affordable === Number.MAX_SAFE_INTEGER) {
				expect(worstCaseOf({ ...bound, outputTokensMax: 1_000_000 })).toBeLessThanOrEqual(availableNano);
				return;
			}
			if (affordable > 0) {
				expect(worstCaseOf({ ...bound, outputTokensMax: affordable })).toBeLessThanOrEqual(availableNano);
			}
			expect(worstCaseOf({ ...bound, outputTokensMax: affordable + 1 })).toBeGreaterThan(availableNano);
		}),
		{ numRuns: 1_000 },
	);
});

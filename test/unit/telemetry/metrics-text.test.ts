import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createFamily } from "../../../src/telemetry/metrics-family.ts";
import { numberText } from "../../../src/telemetry/metrics-text.ts";
import {
	addMoney,
	bucketsOf,
	countLines,
	histogramLines,
	moneyLines,
	newCount,
	newHistogram,
	newMoney,
	observe,
} from "../../../src/telemetry/metrics-values.ts";
import { parseExposition } from "../../support/exposition.ts";

/** Any text at all: control characters, quotes, half surrogate pairs. */
const anyText = fc.oneof(
	fc.string({ unit: "binary" }),
	fc.string({ unit: fc.constantFrom("\\", '"', "\n", "{", "}", ",", "=", "n", " ", "\r", "\t", "#", "é", "\ud800") }),
);

describe("a strict reader", () => {
	const good = '# HELP a_total h\n# TYPE a_total counter\na_total{x="1"} 2\n';

	test("takes what is right", () => {
		expect(parseExposition(good).find("a_total")).toEqual([{ name: "a_total", labels: { x: "1" }, value: "2" }]);
	});

	test.each([
		["no end of line", good.slice(0, -1)],
		["an empty line", `${good}\n`],
		["no TYPE", "# HELP a h\na 1\n"],
		["no HELP", "# TYPE a gauge\na 1\n"],
		["an unknown type", "# HELP a h\n# TYPE a number\na 1\n"],
		["a series of another metric", "# HELP a h\n# TYPE a gauge\nb 1\n"],
		["a series twice", `${good}a_total{x="1"} 2\n`],
		["a metric twice", `${good}${good}`],
		["a metric without series", "# HELP a h\n# TYPE a gauge\n"],
		["a bare quote in a value", good.replace('"1"', '"1"2"')],
		["an unknown escape", good.replace('"1"', '"\\t"')],
		["a label twice", good.replace('x="1"', 'x="1",x="2"')],
		["a number that is none", good.replace(" 2", " two")],
		["two blanks", good.replace(" 2", "  2")],
		["a histogram without +Inf", '# HELP a h\n# TYPE a histogram\na_bucket{le="1"} 1\na_sum 1\na_count 1\n'],
		[
			"buckets that do not add up",
			'# HELP a h\n# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n',
		],
	])("refuses %s", (_, text) => {
		expect(() => parseExposition(text)).toThrow();
	});
});

describe("the text format", () => {
	test("says any label value so that it is read back, one series for each", () => {
		fc.assert(
			fc.property(fc.uniqueArray(fc.tuple(anyText, anyText), { maxLength: 20, selector: String }), (pairs) => {
				const family = createFamily({
					name: "some_total",
					help: "Some help.",
					kind: "counter",
					labels: ["first", "second"],
					create: newCount,
					lines: countLines,
				});
				const expected = new Map<string, number>();
				for (const [first, second] of pairs) {
					family.of(first, second).value += 1;
					const key = JSON.stringify([first.toWellFormed(), second.toWellFormed()]);
					expected.set(key, (expected.get(key) ?? 0) + 1);
				}
				const text = family.render();
				if (pairs.length === 0) {
					expect(text).toBe("");
					return;
				}
				// As it arrives: in UTF-8.
				const arrived = new TextDecoder("utf-8", { fatal: true }).decode(new TextEncoder().encode(text));
				const read = parseExposition(arrived).find("some_total");
				expect(
					new Map(read.map(({ labels, value }) => [JSON.stringify([labels.first, labels.second]), Number(value)])),
				).toEqual(expected);
			}),
		);
	});

	test("halves of characters, which UTF-8 cannot tell apart, share a series", () => {
		const family = createFamily({
			name: "some_total",
			help: "Some help.",
			kind: "counter",
			labels: ["x"],
			create: newCount,
			lines: countLines,
		});
		for (const half of ["\ud800", "\udfff"]) {
			family.of(half).value += 1;
		}
		expect(parseExposition(family.render()).find("some_total")).toEqual([
			{ name: "some_total", labels: { x: "\ufffd" }, value: "2" },
		]);
	});

	test("histograms of any values are histograms, whatever their labels", () => {
		const bounds = [0.1, 1, 10];
		const measured = fc.oneof(fc.double({ min: 0, max: 100, noNaN: true }), fc.constantFrom(...bounds));
		fc.assert(
			fc.property(anyText, fc.array(measured), (label, values) => {
				const family = createFamily({
					name: "h_seconds",
					help: "H.",
					kind: "histogram",
					labels: ["x"],
					create: () => newHistogram(bucketsOf(bounds)),
					lines: histogramLines,
				});
				const histogram = family.of(label);
				for (const value of values) {
					observe(histogram, value);
				}
				const read = parseExposition(family.render());
				for (const bound of bounds) {
					const within = values.filter((value) => value <= bound).length;
					expect(read.sum("h_seconds_bucket", { le: String(bound) })).toBe(within);
				}
				expect(read.sum("h_seconds_count")).toBe(values.length);
				expect(read.sum("h_seconds_sum")).toBeCloseTo(
					values.reduce((sum, value) => sum + value, 0),
					6,
				);
			}),
		);
	});

	test("money is exact, however much there is of it", () => {
		const amounts = fc.array(fc.oneof(fc.maxSafeNat(), fc.constant(Number.MAX_SAFE_INTEGER), fc.nat(100)));
		fc.assert(
			fc.property(amounts, (nanos) => {
				const money = newMoney();
				for (const nano of nanos) {
					addMoney(money, nano);
				}
				const [, value = ""] = moneyLines("m", "", money).trim().split(" ");
				const [whole = "", fraction = ""] = value.split(".");
				const total = nanos.reduce((sum, nano) => sum + BigInt(nano), 0n);
				expect(BigInt(whole) * 1_000_000_000n + BigInt(fraction.padEnd(9, "0"))).toBe(total);
			}),
		);
	});

	test("numbers without an end have Prometheus' names", () => {
		expect([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, 0, 1e21].map(numberText)).toEqual([
			"+Inf",
			"-Inf",
			"NaN",
			"0",
			"1e+21",
		]);
	});
});

import { describe, expect, test } from "bun:test";
import { durationSchema, parseDuration, retentionSchema } from "../../../src/schemas/duration.ts";
import { usdSchema } from "../../../src/schemas/usd.ts";

describe("durations", () => {
	test.each([
		["250ms", 250],
		["30s", 30_000],
		["2m", 120_000],
		["1h", 3_600_000],
		["24h", 86_400_000],
		["86400000ms", 86_400_000],
		[" 5s ", 5_000],
	])("%p is %p ms", (text, milliseconds) => {
		expect(parseDuration(text)).toBe(milliseconds);
		expect(durationSchema.parse(text)).toBe(milliseconds);
	});

	test.each(["", "0s", "30", "1d", "25h", "1.5s", "-1s", "1m30s", "1 s", "1S", "9999999999s", "Infinitys"])(
		"%p is none",
		(text) => {
			expect(parseDuration(text)).toBeUndefined();
			expect(durationSchema.safeParse(text).success).toBe(false);
		},
	);
});

describe("how long something is kept", () => {
	test.each([
		["30d", 2_592_000_000],
		["0s", 0],
		["0d", 0],
		["36h", 129_600_000],
		["250ms", 250],
		["3650d", 315_360_000_000],
		[" 1d ", 86_400_000],
	])("%p is %p ms", (text, milliseconds) => {
		expect(retentionSchema.parse(text)).toBe(milliseconds);
	});

	test.each(["", "30", "3651d", "1w", "-1d", "1.5d", "1D", "9999999999d", "forever", 30, null])(
		"%p is none",
		(given) => {
			expect(retentionSchema.safeParse(given).success).toBe(false);
		},
	);
});

describe("dollars", () => {
	test.each([
		[0.15, 150_000_000],
		["0.15", 150_000_000],
		[0, 0],
		[1e-7, 100],
		["0.0000000001", 1],
		[75, 75_000_000_000],
	])("%p is %p nano-dollars", (amount, nano) => {
		expect(usdSchema.parse(amount)).toBe(nano);
	});

	test.each([-1, "-1", "", "$1", "1e3", "1,5", Number.NaN, Number.POSITIVE_INFINITY, 1e300, true, null])(
		"%p is no amount",
		(amount) => {
			expect(usdSchema.safeParse(amount).success).toBe(false);
		},
	);
});

import { expect, test } from "bun:test";
import { monthOf, monthStartMs, nextMonthStartMs } from "../../../src/limits/month.ts";

test.each([
	["2026-12-31T23:59:59.999Z", "2026-12-01T00:00:00.000Z", "2027-01-01T00:00:00.000Z"],
	["2027-01-01T00:00:00.000Z", "2027-01-01T00:00:00.000Z", "2027-02-01T00:00:00.000Z"],
	["2028-02-29T12:00:00.000Z", "2028-02-01T00:00:00.000Z", "2028-03-01T00:00:00.000Z"],
	["2027-02-28T23:59:59.999Z", "2027-02-01T00:00:00.000Z", "2027-03-01T00:00:00.000Z"],
	["2026-10-25T01:30:00.000+02:00", "2026-10-01T00:00:00.000Z", "2026-11-01T00:00:00.000Z"],
	["2026-10-31T23:30:00.000-05:00", "2026-11-01T00:00:00.000Z", "2026-12-01T00:00:00.000Z"],
])("%s lies in the month from %s to %s", (instant, start, next) => {
	const month = monthOf(Date.parse(instant));
	expect(new Date(monthStartMs(month)).toISOString()).toBe(start);
	expect(new Date(nextMonthStartMs(month)).toISOString()).toBe(next);
	expect(monthOf(nextMonthStartMs(month))).toBe(month + 1);
	expect(monthOf(nextMonthStartMs(month) - 1)).toBe(month);
});

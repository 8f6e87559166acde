import { expect, test } from "bun:test";
import {
	createTokenBucket,
	giveBackUnits,
	refill,
	takeUnits,
	usedUnits,
	waitMs,
} from "../../../src/limits/token-bucket.ts";

/** One unit a millisecond. */
const LIMIT = 60_000;

test("a credit remembers the lowest level since it was taken, however many lows came after", () => {
	const bucket = createTokenBucket(0);
	refill(bucket, LIMIT, 0);
	takeUnits(bucket, 100);
	for (let atMs = 90; atMs < 190; atMs += 1) {
		refill(bucket, LIMIT, atMs);
		takeUnits(bucket, 3);
	}
	expect(bucket.lows.length).toBeLessThanOrEqual(16);
	// At 90 ms ten units were left; a hundred times three came, less 99 refilled.
	expect(usedUnits(bucket)).toBe(10 + 300 - 99);
	giveBackUnits(bucket, 100, 0);
	expect(usedUnits(bucket)).toBe(300 - 99);
});

test("a million a second for a day is counted without a rounding error", () => {
	const bucket = createTokenBucket(0);
	const limit = 60_000_000;
	refill(bucket, limit, 0);
	takeUnits(bucket, limit);
	for (let second = 1; second <= 86_400; second += 1) {
		refill(bucket, limit, second * 1_000);
		takeUnits(bucket, 1_000_000);
	}
	expect(bucket.used).toBe(limit * 60_000);
	expect(waitMs(bucket, 1)).toBe(1);
});

test("time that runs backwards refills nothing", () => {
	const bucket = createTokenBucket(1_000);
	refill(bucket, LIMIT, 1_000);
	takeUnits(bucket, 500);
	refill(bucket, LIMIT, 10);
	refill(bucket, LIMIT, 1_100);
	expect(usedUnits(bucket)).toBe(400);
});

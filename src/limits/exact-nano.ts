import type { NanoUsd } from "../lib/money.ts";

const SAFE_MAX = BigInt(Number.MAX_SAFE_INTEGER);

/** @throws Error for anything but a non-negative safe integer: money that is not exact is a bug, never an amount. */
export function exactly(nano: NanoUsd, name: string): bigint {
	if (!Number.isSafeInteger(nano) || nano < 0) {
		throw new Error(`${name} must be a non-negative integer of nano-dollars, not ${nano}`);
	}
	return BigInt(nano);
}

/** A sum as a figure: nothing below zero, nothing beyond the safe integers. */
export function clamped(nano: bigint): NanoUsd {
	if (nano <= 0n) {
		return 0;
	}
	return Number(nano < SAFE_MAX ? nano : SAFE_MAX);
}

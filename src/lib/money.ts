/**
 * Money is an integer number of nano-dollars (1 USD = 1_000_000_000 nano-USD), as a JavaScript safe integer:
 * exact up to about nine million dollars per figure. Sums that could pass that are made by the database or in bigint.
 */
export type NanoUsd = number;

const NANO_PER_USD = 1_000_000_000;
const DECIMAL = /^(\d{1,15})(?:\.(\d+))?$/;

/**
 * Reads a non-negative decimal amount of dollars exactly (no float arithmetic on the digits).
 * Digits beyond the nano-dollar are rounded up. Returns undefined when the text is not such an amount or is not safe.
 */
export function parseUsd(value: string | number): NanoUsd | undefined {
	const text = typeof value === "number" ? plainDecimal(value) : value.trim();
	const match = DECIMAL.exec(text);
	if (!match) {
		return undefined;
	}
	const fraction = match[2] ?? "";
	const kept = fraction.slice(0, 9).padEnd(9, "0");
	const remainder = /[1-9]/.test(fraction.slice(9)) ? 1n : 0n;
	const nano = BigInt(match[1] ?? "0") * BigInt(NANO_PER_USD) + BigInt(kept) + remainder;
	return nano <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(nano) : undefined;
}

/** Plain decimal dollars, never an exponent, at least six decimals: 99000 → "0.000099". Negative amounts keep their sign. */
export function formatUsd(nano: NanoUsd | bigint): string {
	const amount = typeof nano === "bigint" ? nano : BigInt(nano);
	const sign = amount < 0n ? "-" : "";
	const digits = (amount < 0n ? -amount : amount).toString().padStart(10, "0");
	const whole = digits.slice(0, -9);
	const fraction = digits.slice(-9).replace(/0{1,3}$/, "");
	return `${sign}${whole}.${fraction}`;
}

/** JSON and YAML give numbers such as 1e-7: writes them without an exponent, with the digits the author meant. */
function plainDecimal(value: number): string {
	const text = String(value);
	if (!/e/i.test(text)) {
		return text;
	}
	const [mantissa = "0", exponentText = "0"] = text.toLowerCase().split("e");
	const exponent = Number(exponentText);
	const [whole = "0", fraction = ""] = mantissa.split(".");
	if (exponent >= 0) {
		return `${whole}${fraction.padEnd(exponent, "0").slice(0, exponent)}`;
	}
	return `0.${"0".repeat(Math.max(0, -exponent - whole.length))}${whole}${fraction}`;
}

import type { Alias, Thresholds } from "../../config/types.ts";

const STEPS = 10_000;

/** An alias's thresholds with one or both replaced. One that is replaced alone moves the other out of its way. */
export function replaced(
	{ thresholds }: Pick<Alias, "thresholds">,
	{ medium, complex }: { readonly medium: number | undefined; readonly complex: number | undefined },
): Thresholds {
	return {
		medium: medium ?? Math.min(thresholds.medium, complex ?? 1),
		complex: complex ?? Math.max(thresholds.complex, medium ?? 0),
	};
}

/** Both thresholds of an alias moved by as much, as far as they may go: up, and more requests count as easy. */
export function shifted({ thresholds }: Pick<Alias, "thresholds">, shift: number): Thresholds {
	return { medium: within(thresholds.medium + shift), complex: within(thresholds.complex + shift) };
}

/** Four decimals, as scores are kept: 0.33 + 0.05 is 0.38. */
function within(threshold: number): number {
	return Math.min(Math.max(Math.round(threshold * STEPS) / STEPS, 0), 1);
}

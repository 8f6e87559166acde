import { formatUsd } from "../../lib/money.ts";
import { costOf, pricesQuantities } from "../../metering/cost.ts";
import type { Decision } from "../types.ts";
import type { Comparison, NotCompared, RoutedAttempt, RoutedBy, RoutedRequest } from "./types.ts";

/** What a request has cost and what it would have cost elsewhere, nano-USD; or why nobody can say. */
export type Compared =
	| { readonly kind: "compared"; readonly actualNano: number; readonly otherNano: number }
	| { readonly kind: keyof NotCompared };

/** The attempt that gave the answer, whole or in part. */
export function answerOf({ last }: RoutedRequest): RoutedAttempt | undefined {
	if (last === undefined || last.usageSource === "none" || last.usageSource === "crash_estimate") {
		return undefined;
	}
	return last.outcome === "upstream_failed" || last.outcome === "crashed" ? undefined : last;
}

/** Nothing of it was read as a prompt: its score of 0 says nothing. */
export function isWithoutText({ score, signals }: Decision): boolean {
	return score === 0 && signals.length === 0;
}

/** The same usage at the price of a deployment. Where that one served it, or failed to, it costs what it has cost. */
export function priceAt(request: RoutedRequest, deploymentId: string, { deployments }: RoutedBy): Compared {
	const answer = answerOf(request);
	if (answer === undefined) {
		return { kind: "unanswered" };
	}
	if (!answer.priced) {
		return { kind: "unpriced" };
	}
	if (answer.deploymentId === deploymentId || request.failedAt.has(deploymentId)) {
		return { kind: "compared", actualNano: answer.costNano, otherNano: answer.costNano };
	}
	const deployment = deployments.get(deploymentId);
	if (deployment === undefined) {
		return { kind: "gone" };
	}
	const { price: sheet } = deployment;
	return sheet === undefined || !pricesQuantities(answer.usage, sheet)
		? { kind: "unpriced" }
		: { kind: "compared", actualNano: answer.costNano, otherNano: costOf(answer.usage, sheet) };
}

/** Adds up comparisons. */
export interface ComparisonSum {
	add(compared: Compared): void;
	compared(): number;
	actualNano(): bigint;
	otherNano(): bigint;
	money(): Comparison;
	notCompared(): NotCompared;
}

export function createComparisonSum(): ComparisonSum {
	let count = 0;
	let actualNano = 0n;
	let otherNano = 0n;
	const notCompared = { unanswered: 0, unpriced: 0, gone: 0 };
	return {
		add(compared) {
			if (compared.kind !== "compared") {
				notCompared[compared.kind] += 1;
				return;
			}
			count += 1;
			actualNano += BigInt(compared.actualNano);
			otherNano += BigInt(compared.otherNano);
		},
		compared: () => count,
		actualNano: () => actualNano,
		otherNano: () => otherNano,
		money: () => ({
			actual_cost_usd: formatUsd(actualNano),
			other_cost_usd: formatUsd(otherNano),
			saving_usd: formatUsd(actualNano - otherNano),
		}),
		notCompared: () => ({ ...notCompared }),
	};
}

import type { Strategy } from "../../config/types.ts";
import type { Decision } from "../types.ts";
import { answerOf, type ComparisonSum, createComparisonSum, priceAt } from "./price-at.ts";
import type { RoutedBy, RoutedRequest, ShadowReport } from "./types.ts";

interface Asked {
	asked: number;
	agreed: number;
	readonly money: ComparisonSum;
}

/** What shadow strategies would have done with the requests of one alias, and what that would have cost. */
export function createShadowSums(by: RoutedBy) {
	const sums = new Map<Strategy, Asked>();

	function sumOf(strategy: Strategy): Asked {
		let sum = sums.get(strategy);
		if (sum === undefined) {
			sum = { asked: 0, agreed: 0, money: createComparisonSum() };
			sums.set(strategy, sum);
		}
		return sum;
	}

	return {
		add(request: RoutedRequest, { shadow, candidates }: Decision): void {
			if (shadow === undefined) {
				return;
			}
			const sum = sumOf(shadow.strategy);
			sum.asked += 1;
			if (shadow.deploymentId === candidates[0]) {
				sum.agreed += 1;
				// Whoever served it in the end, the shadow would have come there in the same way.
				sum.money.add(priceAt(request, answerOf(request)?.deploymentId ?? shadow.deploymentId, by));
			} else {
				sum.money.add(priceAt(request, shadow.deploymentId, by));
			}
		},
		report(): readonly ShadowReport[] {
			return [...sums]
				.sort(([left], [right]) => (left < right ? -1 : 1))
				.map(([strategy, { asked, agreed, money }]) => ({
					strategy,
					...{ asked, agreed, changed: asked - agreed, compared: money.compared() },
					...money.money(),
					not_compared: money.notCompared(),
				}));
		},
	};
}

import { type AliasSums, createAliasSums } from "./alias-report.ts";
import type { AliasReport, RoutedBy, RoutedRequest } from "./types.ts";

/** What routing has done, added up request by request. Pure, and as large as the aliases and deployments it has met. */
export interface RoutingReport {
	add(request: RoutedRequest): void;
	/** By name. */
	aliases(): readonly AliasReport[];
}

/** @param by Of now: tiers, and prices for what a shadow would have cost. */
export function createRoutingReport(by: RoutedBy): RoutingReport {
	const sums = new Map<string, AliasSums>();
	return {
		add(request) {
			let sum = sums.get(request.alias);
			if (sum === undefined) {
				sum = createAliasSums(request.alias, by);
				sums.set(request.alias, sum);
			}
			sum.add(request);
		},
		aliases: () =>
			[...sums].sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0)).map(([, sum]) => sum.report()),
	};
}

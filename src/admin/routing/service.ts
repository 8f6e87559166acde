import type { z } from "zod";
import type { ConfigSource } from "../../config/types.ts";
import type { Clock } from "../../lib/clock.ts";
import { createReplay } from "../../routing/report/replay.ts";
import { createRoutingReport } from "../../routing/report/routing-report.ts";
import { replaced } from "../../routing/report/try-thresholds.ts";
import type { AliasReport, Replay, RoutedRequestReader } from "../../routing/report/types.ts";
import { readRecentPeriod } from "../spend/period.ts";
import type { routingQuerySchema } from "./schema.ts";

const DAYS_USUAL = 7;

export interface RoutingAnswer {
	readonly object: "routing_report";
	readonly from: string;
	readonly to: string;
	readonly pruned_days: readonly string[];
	readonly aliases: readonly AliasReport[];
	readonly replay?: Replay | undefined;
}

export interface RoutingServiceDeps {
	readonly attempts: RoutedRequestReader;
	readonly config: ConfigSource;
	readonly clock: Clock;
}

/**
 * What routing did in a period, request by request from the ledger.
 * @param signal Whoever asked has gone: the walk ends early.
 * @throws GatewayError 400 naming the parameter.
 */
export function createRoutingService({ attempts, config, clock }: RoutingServiceDeps) {
	return async function report(
		query: z.output<typeof routingQuerySchema>,
		signal: AbortSignal,
	): Promise<RoutingAnswer> {
		const period = readRecentPeriod(query, { nowMs: clock.now(), days: DAYS_USUAL });
		const { alias, medium, complex, strategy } = query;
		const snapshot = config.current();
		const routing = createRoutingReport(snapshot);
		const asksReplay = medium !== undefined || complex !== undefined || strategy !== undefined;
		const replay = asksReplay
			? createReplay(
					{ thresholds: (own) => replaced(own, { medium, complex }), classifyAll: strategy !== undefined },
					snapshot,
				)
			: undefined;
		for await (const requests of attempts.routedRequests({ ...period, alias })) {
			for (const request of requests) {
				routing.add(request);
				replay?.add(request);
			}
			if (signal.aborted) {
				break;
			}
		}
		return {
			object: "routing_report",
			from: new Date(period.fromMs).toISOString(),
			to: new Date(period.toMs).toISOString(),
			pruned_days: await attempts.prunedDays(period),
			aliases: routing.aliases(),
			replay: replay?.result(),
		};
	};
}

import type { z } from "zod";
import { formatUsd } from "../../lib/money.ts";
import { completionTokens, NO_USAGE, promptTokens } from "../../lib/usage.ts";
import type { SpendRow } from "../../store/types.ts";
import type { spendFiguresSchema } from "./schema.ts";

export const NOTHING_SPENT: SpendRow = {
	group: {},
	requests: 0,
	errors: 0,
	usage: NO_USAGE,
	costNano: 0n,
	unpricedRequests: 0,
};

/** The figures of a row of spend, as every report shows them. */
export function spendFigures(row: SpendRow): z.output<typeof spendFiguresSchema> {
	return {
		requests: row.requests,
		errors: row.errors,
		prompt_tokens: promptTokens(row.usage),
		cached_tokens: row.usage.cacheRead,
		completion_tokens: completionTokens(row.usage),
		reasoning_tokens: row.usage.reasoning,
		web_searches: row.usage.searches,
		cost_usd: formatUsd(row.costNano),
		unpriced_requests: row.unpricedRequests,
	};
}

import type { z } from "zod";
import type { Clock } from "../../lib/clock.ts";
import { badRequest } from "../../lib/errors.ts";
import { type AttemptReader, SPEND_DIMENSIONS, type SpendDimension, type SpendRow } from "../../store/types.ts";
import { NOTHING_SPENT, spendFigures } from "./figures.ts";
import { type Period, readPeriod } from "./period.ts";
import type { groupedSpendReportSchema, spendQuerySchema, spendReportSchema, spendRowSchema } from "./schema.ts";

/** More rows than a person or a spreadsheet takes in one answer; the caller is asked to narrow the question. */
const ROWS_MAX = 100_000;

export type SpendReport = z.output<typeof spendReportSchema> | z.output<typeof groupedSpendReportSchema>;

export interface SpendServiceDeps {
	readonly attempts: AttemptReader;
	readonly clock: Clock;
}

/**
 * Spend of a period, added up by the database. Without `group_by`: in total, by key, by team and by model.
 * @throws GatewayError 400 naming the parameter.
 */
export function createSpendService({ attempts, clock }: SpendServiceDeps) {
	async function rows(period: Period, groupBy: readonly SpendDimension[]) {
		const found = await attempts.spend({ ...period, groupBy });
		if (found.length > ROWS_MAX) {
			throw badRequest(`The report has more than ${ROWS_MAX} rows: shorten the period or group by less.`, "group_by");
		}
		return [...found].sort(byDayThenCost).map((row) => ({ ...groupToApi(row, groupBy), ...spendFigures(row) }));
	}

	async function total(period: Period) {
		const [row] = await attempts.spend({ ...period, groupBy: [] });
		return spendFigures(row ?? NOTHING_SPENT);
	}

	return async function report(query: z.output<typeof spendQuerySchema>): Promise<SpendReport> {
		const period = readPeriod(query, clock.now());
		const groupBy = query.group_by === undefined ? undefined : readDimensions(query.group_by);
		const heading = {
			object: "spend" as const,
			from: new Date(period.fromMs).toISOString(),
			to: new Date(period.toMs).toISOString(),
			total: await total(period),
		};
		if (groupBy === undefined) {
			return {
				...heading,
				by_key: await rows(period, ["key"]),
				by_team: await rows(period, ["team"]),
				by_model: await rows(period, ["model"]),
			};
		}
		return { ...heading, group_by: groupBy, data: await rows(period, groupBy) };
	};
}

function readDimensions(text: string): SpendDimension[] {
	const names = text.split(",").map((name) => name.trim());
	const dimensions = names.map((name) => {
		const dimension = SPEND_DIMENSIONS.find((known) => known === name);
		if (dimension === undefined) {
			throw badRequest(`group_by: must be some of ${SPEND_DIMENSIONS.join(", ")}, separated by commas.`, "group_by");
		}
		return dimension;
	});
	if (new Set(dimensions).size < dimensions.length) {
		throw badRequest("group_by: names a dimension twice.", "group_by");
	}
	return dimensions;
}

function groupToApi({ group }: SpendRow, groupBy: readonly SpendDimension[]): Partial<z.output<typeof spendRowSchema>> {
	return Object.fromEntries(groupBy.map((dimension) => [dimension, group[dimension] ?? null]));
}

/** Days in order, within a day the dearest first, then by name so that equal reports are equal. */
function byDayThenCost(left: SpendRow, right: SpendRow): number {
	const byDay = compare(left.group.day ?? "", right.group.day ?? "");
	return byDay || compare(right.costNano, left.costNano) || compare(nameOf(left), nameOf(right));
}

function compare(left: string | bigint, right: string | bigint): number {
	return left < right ? -1 : left > right ? 1 : 0;
}

function nameOf({ group }: SpendRow): string {
	return SPEND_DIMENSIONS.map((dimension) => group[dimension] ?? "").join("\n");
}

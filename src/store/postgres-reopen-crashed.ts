import { getTableColumns, inArray } from "drizzle-orm";
import { monthOf } from "../limits/month.ts";
import type { SettleWrite } from "./attempt-rows.ts";
import { toAttemptRow } from "./attempt-rows.ts";
import { FIGURES } from "./day-sums.ts";
import type { PostgresConnection } from "./postgres-connection.ts";
import { dbOn } from "./postgres-db.ts";
import { sqlState } from "./postgres-errors.ts";
import { jsonParameter } from "./postgres-values.ts";
import { type EarlierAttempt, type SpendCell, spendCell } from "./spend-days.ts";
import type { Tables } from "./tables.ts";

type Values = PostgresConnection["values"];

/** The attempts of the same request that came before, as they count. */
export type EarlierOf = (write: SettleWrite) => Promise<readonly EarlierAttempt[]>;

const CELL_KEY = ["day", "keyId", "team", "provider", "model"] as const;

/**
 * Attempts that others have settled as crashed, at their reservation, and of which it has now come out of an outbox what
 * they really cost: takes back what they were charged, in one transaction, so that they can be settled again. Where the
 * figures to take it from are gone (a pruned day) or have been moved meanwhile, the estimate stays.
 * @returns Whether there is anything to settle again.
 */
export async function reopenCrashed(
	values: Values,
	tables: Tables,
	late: readonly SettleWrite[],
	{ instanceId, earlierOf }: { readonly instanceId: string; readonly earlierOf: EarlierOf },
): Promise<boolean> {
	const ids = [...new Set(late.map(({ opening }) => opening.requestId))];
	await values("begin isolation level read committed");
	try {
		await values(
			`select 1 from attempts where request_id in (select json_array_elements_text($1::text::json))
				order by request_id, attempt for update`,
			[jsonParameter(ids)],
		);
		const crashed = await crashedAmong(values, tables, late, ids);
		for (const write of crashed) {
			await takeBack(values, tables, write, spendCell(write, await earlierOf(write)));
			await values(
				`update attempts set settled_at = null, outcome = null, usage_source = null, error_class = null, cost_nano = 0,
					duration_ms = null, instance = $3 where request_id = $1 and attempt = $2`,
				[write.opening.requestId, write.opening.attempt, instanceId],
			);
		}
		await values("commit");
		return crashed.length > 0;
	} catch (error) {
		await values("rollback");
		if (error instanceof NothingToTakeBack || sqlState(error) === CHECK_VIOLATED) {
			return false;
		}
		throw error;
	}
}

const CHECK_VIOLATED = "23514";

class NothingToTakeBack extends Error {
	override readonly name = "NothingToTakeBack";
}

async function crashedAmong(
	values: Values,
	{ attempts }: Tables,
	late: readonly SettleWrite[],
	ids: readonly string[],
): Promise<readonly SettleWrite[]> {
	const wanted = new Set(late.map(({ opening }) => `${opening.requestId} ${opening.attempt}`));
	const rows = await dbOn(values)
		.select()
		.from(attempts)
		.where(inArray(attempts.requestId, [...ids]));
	return rows.flatMap((row) => {
		const { opening, openedAtMs, closing, settledAtMs } = toAttemptRow(row);
		const isCrashed = closing?.usageSource === "crash_estimate" && wanted.has(`${row.requestId} ${row.attempt}`);
		return closing === undefined || settledAtMs === undefined || !isCrashed
			? []
			: [{ opening: { ...opening, budgets: [] }, openedAtMs, closing, settledAtMs }];
	});
}

/** @throws NothingToTakeBack */
async function takeBack(values: Values, { spendDays }: Tables, write: SettleWrite, cell: SpendCell): Promise<void> {
	const columns = getTableColumns(spendDays);
	const less = FIGURES.map((name, index) => `${columns[name].name} = ${columns[name].name} - $${index + 6}`).join(", ");
	const key = CELL_KEY.map((name, index) => `${columns[name].name} = $${index + 1}`).join(" and ");
	await mustChange(
		values(`update spend_days set ${less} where ${key} returning 1`, [
			...CELL_KEY.map((name) => cell[name]),
			...FIGURES.map((name) => cell[name]),
		]),
	);
	const { keyId, team } = write.opening;
	const { costNano } = write.closing;
	const subjects = team === undefined ? [`key:${keyId}`] : [`key:${keyId}`, `team:${team}`];
	for (const subject of costNano === 0 ? [] : subjects) {
		// What a dead instance was charged is moved to "" when it is buried, and may not have been yet.
		await mustChange(
			values(
				`update budget_accounts set spent = spent - $3 where subject = $1 and month = $2 and instance = (
					select instance from budget_accounts where subject = $1 and month = $2 and spent >= $3
						and (instance = '' or instance not in (select id from instances))
					order by instance limit 1) returning 1`,
				[subject, monthOf(write.openedAtMs), costNano],
			),
		);
	}
}

async function mustChange(answer: ReturnType<Values>): Promise<void> {
	if ((await answer).length !== 1) {
		throw new NothingToTakeBack();
	}
}

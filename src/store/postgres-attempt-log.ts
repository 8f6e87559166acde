import { type Column, getTableColumns } from "drizzle-orm";
import { monthOf } from "../limits/month.ts";
import {
	CLOSING_COLUMNS,
	closingColumns,
	OPENING_COLUMNS,
	type OpeningWrite,
	openingColumns,
	type SettleWrite,
} from "./attempt-rows.ts";
import { FIGURES } from "./day-sums.ts";
import type { PostgresConnection } from "./postgres-connection.ts";
import type { PostgresPool } from "./postgres-pool.ts";
import { reopenCrashed } from "./postgres-reopen-crashed.ts";
import { jsonParameter } from "./postgres-values.ts";
import { type EarlierAttempt, spendCell } from "./spend-days.ts";
import type { Tables } from "./tables.ts";

/** Puts attempts into PostgreSQL's ledger. */
export interface PostgresAttemptLog {
	/**
	 * All rows or none, in one statement and so in one transaction of one round trip. A row that is already there, or
	 * already settled, by this instance or another, is left as it is, and its day and its budgets too; only what others have
	 * settled as crashed, at its reservation, is put right. Rejects with what the
	 * database raises; writing again what may have been written changes nothing.
	 */
	write(openings: readonly OpeningWrite[], settles: readonly SettleWrite[]): Promise<void>;
}

/** The same on a connection of the caller's, perhaps inside of a transaction. */
export type WriteAttempts = (
	values: PostgresConnection["values"],
	...writes: Parameters<PostgresAttemptLog["write"]>
) => Promise<void>;

const CELL_KEY = ["day", "keyId", "team", "provider", "model"] as const;

export function createPostgresAttemptLog(pool: PostgresPool, write: WriteAttempts): PostgresAttemptLog {
	return { write: (...writes) => pool.run((connection) => write(connection.values, ...writes)) };
}

/** @param instanceId Whose attempts they are, unless a write says something else. */
export function createWriteAttempts(tables: Tables, instanceId: string): WriteAttempts {
	const openingsText = openingsInsert(tables.attempts);
	const settlesText = settlesUpsert(tables);
	const opened = (write: OpeningWrite) => ({ ...openingColumns(write), instance: write.instance ?? instanceId });

	return async (values, openings, settles) => {
		if (settles.length === 0) {
			await values(openingsText, [jsonParameter(openings.map(opened))]);
			return;
		}
		const before = await earlierAttempts(values, openings, settles);
		const rows = settles.map((write) => ({ ...openingColumns(write), ...closingColumns(write) }));
		const cells = settles.map((write) => ({
			requestId: write.opening.requestId,
			attempt: write.opening.attempt,
			month: monthOf(write.openedAtMs),
			instance: write.instance ?? instanceId,
			...spendCell(write, before(write)),
		}));
		const parameters = [jsonParameter(openings.map(opened)), jsonParameter(rows), jsonParameter(cells)];
		const [[settled] = []] = await values(settlesText, parameters);
		// Some were settled before: by this very write, whose answer was lost, or by those who took their instance for dead.
		const late = Number(settled) === settles.length ? [] : settles.filter(isKnown);
		const earlierOf = async (write: SettleWrite) => (await earlierAttempts(values, [], [write]))(write);
		if (late.length > 0 && (await reopenCrashed(values, tables, late, { instanceId, earlierOf }))) {
			await values(settlesText, parameters);
		}
	};
}

/** Says what an attempt really came to. */
function isKnown({ closing }: SettleWrite): boolean {
	return closing.usageSource !== "crash_estimate";
}

type Attempts = Tables["attempts"];

/** Rows from JSON, in the order of the primary key: two instances that meet wait for each other, but never both. */
function given(parameter: number, columns: readonly (readonly [name: string, column: Column])[]): string {
	const types = columns.map(([name, column]) => `"${name}" ${column.getSQLType()}`).join(", ");
	return `json_to_recordset($${parameter}::text::json) as given(${types})`;
}

function insertFrom(attempts: Attempts, parameter: number, names: readonly (keyof Attempts["$inferSelect"])[]): string {
	const columns = getTableColumns(attempts);
	const places = names.map((name) => columns[name].name).join(", ");
	const values = names.map((name) => `"${name}"`).join(", ");
	const typed = names.map((name) => [name, columns[name]] as const);
	return `insert into attempts (${places}) select ${values} from ${given(parameter, typed)} order by "requestId", "attempt"`;
}

function openingsInsert(attempts: Attempts): string {
	return `${insertFrom(attempts, 1, [...OPENING_COLUMNS, "instance"])} on conflict do nothing`;
}

/**
 * Openings, settles, and to the days and the budgets what was settled by this very statement and by no other. ($1 openings,
 * $2 settles, $3 what each settle adds.) The parts write different rows, so that they may be of one statement.
 */
function settlesUpsert({ attempts, spendDays }: Tables): string {
	const columns = getTableColumns(attempts);
	const set = CLOSING_COLUMNS.map((name) => `${columns[name].name} = excluded.${columns[name].name}`).join(", ");
	const days = getTableColumns(spendDays);
	const typed = [
		["requestId", columns.requestId] as const,
		["attempt", columns.attempt] as const,
		["month", days.day] as const,
		["instance", columns.instance] as const,
		...[...CELL_KEY, ...FIGURES].map((name) => [name, days[name]] as const),
	];
	return `with
		opened as (${openingsInsert(attempts)}),
		settled as (
			${insertFrom(attempts, 2, [...OPENING_COLUMNS, ...CLOSING_COLUMNS])}
			on conflict (request_id, attempt) do update set ${set}, instance = null where attempts.settled_at is null
			returning request_id, attempt
		),
		added as (
			select given.* from ${given(3, typed)}
			join settled on settled.request_id = given."requestId" and settled.attempt = given."attempt"
		),
		charged as (${CHARGES}),
		booked as (${daysUpsert(spendDays)})
		select count(*) from settled`;
}

/** To the budgets of keys and teams, with or without a limit. Only of one's own instance, so that nobody waits for others. */
const CHARGES = `insert into budget_accounts (subject, month, instance, entitled, spent, sequence)
	select subject, month, instance, 0, sum(cost)::bigint, 0
	from (
		select 'key:' || "keyId" as subject, month, instance, "costNano" as cost from added
		union all
		select 'team:' || team, month, instance, "costNano" from added where team <> ''
	) as charges
	where cost > 0
	group by subject, month, instance order by subject, month, instance
	on conflict (subject, month, instance) do update set spent = budget_accounts.spent + excluded.spent`;

function daysUpsert(spendDays: Tables["spendDays"]): string {
	const days = getTableColumns(spendDays);
	const place = (name: keyof typeof days) => days[name].name;
	const keyPlaces = CELL_KEY.map(place).join(", ");
	const keyValues = CELL_KEY.map((name) => `added."${name}"`).join(", ");
	const sums = FIGURES.map((name) => `sum(added."${name}")::${days[name].getSQLType()}`).join(", ");
	const adds = FIGURES.map((name) => `${place(name)} = spend_days.${place(name)} + excluded.${place(name)}`).join(", ");
	return `insert into spend_days (${keyPlaces}, ${FIGURES.map(place).join(", ")})
		select ${keyValues}, ${sums} from added
		group by ${keyValues} order by ${keyValues}
		on conflict (${keyPlaces}) do update set ${adds}`;
}

/** The attempts of the same requests that came before, from the ledger and from the rows that are about to be in it. */
async function earlierAttempts(
	values: PostgresConnection["values"],
	openings: readonly OpeningWrite[],
	settles: readonly SettleWrite[],
): Promise<(write: SettleWrite) => readonly EarlierAttempt[]> {
	const retried = [
		...new Set(settles.filter(({ opening }) => opening.attempt > 0).map(({ opening }) => opening.requestId)),
	];
	const known = new Map<string, Map<number, EarlierAttempt>>(retried.map((id) => [id, new Map()]));
	if (retried.length > 0) {
		const rows = await values(
			"select request_id, attempt, provider, model, price_version from attempts where request_id in (select json_array_elements_text($1::text::json))",
			[jsonParameter(retried)],
		);
		for (const [requestId, attempt, provider, model, priceVersion] of rows) {
			known.get(String(requestId))?.set(Number(attempt), {
				provider: String(provider),
				model: String(model),
				priceVersion: priceVersion === null ? null : String(priceVersion),
			});
		}
		for (const { opening } of [...openings, ...settles]) {
			const { provider, model, priceVersion = null } = opening;
			known.get(opening.requestId)?.set(opening.attempt, { provider, model, priceVersion });
		}
	}
	return ({ opening: { requestId, attempt } }) =>
		[...(known.get(requestId) ?? [])].filter(([number]) => number < attempt).map(([, facts]) => facts);
}

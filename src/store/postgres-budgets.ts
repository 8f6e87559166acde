import type { BudgetAuthority, BudgetClaim, BudgetLease } from "../limits/authority-types.ts";
import { monthStartMs, nextMonthStartMs } from "../limits/month.ts";
import { TakenForDead } from "../limits/taken-for-dead.ts";
import { type BudgetAccounts, decideLease, type LeaseDecision } from "./decide-lease.ts";
import type { PostgresConnection } from "./postgres-connection.ts";
import { createPostgresTransact } from "./postgres-db.ts";
import type { PostgresPool } from "./postgres-pool.ts";
import { jsonParameter } from "./postgres-values.ts";
import { rowsOf, run, type Steps } from "./transact.ts";

/** Locks on subjects are a family of their own: these numbers stand in front of what a subject's name comes to. "GWLB". */
const LOCK_FAMILY = 0x47574c42;
const LEASE_MS_MAX = 1_000;
const STANDING_MS_MAX = 1_000;

type Values = PostgresConnection["values"];

export interface PostgresBudgetsDeps {
	readonly pool: PostgresPool;
	readonly instanceId: string;
	/** What a lease may take, whatever happens. Milliseconds; default 1,000. */
	readonly leaseMsMax?: number | undefined;
}

/** Budgets of several instances, kept in `budget_accounts`. */
export function createPostgresBudgets(deps: PostgresBudgetsDeps): BudgetAuthority {
	const { pool, instanceId, leaseMsMax = LEASE_MS_MAX } = deps;
	const transact = createPostgresTransact(pool, leaseMsMax);
	return {
		/** @throws TakenForDead when this instance has to say first that it lives. */
		async lease(claims, sequence) {
			checkClaims(claims);
			if (claims.length === 0) {
				return { granted: true, shares: [] };
			}
			const lease = await transact((_db, values) => leaseSteps(values, instanceId, claims, sequence));
			if (lease === undefined) {
				throw new TakenForDead();
			}
			return lease;
		},
		standing: (subject, month) =>
			pool.run(async ({ values }) => {
				const [row = []] = await values(STANDING, [subject, month, monthStartMs(month), nextMonthStartMs(month)]);
				const [spentNano, reservedNano] = row.map(safeNumber);
				return { spentNano: spentNano ?? 0, reservedNano: reservedNano ?? 0 };
			}, STANDING_MS_MAX),
	};
}

function checkClaims(claims: readonly BudgetClaim[]): void {
	for (const { limitNano, entitledNano, needNano, aheadNano } of claims) {
		if (![limitNano, entitledNano, needNano, aheadNano].every((nano) => Number.isSafeInteger(nano) && nano >= 0)) {
			throw new Error("The amounts of a budget claim must be non-negative integers of nano-dollars.");
		}
	}
	if (new Set(claims.map(({ subject, month }) => `${month} ${subject}`)).size < claims.length) {
		throw new Error("A lease names a budget twice.");
	}
}

/** undefined: this instance was taken for dead. */
function* leaseSteps(
	values: Values,
	instanceId: string,
	claims: readonly BudgetClaim[],
	sequence: number,
): Steps<BudgetLease | undefined> {
	const named = jsonParameter(claims.map(({ subject, month }, place) => ({ place, subject, month })));
	const locked = yield* rowsOf(rows(values(LOCK, [instanceId, named])));
	if (locked.length === 0) {
		return undefined;
	}
	const read = yield* rowsOf(rows(values(READ, [instanceId, named])));
	const accounts = claims.map((claim, place) => toAccounts(claim, read[place] ?? []));
	const { counts, ...lease } = decideLease({ accounts, sequence, instances: Number(read[0]?.[6] ?? 1) });
	yield* run(values(WRITE, [instanceId, sequence, jsonParameter(written({ counts, ...lease }))]));
	return lease;
}

/** What has to be remembered; of a claim that a newer one has overtaken nothing. */
function written({ counts, shares }: LeaseDecision) {
	return shares
		.filter((_share, place) => counts[place] === true)
		.map(({ subject, month, entitledNano }) => ({ subject, month, entitled: entitledNano }));
}

async function rows(answer: ReturnType<Values>): Promise<(readonly unknown[])[]> {
	return [...(await answer)];
}

function toAccounts(claim: BudgetClaim, row: readonly unknown[]): BudgetAccounts {
	const [, entitled, spent, sequence, others, othersSpent] = row.map(String);
	return {
		claim,
		entitledNano: BigInt(entitled ?? 0),
		spentNano: BigInt(spent ?? 0),
		sequence: Number(sequence ?? -1),
		othersNano: BigInt(others ?? 0),
		othersSpentNano: BigInt(othersSpent ?? 0),
	};
}

/** A sum above nine million dollars is beyond every budget that can be set: it stays at the largest exact number. */
function safeNumber(sum: unknown): number {
	return Math.min(Number(sum), Number.MAX_SAFE_INTEGER);
}

const GIVEN = `json_to_recordset($2::text::json) as given("place" bigint, "subject" text, "month" bigint)`;

/**
 * No row: this instance does not live. Its row is kept from being deleted until this transaction ends, so that what is
 * granted now is found by whoever settles what it leaves. The subjects are locked in an order that is the same for all: a
 * lock on rows would not see those that another instance is about to insert. ($1 instance, $2 subjects.)
 */
const LOCK = `with alive as materialized (
		select id from instances where id = $1 and ended_at is null for key share
	), subjects as materialized (
		select distinct hashtext(given."subject") as hash from ${GIVEN} order by 1
	)
	select pg_advisory_xact_lock(${LOCK_FAMILY}, subjects.hash)::text from alive cross join subjects`;

/** A statement of its own, begun when the locks are held: it sees what was committed under them. ($1 instance, $2 subjects.) */
const READ = `select given."place"::text,
		coalesce(max(account.entitled) filter (where account.instance = $1), 0)::text,
		coalesce(max(account.spent) filter (where account.instance = $1), 0)::text,
		coalesce(max(account.sequence) filter (where account.instance = $1), -1)::text,
		coalesce(sum(case when living.id is null then account.spent else greatest(account.entitled, account.spent) end)
			filter (where account.instance <> $1), 0)::text,
		coalesce(sum(account.spent) filter (where account.instance <> $1), 0)::text,
		(select count(*) from instances where ended_at is null)::text
	from ${GIVEN}
	left join budget_accounts as account on account.subject = given."subject" and account.month = given."month"
	left join instances as living on living.id = account.instance
	group by given."place" order by given."place"`;

/** $1 instance, $2 sequence, $3 the entitlements. */
const WRITE = `insert into budget_accounts (subject, month, instance, entitled, spent, sequence)
	select given."subject", given."month", $1, given."entitled", 0, $2::bigint
	from json_to_recordset($3::text::json) as given("subject" text, "month" bigint, "entitled" bigint)
	order by 1, 2
	on conflict (subject, month, instance) do update set entitled = excluded.entitled, sequence = excluded.sequence`;

/** $1 subject, $2 month, $3 its first millisecond, $4 the first one after. */
const STANDING = `select
	(select coalesce(sum(spent), 0) from budget_accounts where subject = $1 and month = $2)::text,
	(select coalesce(sum(reserved_nano), 0) from attempts
		where settled_at is null and opened_at >= $3 and opened_at < $4 and ('key:' || key_id = $1 or 'team:' || team = $1))::text`;

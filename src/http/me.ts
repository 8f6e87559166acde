import { Elysia } from "elysia";
import type { z } from "zod";
import { NOTHING_SPENT, spendFigures } from "../admin/spend/figures.ts";
import { unroutedHeaders } from "../gateway/answer-headers.ts";
import { authenticate } from "../gateway/authenticate.ts";
import { budgetRemaining } from "../gateway/budget-remaining.ts";
import type { GatewayDeps } from "../gateway/types.ts";
import type { KeyRecord } from "../keys/types.ts";
import { newRequestId } from "../lib/ids.ts";
import { formatUsd, type NanoUsd } from "../lib/money.ts";
import { monthOf, monthStartMs } from "../limits/month.ts";
import { keySubject, teamSubject } from "../limits/subjects.ts";
import type { LimitSubject } from "../limits/types.ts";
import { dayOf } from "../store/spend-days.ts";
import type { AttemptReader, SpendRow } from "../store/types.ts";
import { methodNotAllowed } from "./errors.ts";
import type { allowanceSchema, meSchema } from "./me-schema.ts";

export interface MeDeps extends Pick<GatewayDeps, "accounts" | "authentication"> {
	readonly attempts: Pick<AttemptReader, "spendOfKey">;
}

/** `GET /v1/me`: what the asking key may use, what is left of it, and what it has spent this month. Takes from no limit. */
export function meRoutes({ accounts, authentication, attempts }: MeDeps) {
	return new Elysia({ name: "me" })
		.get("/v1/me", async ({ request, server, set }) => {
			const key = await authenticate(request.headers, () => server?.requestIP(request)?.address, authentication);
			const remainingNano = budgetRemaining(key, accounts);
			Object.assign(set.headers, unroutedHeaders(newRequestId(), "gateway-llm/me", remainingNano));
			set.headers["cache-control"] = "no-store";
			return account(key, accounts, attempts);
		})
		.all("/v1/me", methodNotAllowed(["GET"]), { parse: "none" });
}

async function account(
	key: KeyRecord,
	accounts: MeDeps["accounts"],
	attempts: MeDeps["attempts"],
): Promise<z.output<typeof meSchema>> {
	const teamLimits = key.team === undefined ? undefined : accounts.teams.limitsOf(key.team);
	return {
		object: "virtual_key",
		id: key.id,
		name: key.name ?? null,
		key_hint: key.keyHint,
		models: [...key.models],
		created_at: timestamp(key.createdAt),
		expires_at: key.expiresAt === undefined ? null : timestamp(key.expiresAt),
		limits: await allowance(keySubject(key), key.monthlyBudgetNano, accounts),
		spend: await spendOf(key.id, accounts, attempts),
		team:
			key.team === undefined || teamLimits === undefined
				? null
				: {
						name: key.team,
						limits: await allowance(teamSubject(key.team, teamLimits), teamLimits.monthlyBudgetNano, accounts),
					},
	};
}

async function allowance(
	subject: LimitSubject,
	budgetNano: NanoUsd | undefined,
	{ limiter, budgets }: MeDeps["accounts"],
): Promise<z.output<typeof allowanceSchema>> {
	const levels = await limiter.levels(subject);
	const { spentNano, reservedNano, resetAtMs } = await budgets.levels(subject.id);
	return {
		rpm: windowOf(subject.rpm, levels.rpmUsed, levels.rpmFullAfterMs),
		tpm: windowOf(subject.tpm, levels.tpmUsed, levels.tpmFullAfterMs),
		parallel: { limit: subject.parallel ?? null, in_flight: levels.parallelUsed },
		budget: {
			limit_usd: budgetNano === undefined ? null : formatUsd(budgetNano),
			spent_usd: formatUsd(spentNano),
			reserved_usd: formatUsd(reservedNano),
			remaining_usd: budgetNano === undefined ? null : formatUsd(Math.max(0, budgetNano - spentNano - reservedNano)),
			resets_at: timestamp(resetAtMs),
		},
	};
}

function windowOf(limit: number | undefined, used: number, fullAfterMs: number) {
	return limit === undefined
		? { limit: null, remaining: null, full_in_seconds: 0 }
		: { limit, remaining: Math.max(0, limit - used), full_in_seconds: Math.ceil(fullAfterMs / 1000) };
}

/** The month that the budgets count in, from the daily roll-up. */
async function spendOf(
	keyId: string,
	{ budgets }: MeDeps["accounts"],
	attempts: MeDeps["attempts"],
): Promise<z.output<typeof meSchema>["spend"]> {
	const toMs = budgets.resetAtMs();
	const fromMs = monthStartMs(monthOf(toMs - 1));
	const month = { keyId, fromDay: dayOf(fromMs), endDay: dayOf(toMs) };
	const [total] = await attempts.spendOfKey({ ...month, groupBy: [] });
	const models = await attempts.spendOfKey({ ...month, groupBy: ["model"] });
	const days = await attempts.spendOfKey({ ...month, groupBy: ["day"] });
	return {
		from: timestamp(fromMs),
		to: timestamp(toMs),
		total: spendFigures(total ?? NOTHING_SPENT),
		by_model: [...models].sort(dearestFirst).map((row) => ({ model: row.group.model ?? "", ...spendFigures(row) })),
		by_day: days
			.map((row) => ({ day: row.group.day ?? "", ...spendFigures(row) }))
			.sort((left, right) => (left.day < right.day ? -1 : 1)),
	};
}

/** By name where the cost is the same, so that equal answers are equal. */
function dearestFirst(left: SpendRow, right: SpendRow): number {
	if (left.costNano !== right.costNano) {
		return left.costNano < right.costNano ? 1 : -1;
	}
	return (left.group.model ?? "") < (right.group.model ?? "") ? -1 : 1;
}

function timestamp(atMs: number): string {
	return new Date(atMs).toISOString();
}

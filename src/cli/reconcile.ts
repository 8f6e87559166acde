import type { DayCheck } from "../store/housekeeping-types.ts";
import type { LedgerReading } from "../store/read-ledger.ts";
import { dayName, dayOf } from "../store/spend-days.ts";
import { StoreRefused } from "../store/store-refused.ts";
import { type Arguments, readArguments } from "./arguments.ts";
import { DATA_DIRECTORY_DEFAULT } from "./data-directory.ts";
import { CommandFailure, UsageError } from "./failures.ts";
import { openBooks } from "./open-books.ts";
import { reconciliationText } from "./reconcile-report.ts";
import { createRowChecks, type RowChecks } from "./reconcile-rows.ts";
import type { Reconciliation, SumFinding } from "./reconcile-types.ts";
import { createUpstreamComparison } from "./reconcile-upstream.ts";
import { type Command, EXIT } from "./types.ts";
import { readUpstreamCalls } from "./upstream-calls.ts";

/** 1 says that there are differences and nothing else. */
const EXIT_NOT_DONE = 2;
/** Later than any date has a name for. */
const END_OF_DAYS = 100_000_000;
const DATE = /^\d{4}-\d{2}-\d{2}$/;

export const reconcileCommand: Command = {
	help: `Compare the books with themselves and with an upstream's own count. Changes nothing; a gateway may be running.

Usage: gateway-llm reconcile [options]

Checked are: every figure of the daily sums against the rows of the ledger, by day, key, team, provider and model; the
cost of each row against its usage and its price; that nothing is negative and nothing is settled without an outcome.

Options:
  --config FILE    Says where the database is, and prices. Default: config.yaml, else the built-in configuration.
  --data DIR       The data directory of the gateway. Default: ${DATA_DIRECTORY_DEFAULT}
  --from DATE      First UTC day, such as 2026-11-01. Default: the first there is.
  --to DATE        Last UTC day. Default: the last there is.
  --upstream FILE  What the upstream counted: JSON lines, one for each call it got,
                   {"request_id", "prompt_tokens", "completion_tokens"?, "cost_usd"?}. request_id is the X-Request-Id
                   that the gateway sent; tokens as OpenAI counts them; other fields are left alone.
  --provider NAME  Compare --upstream with the attempts at this provider only.
  --json           Print one JSON object.

Exit codes: 0 no differences, 1 differences, 2 not done (arguments, no database), 78 bad configuration.
`,
	async run(argv, io) {
		try {
			const options = readArguments(argv, {
				config: { type: "string" },
				data: { type: "string" },
				from: { type: "string" },
				to: { type: "string" },
				upstream: { type: "string" },
				provider: { type: "string" },
				json: { type: "boolean" },
			});
			return await reconcile(options, io);
		} catch (error) {
			if (error instanceof UsageError) {
				io.stderr(`gateway-llm reconcile: ${error.message}\nHow to use it: gateway-llm reconcile --help\n`);
				return EXIT_NOT_DONE;
			}
			if (error instanceof CommandFailure || error instanceof StoreRefused) {
				io.stderr(`gateway-llm reconcile: ${error.message}\n`);
				return EXIT_NOT_DONE;
			}
			throw error;
		}
	},
};

async function reconcile(options: Arguments, io: Parameters<Command["run"]>[1]): Promise<number> {
	const period = readDays(options);
	const upstreamFile = options.text("upstream");
	if (options.text("provider") !== undefined && upstreamFile === undefined) {
		throw new UsageError("--provider goes with --upstream.");
	}
	const calls = upstreamFile === undefined ? undefined : await readUpstreamCalls(upstreamFile);
	const books = await openBooks(options, io);
	if (books === undefined) {
		return EXIT.badConfiguration;
	}
	const { snapshot, context, ledger } = books;
	try {
		const upstream = calls && createUpstreamComparison(calls, options.text("provider"));
		const checks = createRowChecks(snapshot, context.providers);
		const result = await walk(ledger, period, { place: ledger.place, checks, upstream });
		await io.stdout(options.flag("json") ? `${JSON.stringify(result)}\n` : reconciliationText(result));
		return result.differences.length === 0 ? EXIT.ok : EXIT.failed;
	} finally {
		ledger.close();
	}
}

interface Days {
	readonly from: string | undefined;
	readonly to: string | undefined;
	readonly fromDay: number;
	/** Exclusive. */
	readonly endDay: number;
}

async function walk(
	ledger: LedgerReading,
	{ from, to, fromDay, endDay }: Days,
	work: {
		readonly place: string;
		readonly checks: RowChecks;
		readonly upstream: ReturnType<typeof createUpstreamComparison> | undefined;
	},
): Promise<Reconciliation> {
	const { checks, upstream } = work;
	const sums: SumFinding[] = [];
	const days = await ledger.days(fromDay, endDay);
	const counts = { attempts: 0, unsettled: 0, pruned: 0 };
	for (const day of days) {
		const check = await ledger.checkDay(day, (row) => {
			checks.check(row);
			upstream?.add(row);
		});
		counts.attempts += check.attempts;
		counts.unsettled += check.unsettled;
		counts.pruned += check.pruned;
		sums.push(...sumFindings(check));
	}
	const compared = await upstream?.compare((requestId, madeAtMs) => isElsewhere(ledger, requestId, madeAtMs));
	return {
		database: work.place,
		from,
		to,
		days: days.length,
		...counts,
		costs: { recomputed: checks.recomputed(), unknown: checks.unknown() },
		upstream: compared && { lines: compared.lines, matched: compared.matched, skipped: compared.skipped },
		differences: [...sums, ...checks.differences, ...(compared?.differences ?? [])],
		notes: [...checks.notes, ...(compared?.notes ?? [])],
	};
}

/** The ledger has the request, but outside the period or at another provider; or had it, on a day whose rows are deleted. */
async function isElsewhere(ledger: LedgerReading, requestId: string, madeAtMs: number | undefined): Promise<boolean> {
	return (await ledger.hasRequest(requestId)) || (madeAtMs !== undefined && ledger.isPruned(dayOf(madeAtMs)));
}

function sumFindings({ day, differences }: DayCheck): readonly SumFinding[] {
	return differences.map(({ cell, figure, rows, rollUp }) => ({
		kind: "daily_sum",
		day: dayName(day),
		...cell,
		figure: figure.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
		rows,
		daily_sum: rollUp,
	}));
}

function readDays(options: Arguments): Days {
	const from = options.text("from");
	const to = options.text("to");
	const fromDay = from === undefined ? 0 : readDay("--from", from);
	const endDay = to === undefined ? END_OF_DAYS : readDay("--to", to) + 1;
	if (fromDay >= endDay) {
		throw new UsageError("--from must not be later than --to.");
	}
	return { from, to, fromDay, endDay };
}

function readDay(name: string, text: string): number {
	const atMs = Date.parse(`${text}T00:00:00Z`);
	// Date.parse rolls 30 February over into March; the round trip notices.
	if (!DATE.test(text) || Number.isNaN(atMs) || !new Date(atMs).toISOString().startsWith(text)) {
		throw new UsageError(`${name} must be a UTC day such as 2026-11-01.`);
	}
	return dayOf(atMs);
}

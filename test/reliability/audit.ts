import type { BookRow, Books } from "./books.ts";
import { addUp } from "./books.ts";
import { costNano, dollars, type Rates } from "./call-plan.ts";
import { type ChatOutcome, nanoIn } from "./exchange.ts";
import type { BookedCall } from "./ledger-upstream.ts";

/** What the clients of a run saw of one request. */
export interface Sighting extends ChatOutcome {
	readonly requestId: string;
	readonly stream: boolean;
}

export interface AuditInput {
	readonly books: Books;
	readonly calls: readonly BookedCall[];
	readonly sightings: readonly Sighting[];
	readonly rates: Readonly<Record<string, Rates>>;
	/** Nano-dollars, by key and by team name. */
	readonly budgets: { readonly keys: ReadonlyMap<string, bigint>; readonly teams: ReadonlyMap<string, bigint> };
}

/** Everything that must be empty, by its name; and how much was looked at. */
export interface Audit {
	readonly findings: Readonly<Record<string, readonly unknown[]>>;
	readonly counts: {
		readonly calls: number;
		readonly rows: number;
		readonly whole: number;
		readonly crashed: number;
		/** Rows of calls that never reached the provider: the process died, or the client left, on the way there. */
		readonly unsent: number;
		/** Calls that broke off before the gateway had read anything of them: nobody pays for those. */
		readonly unread: number;
	};
	/** Rows that were charged for a call which never arrived, because its client left on the way there. */
	readonly unsentCharged: readonly BookRow[];
	/** The ledger as a provider would send it that stops at a cancel: for `gateway-llm reconcile --upstream`. */
	readonly statement: readonly string[];
}

/** Compares three parties who never spoke to each other: clients, the gateway's rows, the provider's ledger. */
export function audit(input: AuditInput): Audit {
	const { books, calls, sightings, rates } = input;
	const seen = new Map(sightings.map((sighting) => [sighting.requestId, sighting]));
	const { pairs, rowsLeft, callsLeft } = pairUp(books.rows, calls);
	const unsent = rowsLeft.filter(mayBeUnsent);
	const unread = new Set(pairs.filter(([row, call]) => isUnread(row, call)).map(([, call]) => call));
	const otherCost: unknown[] = [];
	const below: unknown[] = [];
	const statement: string[] = [];
	for (const [row, call] of pairs) {
		const billed = unread.has(call) ? { ...call, ...NOTHING } : billedOf(row, call, seen.get(row.request_id), rates);
		statement.push(JSON.stringify(billed));
		if (isExact(row) && row.cost_nano !== BigInt(billed.cost_nano)) {
			otherCost.push({ row, call });
		} else if (row.cost_nano < BigInt(billed.cost_nano)) {
			below.push({ row, call, billed: billed.cost_nano });
		}
	}
	return {
		findings: {
			lost: callsLeft,
			doubled: rowsLeft.filter((row) => !mayBeUnsent(row)),
			other_cost: otherCost,
			below_the_provider: below,
			above_its_reservation: books.rows.filter((row) => row.cost_nano > row.reserved_nano),
			unsettled: books.rows.filter((row) => row.settled_at === null),
			told_another_cost: wholeMismatches({ ...input, calls: calls.filter((call) => !unread.has(call)) }, seen),
			...sumFindings(input),
		},
		counts: {
			calls: calls.length,
			rows: books.rows.length,
			whole: sightings.filter(({ kind }) => kind === "whole").length,
			crashed: books.rows.filter((row) => row.usage_source === "crash_estimate").length,
			unsent: unsent.length,
			unread: unread.size,
		},
		unsentCharged: unsent.filter((row) => row.outcome !== "crashed" && row.cost_nano > 0n),
		statement,
	};
}

const NOTHING = {
	prompt_tokens: 0,
	cached_tokens: 0,
	written_tokens: 0,
	completion_tokens: 0,
	cost_nano: 0,
	cost_usd: "0",
};

/** What a provider bills that stops at a cancel: the prompt, and the pieces that were taken from it. */
function billedOf(
	row: BookRow,
	call: BookedCall,
	sighting: Sighting | undefined,
	rates: Readonly<Record<string, Rates>>,
): BookedCall {
	if (!isCut(row, call)) {
		return call;
	}
	const pieces = sighting?.pieces ?? 0;
	const cost = costOfSeen(call, pieces, rates);
	return { ...call, completion_tokens: pieces, cost_nano: cost, cost_usd: dollars(cost) };
}

/** Every answer that a client saw to its last byte: told = rows = ledger, to the nano-dollar. */
function wholeMismatches({ books, calls, sightings }: AuditInput, seen: ReadonlyMap<string, Sighting>): unknown[] {
	const rows = addUp(
		books.rows,
		(row) => row.request_id,
		(row) => row.cost_nano,
	);
	const ledger = addUp(
		calls,
		(call) => call.request_id,
		(call) => BigInt(call.cost_nano),
	);
	const mismatches: unknown[] = sightings.length === seen.size ? [] : ["two answers under one request id"];
	for (const { kind, requestId, costUsd } of sightings) {
		if (kind !== "whole") {
			continue;
		}
		const told = nanoIn(costUsd);
		if (told !== rows.get(requestId) || told !== ledger.get(requestId)) {
			mismatches.push({ requestId, told, rows: rows.get(requestId), ledger: ledger.get(requestId) });
		}
	}
	return mismatches;
}

function sumFindings({ books, budgets }: AuditInput): Record<string, unknown[]> {
	const settled = books.rows.filter((row) => row.settled_at !== null);
	const byKey = addUp(
		settled,
		(row) => row.key_id,
		(row) => row.cost_nano,
	);
	const byTeam = addUp(
		settled,
		(row) => row.team,
		(row) => row.cost_nano,
	);
	return {
		other_daily_sum: [...differences(byKey, books.sumsByKey), ...differences(byTeam, books.sumsByTeam)],
		over_budget: [...overspent(byKey, budgets.keys), ...overspent(byTeam, budgets.teams)],
	};
}

function differences(rows: ReadonlyMap<string, bigint>, sums: ReadonlyMap<string, bigint>): unknown[] {
	return [...new Set([...rows.keys(), ...sums.keys()])]
		.filter((name) => (rows.get(name) ?? 0n) !== (sums.get(name) ?? 0n))
		.map((name) => ({ name, rows: rows.get(name), sums: sums.get(name) }));
}

function overspent(spent: ReadonlyMap<string, bigint>, budgets: ReadonlyMap<string, bigint>): unknown[] {
	return [...budgets].flatMap(([name, budget]) =>
		(spent.get(name) ?? 0n) > budget ? [{ name, spent: spent.get(name), budget }] : [],
	);
}

/** Rows with their calls, by request and model: those that say the same first, then whatever is left, in order. */
function pairUp(rows: readonly BookRow[], calls: readonly BookedCall[]) {
	const open = new Map<string, BookedCall[]>();
	for (const call of calls) {
		const name = `${call.request_id} ${call.model}`;
		open.set(name, [...(open.get(name) ?? []), call]);
	}
	const pairs: [BookRow, BookedCall][] = [];
	const others: BookRow[] = [];
	for (const row of rows) {
		const own = open.get(`${row.request_id} ${row.model}`) ?? [];
		const at = own.findIndex((call) => isExact(row) && BigInt(call.cost_nano) === row.cost_nano);
		const [call] = at === -1 ? [] : own.splice(at, 1);
		if (call === undefined) {
			others.push(row);
		} else {
			pairs.push([row, call]);
		}
	}
	const rowsLeft: BookRow[] = [];
	for (const row of others) {
		const call = open.get(`${row.request_id} ${row.model}`)?.shift();
		if (call === undefined) {
			rowsLeft.push(row);
		} else {
			pairs.push([row, call]);
		}
	}
	return { pairs, rowsLeft, callsLeft: [...open.values()].flat() };
}

/** Rows that do not say of themselves that they are a guess. */
function isExact(row: BookRow): boolean {
	return row.usage_source === "provider" || row.usage_source === "none";
}

/** Broken off before the gateway had read any of it: a stalled machine takes the pieces and the end of a stream for one. */
function isUnread(row: BookRow, call: BookedCall): boolean {
	return (
		call.fate === "breaks_off" && call.cost_nano > 0 && row.outcome === "upstream_failed" && row.usage_source === "none"
	);
}

/**
 * Given up while the provider was at it: it bills no more than was taken from it. Nor does one that broke off: what it sent
 * last may be gone with the connection.
 */
function isCut(row: BookRow, call: BookedCall): boolean {
	if (isExact(row) || call.cost_nano === 0) {
		return false;
	}
	const isGivenUp = row.outcome === "client_gone" || row.outcome === "cut";
	return isGivenUp || (call.fate === "breaks_off" && row.cost_nano < BigInt(call.cost_nano));
}

function costOfSeen(call: BookedCall, pieces: number, rates: Readonly<Record<string, Rates>>): number {
	const rate = rates[call.model];
	if (rate === undefined) {
		throw new Error(`nobody knows what ${call.model} costs`);
	}
	// Writes to a cache are told at the end only: before that they count as fresh ones.
	const usage = { prompt: call.prompt_tokens, cached: call.cached_tokens, written: 0, completion: pieces };
	return costNano(usage, rate);
}

/** The process died, or the client left, before the call was on the wire. */
function mayBeUnsent(row: BookRow): boolean {
	return row.outcome === "crashed" || row.outcome === "client_gone" || row.outcome === "cut" || row.cost_nano === 0n;
}

import { decodeTime } from "ulid";
import { formatUsd, type NanoUsd } from "../lib/money.ts";
import { completionTokens, promptTokens } from "../lib/usage.ts";
import type { AttemptRow } from "../store/types.ts";
import type { UpstreamFinding } from "./reconcile-types.ts";
import type { UpstreamCall } from "./upstream-calls.ts";

interface LedgerCall extends UpstreamCall {
	readonly attempt: number;
	readonly source: string;
	readonly costNano: NanoUsd;
}

export interface UpstreamComparison {
	/** Every settled row of the period. */
	add(row: AttemptRow): void;
	/** When all rows are added. `isElsewhere`: the ledger has the request outside the period, or had it. */
	compare(isElsewhere: (requestId: string, madeAtMs: number | undefined) => Promise<boolean>): Promise<{
		readonly lines: number;
		readonly matched: number;
		readonly skipped: number;
		readonly differences: readonly UpstreamFinding[];
		readonly notes: readonly UpstreamFinding[];
	}>;
}

/** Compares calls request by request. Attempts have no name at an upstream: they are told apart by their counts. */
export function createUpstreamComparison(
	calls: ReadonlyMap<string, readonly UpstreamCall[]>,
	provider: string | undefined,
): UpstreamComparison {
	const booked = new Map<string, LedgerCall[]>();
	/** Requests with settled attempts in the period, at whatever provider. */
	const known = new Set<string>();
	return {
		add({ opening, closing }) {
			if (closing !== undefined && calls.has(opening.requestId)) {
				known.add(opening.requestId);
			}
			if (closing === undefined || (provider !== undefined && opening.provider !== provider)) {
				return;
			}
			const { usage, usageSource: source, costNano } = closing;
			const call = { attempt: opening.attempt, source, costNano };
			const counted = { ...call, prompt: promptTokens(usage), completion: completionTokens(usage) };
			booked.set(opening.requestId, [...(booked.get(opening.requestId) ?? []), counted]);
		},
		async compare(isElsewhere) {
			const differences: UpstreamFinding[] = [];
			const notes: UpstreamFinding[] = [];
			let lines = 0;
			let matched = 0;
			let skipped = 0;
			for (const requestId of [...new Set([...booked.keys(), ...calls.keys()])].sort()) {
				const theirs = calls.get(requestId) ?? [];
				const ours = booked.get(requestId);
				lines += theirs.length;
				if (ours === undefined && !known.has(requestId) && (await isElsewhere(requestId, madeAt(requestId)))) {
					skipped += theirs.length;
					continue;
				}
				const own = compareRequest(requestId, ours ?? [], theirs);
				matched += own.matched;
				differences.push(...own.differences);
				notes.push(...own.notes);
			}
			return { lines, matched, skipped, differences, notes };
		},
	};
}

const SOURCES_EXACT: ReadonlySet<string> = new Set(["provider", "none"]);

function compareRequest(requestId: string, ours: readonly LedgerCall[], theirs: readonly UpstreamCall[]) {
	const differences: UpstreamFinding[] = [];
	const notes: UpstreamFinding[] = [];
	const left = [...theirs];
	const open: LedgerCall[] = [];
	for (const call of ours) {
		const at = left.findIndex((line) => isSame(call, line));
		if (at === -1) {
			open.push(call);
		} else {
			left.splice(at, 1);
		}
	}
	const matched = theirs.length - left.length;
	// A call that failed before it produced anything costs nothing, and its upstream need not have heard of it.
	const charged = open.filter((call) => call.source !== "none").sort((one, other) => one.attempt - other.attempt);
	const free = open.filter((call) => call.source === "none");
	for (const call of [...charged, ...free]) {
		const line = left.shift();
		if (line === undefined && call.source === "none") {
			continue;
		}
		const sameTokens = line !== undefined && call.prompt === line.prompt && call.completion === line.completion;
		const finding: UpstreamFinding = {
			kind: line === undefined ? "not_at_upstream" : sameTokens ? "upstream_cost" : "usage",
			request_id: requestId,
			attempt: call.attempt,
			source: call.source,
			ledger: describe(call),
			upstream: line && describe(line),
		};
		(isGuessAndEnough(call, line) ? notes : differences).push(finding);
	}
	for (const line of left) {
		differences.push({ kind: "not_in_ledger", request_id: requestId, ledger: undefined, upstream: describe(line) });
	}
	return { matched, differences, notes };
}

function isSame(call: LedgerCall, line: UpstreamCall): boolean {
	const sameCost = line.costNano === undefined || line.costNano === call.costNano;
	return sameCost && call.prompt === line.prompt && call.completion === line.completion;
}

/** The row says itself that it is a guess, and has not booked less than the upstream counted. */
function isGuessAndEnough(call: LedgerCall, line: UpstreamCall | undefined): boolean {
	if (SOURCES_EXACT.has(call.source)) {
		return false;
	}
	if (call.source === "crash_estimate") {
		// Charged at its reservation, which no token count tells.
		return line?.costNano === undefined || line.costNano <= call.costNano;
	}
	if (line === undefined) {
		// Given up on the way there: its prompt was booked, and the upstream may never have got it.
		return call.source === "partial" && call.completion === 0;
	}
	// Money is what counts, where both tell it: a prompt guessed too large may stand beside an answer seen in part.
	return line.costNano === undefined
		? call.prompt >= line.prompt && call.completion >= line.completion
		: call.costNano >= line.costNano;
}

function describe({ prompt, completion, costNano }: UpstreamCall): string {
	return `${prompt} + ${completion} tokens${costNano === undefined ? "" : `, $${formatUsd(costNano)}`}`;
}

/** Request ids begin with the time they were made at. */
function madeAt(requestId: string): number | undefined {
	const [, ulid] = /^req_([0-9A-HJKMNP-TV-Z]{26})$/.exec(requestId) ?? [];
	return ulid === undefined ? undefined : decodeTime(ulid);
}

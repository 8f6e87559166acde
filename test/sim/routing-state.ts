import type { AttemptClosing, AttemptOpening } from "../../src/metering/ledger-types.ts";
import type { Call } from "./routing-network.ts";
import type { RequestPlan } from "./routing-scenario.ts";

/** A row of the ledger, with the call it stands for. */
export interface Row {
	readonly opening: AttemptOpening;
	readonly openedMs: number;
	closing: AttemptClosing | undefined;
	settledMs: number | undefined;
	call: Call | undefined;
}

/** One request of a client, as far as it has come. */
export interface Asked {
	readonly number: number;
	readonly plan: RequestPlan;
	readonly arrivedMs: number;
	readonly requestId: string;
	/** The deployments that could serve it at another time, if not now; in the order of the configuration. */
	readonly suited: readonly string[];
	/** Those of them that it could go to when it came. */
	readonly available: readonly string[];
	/** The first instant at which one of them is expected back, by what was known when it came. */
	readonly recoveryMs: number;
	/** What it may cost is bounded: one that could serve it may be too dear. */
	readonly hasBudget: boolean;
	readonly rows: Row[];
	/** When its answer's head came. */
	answeredMs: number | undefined;
	endedMs: number | undefined;
	hasLeft: boolean;
}

/** A provider's old connection, or a prompt too long for the model: a row, and no failure. */
export function isUncounted({ call, closing }: Row): boolean {
	return call?.isStale === true || closing?.outcome === "refused";
}

/** Attempts that failed so far, as retries count them. */
export function failuresOf({ rows }: Asked): readonly Row[] {
	return rows.filter((row) => row.closing?.outcome === "upstream_failed" && !isUncounted(row));
}

/** Where violations go: the first one ends a history. */
export type Fail = (rule: string, facts: Readonly<Record<string, unknown>>) => void;

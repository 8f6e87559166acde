import type { Replay } from "../routing/report/types.ts";

interface Heading {
	/** Where the ledger is; without a password. */
	readonly database: string;
	/** Inclusive. */
	readonly from: string;
	/** Exclusive. */
	readonly to: string;
	/** UTC days of which rows were deleted. */
	readonly pruned_days: readonly string[];
}

/** What other thresholds would have cost. */
export interface Replayed extends Heading {
	readonly object: "routing_replay";
	readonly replay: Replay;
}

/** The same for several: both thresholds of every alias moved by `shift`. */
export interface Swept extends Heading {
	readonly object: "routing_sweep";
	readonly sweep: readonly { readonly shift: number; readonly replay: Replay }[];
}

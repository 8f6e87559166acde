import type { Snapshot } from "../../src/config/types.ts";

const SNAPSHOT: Pick<Snapshot, "teamBudgets"> = { teamBudgets: new Map() };

/** A configuration without teams; who reads anything else of it finds nothing. */
export function snapshotOf(): Snapshot {
	return SNAPSHOT as Snapshot;
}

import type { StorageSettings } from "../config/types.ts";
import type { Clock } from "../lib/clock.ts";
import type { Logger } from "../telemetry/logger.ts";
import { createDropUnserved } from "./drop-unserved.ts";
import { createFitSize } from "./fit-size.ts";
import type { Housekeeping } from "./housekeeping-types.ts";
import { createPruneDays } from "./prune-days.ts";
import { createShrinkFile } from "./shrink-file.ts";
import { dayOf } from "./spend-days.ts";
import { createSteadyClock } from "./steady-clock.ts";

/** What the parts of the upkeep work with. */
export interface UpkeepDeps {
	readonly housekeeping: Housekeeping;
	readonly clock: Clock;
	readonly logger: Pick<Logger, "info" | "warn" | "error">;
	/** Between two slices: requests come first. */
	readonly pause: () => Promise<void>;
	/** From then on nothing more is asked of the database. */
	readonly isStopped: () => boolean;
}

export interface Upkeep {
	/** Deletes what is over its time or too much, slice by slice, and lets the file shrink. */
	round(): Promise<void>;
	stop(): void;
}

/** Keeps the ledger's rows within `storage.retention` and the file within `storage.max_size`. Daily sums and keys stay. */
export function createUpkeep(
	given: Omit<UpkeepDeps, "isStopped"> & { readonly settings: () => StorageSettings },
): Upkeep {
	let stopped = false;
	const deps: UpkeepDeps = { ...given, isStopped: () => stopped };
	const calendar = createSteadyClock(deps.clock, deps.logger);
	const pruneDays = createPruneDays(deps);
	const dropUnserved = createDropUnserved(deps);
	const fitSize = createFitSize(deps, given.settings, { pruneDays, dropUnserved });
	const shrinkFile = createShrinkFile(deps);
	return {
		async round() {
			if (!(await deps.housekeeping.claim())) {
				return;
			}
			if (calendar.isTrusted()) {
				const sinceMs = deps.clock.now() - given.settings().retentionMs;
				await pruneDays(dayOf(sinceMs), async () => false);
				await dropUnserved(sinceMs, async () => false);
			}
			if (calendar.isTrusted() && !stopped) {
				await fitSize();
			}
			await shrinkFile();
		},
		stop() {
			stopped = true;
		},
	};
}

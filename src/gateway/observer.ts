import type { AttemptClosing, AttemptOpening } from "../metering/ledger-types.ts";
import type { LogFields } from "../telemetry/logger.ts";

/** Told of what has been done, on the path of every request: it must be quick, keep none of its arguments, and never throw. */
export interface Observer {
	/** The last byte has left. `facts` are what the log says of the request. */
	requestEnded(operation: string, facts: LogFields, durationMs: number): void;
	/** Once for each attempt that was begun. */
	attemptSettled(opening: AttemptOpening, closing: AttemptClosing): void;
}

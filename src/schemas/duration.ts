import { z } from "zod";

const UNITS_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;
const DURATION = /^(\d{1,9})(ms|s|m|h)$/;
/** Timers of the runtime hold 31 bits of milliseconds, about 24 days; nothing here waits longer than a day. */
const DURATION_MAX_MS = 86_400_000;
const ACCEPTED = 'must be a duration of at most 24h such as "250ms", "30s", "2m" or "1h"';

/** Milliseconds of `250ms`, `30s`, `2m`, `1h`; undefined for anything else, for zero and for more than a day. */
export function parseDuration(text: string): number | undefined {
	const match = DURATION.exec(text.trim());
	// The pattern admits the keys of UNITS_MS only; the compiler cannot see that.
	const unit = match?.[2] as keyof typeof UNITS_MS | undefined;
	if (match === null || unit === undefined) {
		return undefined;
	}
	const durationMs = Number(match[1]) * UNITS_MS[unit];
	return durationMs > 0 && durationMs <= DURATION_MAX_MS ? durationMs : undefined;
}

/** A span of time, written with its unit; read as milliseconds. */
export const durationSchema = z
	.string({ error: ACCEPTED })
	.transform((text, context) => {
		const durationMs = parseDuration(text);
		if (durationMs === undefined) {
			context.addIssue({ code: "custom", message: ACCEPTED });
			return z.NEVER;
		}
		return durationMs;
	})
	.meta({ title: "duration" });

const DAY_MS = 86_400_000;
const RETENTION_DAYS_MAX = 3_650;
const RETENTION_UNITS_MS: ReadonlyMap<string, number> = new Map([...Object.entries(UNITS_MS), ["d", DAY_MS]]);
const RETENTION_ACCEPTED = `must be a time of at most ${RETENTION_DAYS_MAX}d such as "30d", "12h" or "0s" for not at all`;

/** How long something is kept, as milliseconds: with days beside the units of a duration, and "0s" for not at all. */
export const retentionSchema = z
	.string({ error: RETENTION_ACCEPTED })
	.transform((text, context) => {
		const [, amount, unit] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text.trim()) ?? [];
		const unitMs = RETENTION_UNITS_MS.get(unit ?? "");
		const spanMs = Number(amount) * (unitMs ?? Number.NaN);
		if (!(spanMs <= RETENTION_DAYS_MAX * DAY_MS)) {
			context.addIssue({ code: "custom", message: RETENTION_ACCEPTED });
			return z.NEVER;
		}
		return spanMs;
	})
	.meta({ title: "duration" });

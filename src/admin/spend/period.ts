import { badRequest } from "../../lib/errors.ts";

const DAY_MS = 86_400_000;
const YEARS_MAX = 10;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
const DATE_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;

export interface Period {
	/** Inclusive, Unix milliseconds. */
	readonly fromMs: number;
	/** Exclusive, Unix milliseconds. */
	readonly toMs: number;
}

/**
 * The period that a report covers. Dates are UTC days and both ends belong to the period; a date-time in `to` does not.
 * Without `to` it ends with the current month; without `from` it begins with the month of its last instant.
 * @throws GatewayError 400 for anything that is not such a period of at most ten years.
 */
export function readPeriod(
	query: { readonly from?: string | undefined; readonly to?: string | undefined },
	nowMs: number,
) {
	const toMs = query.to === undefined ? monthStart(nowMs, 1) : instant("to", query.to, DAY_MS);
	const fromMs = query.from === undefined ? monthStart(toMs - 1, 0) : instant("from", query.from, 0);
	if (fromMs >= toMs) {
		throw badRequest("from: must be earlier than to.", "from");
	}
	const latest = new Date(fromMs);
	latest.setUTCFullYear(latest.getUTCFullYear() + YEARS_MAX);
	if (toMs > latest.getTime()) {
		throw badRequest(`to: a report covers at most ${YEARS_MAX} years.`, "to");
	}
	return { fromMs, toMs } satisfies Period;
}

function instant(name: "from" | "to", value: string, dayMs: number): number {
	if (DATE.test(value)) {
		const atMs = Date.parse(`${value}T00:00:00Z`);
		// Date.parse rolls 30 February over into March; the round trip notices.
		if (!Number.isNaN(atMs) && new Date(atMs).toISOString().startsWith(value)) {
			return atMs + dayMs;
		}
	} else if (DATE_TIME.test(value)) {
		const atMs = Date.parse(value);
		if (!Number.isNaN(atMs)) {
			return atMs;
		}
	}
	throw badRequest(`${name}: must be a date (2030-01-31) or an RFC 3339 date-time (2030-01-31T12:00:00Z).`, name);
}

function monthStart(atMs: number, monthsLater: number): number {
	const at = new Date(atMs);
	return Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + monthsLater, 1);
}

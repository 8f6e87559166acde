import { badRequest } from "../../lib/errors.ts";
import { readInstant } from "../../lib/instant.ts";

const DAY_MS = 86_400_000;
const YEARS_MAX = 10;

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
): Period {
	const toMs = query.to === undefined ? monthStart(nowMs, 1) : instant("to", query.to, DAY_MS);
	const fromMs = query.from === undefined ? monthStart(toMs - 1, 0) : instant("from", query.from, 0);
	return checked({ fromMs, toMs });
}

/**
 * The same, but without `to` it ends now, and without `from` it begins some days before its end.
 * @throws GatewayError 400, as above.
 */
export function readRecentPeriod(
	query: { readonly from?: string | undefined; readonly to?: string | undefined },
	{ nowMs, days }: { readonly nowMs: number; readonly days: number },
): Period {
	// Exclusive: what was opened in this very millisecond belongs to it.
	const toMs = query.to === undefined ? nowMs + 1 : instant("to", query.to, DAY_MS);
	const fromMs = query.from === undefined ? toMs - days * DAY_MS : instant("from", query.from, 0);
	return checked({ fromMs, toMs });
}

function checked({ fromMs, toMs }: Period): Period {
	if (fromMs >= toMs) {
		throw badRequest("from: must be earlier than to.", "from");
	}
	const latest = new Date(fromMs);
	latest.setUTCFullYear(latest.getUTCFullYear() + YEARS_MAX);
	if (toMs > latest.getTime()) {
		throw badRequest(`to: a report covers at most ${YEARS_MAX} years.`, "to");
	}
	return { fromMs, toMs };
}

function instant(name: "from" | "to", value: string, dayMs: number): number {
	const atMs = readInstant(value, dayMs);
	if (atMs === undefined) {
		throw badRequest(`${name}: must be a date (2030-01-31) or an RFC 3339 date-time (2030-01-31T12:00:00Z).`, name);
	}
	return atMs;
}

function monthStart(atMs: number, monthsLater: number): number {
	const at = new Date(atMs);
	return Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + monthsLater, 1);
}

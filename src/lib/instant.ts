const DATE = /^\d{4}-\d{2}-\d{2}$/;
const DATE_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;

/**
 * Reads a UTC date (2030-01-31) or an RFC 3339 date-time.
 * @param dayMs Added to a date: 0 = where the day begins, a day = where it ends.
 * @returns Unix milliseconds; undefined for anything else.
 */
export function readInstant(text: string, dayMs: number): number | undefined {
	if (DATE.test(text)) {
		const atMs = Date.parse(`${text}T00:00:00Z`);
		// Date.parse rolls 30 February over into March; the round trip notices.
		return !Number.isNaN(atMs) && new Date(atMs).toISOString().startsWith(text) ? atMs + dayMs : undefined;
	}
	const atMs = DATE_TIME.test(text) ? Date.parse(text) : Number.NaN;
	return Number.isNaN(atMs) ? undefined : atMs;
}

/** A calendar month, UTC, as one growing number: year × 12 + month (January = 0). */
export type Month = number;

/** The month an instant (Unix milliseconds) lies in. */
export function monthOf(atMs: number): Month {
	const date = new Date(atMs);
	return date.getUTCFullYear() * 12 + date.getUTCMonth();
}

/** First instant of a month, Unix milliseconds. */
export function monthStartMs(month: Month): number {
	return Date.UTC(Math.floor(month / 12), month % 12);
}

/** First instant of the month after, Unix milliseconds: where a budget starts anew. */
export function nextMonthStartMs(month: Month): number {
	return monthStartMs(month + 1);
}

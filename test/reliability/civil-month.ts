/**
 * Calendar months, UTC, by arithmetic alone: no Date, which the gateway uses. Days since 1970-01-01 to and from the civil
 * calendar: https://howardhinnant.github.io/date_algorithms.html
 */
const DAY_MS = 86_400_000;

/** First instant of the month after the one an instant lies in, Unix milliseconds. */
export function nextMonthMs(atMs: number): number {
	const { year, month } = civil(Math.floor(atMs / DAY_MS));
	return (month === 12 ? daysFrom(year + 1, 1) : daysFrom(year, month + 1)) * DAY_MS;
}

/** First instant of the month an instant lies in. */
export function monthStartMs(atMs: number): number {
	const { year, month } = civil(Math.floor(atMs / DAY_MS));
	return daysFrom(year, month) * DAY_MS;
}

/** Of the first of a month, January = 1. */
export function daysFrom(year: number, month: number): number {
	const shifted = month <= 2 ? year - 1 : year;
	const era = Math.floor(shifted / 400);
	const yearOfEra = shifted - era * 400;
	const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5);
	return (
		era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719_468
	);
}

function civil(days: number): { readonly year: number; readonly month: number } {
	const shifted = days + 719_468;
	const era = Math.floor(shifted / 146_097);
	const dayOfEra = shifted - era * 146_097;
	const yearOfEra = Math.floor(
		(dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
	);
	const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
	const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
	const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
	return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month };
}

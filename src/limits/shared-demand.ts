/** How far ahead of need units are leased, milliseconds. */
const WINDOW_MS = 250;
const IDLE_MS = 1_000;

/**
 * What a subject was asked for in a window of 250 ms: the mean of those that have ended, each with half the weight of the
 * one after it. The window that is under way does not count, so a burst out of nothing takes nothing ahead.
 */
export interface Demand {
	windowAtMs: number;
	lastAtMs: number;
	tokens: number;
	requests: number;
	tokensMean: number;
	requestsMean: number;
}

export function createDemand(atMs: number): Demand {
	return { windowAtMs: atMs, lastAtMs: atMs, tokens: 0, requests: 0, tokensMean: 0, requestsMean: 0 };
}

export function noteDemand(demand: Demand, tokens: number, atMs: number): void {
	roll(demand, atMs);
	demand.lastAtMs = atMs;
	demand.tokens += tokens;
	demand.requests += 1;
}

/** Expected in the next 250 ms; nothing of a subject that was not asked for anything for a second. */
export function expected(demand: Demand, atMs: number): { readonly tokens: number; readonly requests: number } {
	roll(demand, atMs);
	if (atMs - demand.lastAtMs > IDLE_MS) {
		return { tokens: 0, requests: 0 };
	}
	return { tokens: Math.floor(demand.tokensMean), requests: Math.floor(demand.requestsMean) };
}

function roll(demand: Demand, atMs: number): void {
	const windows = Math.floor((atMs - demand.windowAtMs) / WINDOW_MS);
	if (windows <= 0) {
		return;
	}
	const weight = 0.5 ** windows;
	demand.tokensMean = (demand.tokensMean + demand.tokens) * weight;
	demand.requestsMean = (demand.requestsMean + demand.requests) * weight;
	demand.tokens = 0;
	demand.requests = 0;
	demand.windowAtMs += windows * WINDOW_MS;
}

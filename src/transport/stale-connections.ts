import type { Clock } from "../lib/clock.ts";
import { StaleConnection, transportFailure } from "./transport-failure.ts";
import type { SendUpstream } from "./upstream.ts";

/** No server gives a connection up sooner, and Bun keeps idle ones for five minutes at most. */
const IDLE_MIN_MS = 1_000;
const IDLE_MAX_MS = 300_000;
/** The reset of a stale connection comes with the first packet, that of a provider that gives up comes later. */
const AT_ONCE_MS = 500;

/**
 * Providers close idle connections when they like, and a request may be on its way just then. Bun sends a GET again in
 * silence, but no POST (https://github.com/oven-sh/bun/issues/28706). Which connection a call takes cannot be seen; a reset
 * at once, by an address that has answered and then been idle for a while, is taken for a stale one: rejects with StaleConnection.
 */
export function noticingStaleConnections(call: SendUpstream, clock: Pick<Clock, "monotonic">): SendUpstream {
	/** By origin, when it answered last; as many entries as providers are configured. */
	const answeredAtMs = new Map<string, number>();
	return async (request) => {
		const origin = originOf(request.url);
		const startedMs = clock.monotonic();
		// As it was when the call began: several calls may find old connections at once.
		const idleMs = startedMs - (answeredAtMs.get(origin) ?? startedMs);
		try {
			const response = await call(request);
			answeredAtMs.set(origin, clock.monotonic());
			return response;
		} catch (error) {
			const mayBeStale = idleMs >= IDLE_MIN_MS && idleMs <= IDLE_MAX_MS;
			const tookMs = clock.monotonic() - startedMs;
			if (!mayBeStale || request.freshConnection === true || tookMs > AT_ONCE_MS || !isReset(error)) {
				throw error;
			}
			// Others that wait in the pool may be as old; but an address that resets new ones too is not stale.
			answeredAtMs.delete(origin);
			throw new StaleConnection("the connection was given up by the other side", { cause: error });
		}
	};
}

function isReset(error: unknown): boolean {
	return transportFailure(error).class === "reset";
}

/** Without parsing what the configuration has parsed: this is done for every call. */
function originOf(url: string): string {
	const end = url.indexOf("/", "https://".length);
	return end === -1 ? url : url.slice(0, end);
}

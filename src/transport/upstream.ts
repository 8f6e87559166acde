import type { Clock } from "../lib/clock.ts";
import { NeverSent } from "./never-sent.ts";
import { noticingStaleConnections } from "./stale-connections.ts";

/**
 * The one place that calls providers. Redirects are never followed (a key must not follow one), compression is never
 * asked for, and Bun's own time-out is off: every wait has a deadline of ours, by way of the signal.
 */
export interface UpstreamRequest {
	readonly method: "GET" | "POST" | "DELETE";
	/** http or https: configuration admits nothing else. */
	readonly url: string;
	readonly headers: Record<string, string>;
	readonly body: string | Uint8Array<ArrayBuffer> | undefined;
	readonly signal: AbortSignal;
	/** Over a connection that was not used before. */
	readonly freshConnection?: boolean | undefined;
}

/** Resolves with the response head. Rejects with a transport error (see `transportFailure`), or with NeverSent. */
export type SendUpstream = (request: UpstreamRequest) => Promise<Response>;

/**
 * Calls providers. Bun's HTTP client is a thread of its own, asleep when it has nothing to do, and waking it costs more
 * than the rest of a call: so the calls of one turn of the event loop are made together, at its end, with one wake-up for
 * all of them. Measured at 64 connections on two cores: a third more requests a second.
 * @param deps.writeRows Puts on disk what is queued for the ledger. It comes before the calls: were a provider called without a
 * row on disk that says so, a kill -9 could lose the call. The queue's own commit may come after them in a turn, where a
 * retry queued its row late or many rows take several transactions.
 */
export function createSend({
	writeRows = () => undefined,
	clock,
}: {
	readonly writeRows?: () => void | Promise<void>;
	readonly clock: Pick<Clock, "monotonic">;
}): SendUpstream {
	let waiting: (() => void)[] = [];
	const call = noticingStaleConnections(callNow, clock);

	function sendAll(): void {
		const calls = waiting;
		waiting = [];
		const written = writeRows();
		if (written instanceof Promise) {
			void written.then(() => makeAll(calls));
		} else {
			makeAll(calls);
		}
	}
	return (request) =>
		new Promise((resolve, reject) => {
			waiting.push(() => call(request).then(resolve, reject));
			if (waiting.length === 1) {
				setImmediate(sendAll);
			}
		});
}

function makeAll(calls: readonly (() => void)[]): void {
	for (const make of calls) {
		make();
	}
}

const callNow: SendUpstream = async (request) => {
	if (request.signal.aborted) {
		throw new NeverSent("given up before it was sent");
	}
	return fetch(request.url, {
		method: request.method,
		headers: request.headers,
		...(request.body === undefined ? {} : { body: request.body }),
		redirect: "manual",
		signal: request.signal,
		...(request.freshConnection === true ? { keepalive: false } : {}),
		// Bun's extension: its default gives up after five silent minutes, which is for our deadlines to decide.
		timeout: false,
	} as RequestInit);
};

/**
 * Gives up an answer nobody reads. An unread body holds one of the process's fetch slots for good, and a cancel that is
 * not caught can end the process, since it rejects when the connection is already gone.
 */
export function discard(body: ReadableStream<Uint8Array> | null): void {
	body?.cancel().catch(() => {
		// The connection is gone already: nothing is left to give up.
	});
}

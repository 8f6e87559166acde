import type { MockReply } from "./reply.ts";
import { STREAM_FAILURE } from "./reply.ts";
import type { MockFault } from "./script.ts";

/** The longest that anything here waits for a client that neither reads nor leaves. */
const SILENCE_MAX_MS = 600_000;
/** Between the last bytes and a broken connection: what was sent before a reset must have arrived. */
const FLUSH_MS = 10;

export interface Delivery {
	readonly reply: MockReply;
	readonly fault: MockFault | undefined;
	readonly paceMs: number;
	/** Aborts when the client leaves. */
	readonly signal: AbortSignal;
	readonly headers: Readonly<Record<string, string>>;
}

/** Turns a reply into an HTTP answer, with what is to go wrong while it is sent. */
export function deliver(delivery: Delivery): Response {
	const { reply } = delivery;
	switch (reply.kind) {
		case "events":
			return new Response(streamOf(eventFrames(delivery, reply)), {
				headers: {
					...delivery.headers,
					"content-type": "text/event-stream; charset=utf-8",
					"cache-control": "no-cache",
				},
			});
		case "json": {
			const body = delivery.fault?.kind === "error_first" ? STREAM_FAILURE : reply.body;
			return whole(delivery, new TextEncoder().encode(JSON.stringify(body)), "application/json");
		}
		case "bytes":
			return whole(delivery, reply.bytes, reply.contentType);
	}
}

/** A connection closed without an answer. */
export function resetConnection(): Response {
	// An error before the first byte of a body makes Bun drop the connection before the head. The error is `undefined`
	// here and below because Bun prints any other to stderr.
	return new Response(new ReadableStream({ start: (controller) => controller.error(undefined) }));
}

/** An answer that is no stream of events: all of it, or as much as the fault lets through. */
function whole(delivery: Delivery, bytes: Uint8Array<ArrayBuffer>, contentType: string): Response {
	const headers = { ...delivery.headers, "content-type": contentType };
	const half = bytes.subarray(0, Math.floor(bytes.length / 2));
	switch (delivery.fault?.kind) {
		case "truncated":
			return new Response(half, { headers });
		case "cut":
		case "stall": {
			const stalls = delivery.fault.kind === "stall";
			return new Response(streamOf(thenBreak(half, stalls, delivery.signal)), { headers });
		}
		default:
			return new Response(bytes, { headers });
	}
}

async function* thenBreak(bytes: Uint8Array, stalls: boolean, signal: AbortSignal): AsyncGenerator<Uint8Array> {
	yield bytes;
	await breakConnection(stalls, signal);
}

async function* eventFrames(
	{ fault, paceMs, signal }: Delivery,
	{ events, failure }: Extract<MockReply, { kind: "events" }>,
): AsyncGenerator<Uint8Array> {
	const encoder = new TextEncoder();
	const broken = fault?.kind === "cut" || fault?.kind === "stall" ? fault : undefined;
	if (fault?.kind === "error_first") {
		yield encoder.encode(failure.frame);
		return;
	}
	if (broken?.tokens === 0) {
		// Bun sends the head with the first bytes of the body: without any there would be no answer to break.
		yield encoder.encode(": mock\n\n");
	}
	let tokens = 0;
	for (const { frame, token } of events) {
		if (broken !== undefined && tokens >= broken.tokens && (token || tokens > 0)) {
			await breakConnection(broken.kind === "stall", signal);
		}
		if (token && paceMs > 0 && tokens > 0) {
			await pause(paceMs, signal);
		}
		if (signal.aborted) {
			return;
		}
		if (token && tokens > 0 && fault?.kind === "truncated") {
			yield encoder.encode(frame.slice(0, Math.floor(frame.length / 2)));
			return;
		}
		yield encoder.encode(frame);
		tokens += token ? 1 : 0;
	}
}

/** Never returns: breaks the connection at once, or after a silence that only the client ends. */
async function breakConnection(stalls: boolean, signal: AbortSignal): Promise<never> {
	await pause(stalls ? SILENCE_MAX_MS : FLUSH_MS, signal);
	throw undefined;
}

/** A body that is produced as fast as it is read. */
function streamOf(frames: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> {
	return new ReadableStream({
		async pull(controller) {
			try {
				const { done, value } = await frames.next();
				if (done === true) {
					controller.close();
				} else {
					controller.enqueue(value);
				}
			} catch {
				// Whatever was thrown, the client sees the same: a connection that breaks.
				controller.error(undefined);
			}
		},
		async cancel() {
			await frames.return(undefined);
		},
	});
}

/** Waits, or less long if the client leaves. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
	if (signal.aborted || ms === 0) {
		return Promise.resolve();
	}
	return new Promise((resolve) => {
		const end = () => {
			clearTimeout(timer);
			signal.removeEventListener("abort", end);
			resolve();
		};
		const timer = setTimeout(end, ms);
		signal.addEventListener("abort", end);
	});
}

/** Waits until the client leaves. */
export function silence(signal: AbortSignal): Promise<void> {
	return pause(SILENCE_MAX_MS, signal);
}

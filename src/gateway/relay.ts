import { transportFailure } from "../transport/transport-failure.ts";
import type { AttemptContext } from "./attempt-result.ts";
import { type ClientSink, clientStream } from "./client-stream.ts";
import type { LeaveReason } from "./live.ts";
import type { Seen } from "./settle.ts";
import type { AttemptFailure } from "./types.ts";

export interface RelayOptions {
	/** Writes the whole answer and settles it. Throws when the provider breaks off. */
	pump(sink: ClientSink): Promise<void>;
	/** What has been seen so far, for an answer that ends early. */
	seen(): Seen;
	/** The last thing a client reads of a broken answer; undefined = the connection is reset, so that it cannot look complete. */
	readonly errorEvent: ((ending: AttemptFailure | LeaveReason) => Uint8Array) | undefined;
	/** True when the provider works on although nobody reads: the books are then closed by whoever asks it later. */
	readonly goesOn?: ((seen: Seen) => boolean) | undefined;
	/** Written whenever nothing else was for a while; undefined = nothing is. */
	readonly keepAlive: Uint8Array | undefined;
}

/** A failure of the provider after its answer had begun. */
export class BrokenAnswer extends Error {
	override readonly name = "BrokenAnswer";
	readonly failure: AttemptFailure;
	constructor(failure: AttemptFailure) {
		super(failure.detail);
		this.failure = failure;
	}
}

/** The stream of an attempt's answer: whatever ends it, its books are closed. */
export function relay(context: AttemptContext, options: RelayOptions): ReadableStream {
	const { run, served, deps } = context;

	function end(error: unknown): Promise<AttemptFailure | LeaveReason> {
		run.close();
		run.abort();
		return closeBooks(context, options, error);
	}
	return clientStream({
		scope: served.planned.scope,
		deps,
		abort: run.abort,
		silentFor: run.moved,
		keepAlive: options.keepAlive,
		async pump(sink) {
			try {
				await options.pump(sink);
				run.close();
			} catch (error) {
				await lastWords(sink, await end(error), options);
			}
		},
		async neverAsked() {
			await end(undefined);
		},
	});
}

/** Settles an answer that ended early, and says whose doing that was. */
async function closeBooks(
	context: AttemptContext,
	options: RelayOptions,
	error: unknown,
): Promise<AttemptFailure | LeaveReason> {
	const { books, run, served } = context;
	const reason = served.planned.scope.left();
	const seen = options.seen();
	const failure = error instanceof BrokenAnswer ? error.failure : brokenBy(error, run.expired());
	if (options.goesOn?.(seen) !== true) {
		await books.settle(
			reason === undefined
				? { outcome: "upstream_failed", failure, seen }
				: { outcome: reason === "client" ? "client_gone" : "cut", seen },
		);
	}
	return reason ?? failure;
}

function brokenBy(error: unknown, expired: AttemptFailure["class"] | undefined): AttemptFailure {
	const { class: name, detail } = transportFailure(error);
	return {
		class: expired ?? (name === "network" ? "broken_stream" : name),
		status: undefined,
		retryAfterMs: undefined,
		detail,
	};
}

/** What a client that is still there learns of the end. Throws where it is to learn it from a reset connection. */
async function lastWords(sink: ClientSink, ending: AttemptFailure | LeaveReason, options: RelayOptions): Promise<void> {
	if (ending === "client") {
		return;
	}
	if (options.errorEvent === undefined) {
		// Bun prints what is thrown here, unless it is nothing.
		throw undefined;
	}
	try {
		await sink.write(options.errorEvent(ending));
	} catch {
		// It does not read: it would not have read this either.
	}
}

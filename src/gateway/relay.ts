import type { Deadline } from "../lib/deadlines.ts";
import { transportFailure } from "../transport/upstream.ts";
import type { AttemptContext } from "./attempt-result.ts";
import type { Seen } from "./settle.ts";
import type { AttemptFailure } from "./types.ts";

/** Where a pump writes. A write resolves when the client has room for more. */
export interface RelaySink {
	write(bytes: Uint8Array): Promise<void> | undefined;
}

export interface RelayOptions {
	/** Writes the whole answer and settles it. Throws when the provider breaks off. */
	pump(sink: RelaySink): Promise<void>;
	/** What has been seen so far, for an answer that ends early. */
	seen(): Seen;
	/** The last thing a client reads of a broken answer; undefined = the connection is reset, so that it cannot look complete. */
	readonly errorEvent: ((failure: AttemptFailure) => Uint8Array) | undefined;
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

/** Proxies between us and the client cut connections that are silent for a minute, some for fifteen seconds. */
const KEEP_ALIVE_EVERY_MS = 10_000;

/**
 * The client's side of an answer in motion: keeps the pace of the client (a stalled one stalls the provider, within the
 * write time-out), keeps the connection alive in silence, and closes the books whatever happens.
 */
export function relay(context: AttemptContext, options: RelayOptions): ReadableStream {
	const { run, served } = context;
	const { scope } = served.planned;
	let begun = false;

	async function end(error: unknown): Promise<AttemptFailure | undefined> {
		run.close();
		run.abort();
		return closeBooks(context, options.seen(), error);
	}
	scope.onLeave(() => {
		run.abort();
		if (!begun) {
			begun = true;
			void end(undefined).finally(() => scope.finish());
		}
	});

	return new ReadableStream({
		type: "direct",
		async pull(controller) {
			if (begun) {
				controller.close();
				return;
			}
			begun = true;
			const sink = openSink(controller, context, options.keepAlive);
			try {
				await options.pump(sink);
				run.close();
			} catch (error) {
				const failure = await end(error);
				await lastWords(sink, failure, options);
			} finally {
				sink.close();
				// Last of all: a shutdown waits for it before it closes the connection.
				controller.close();
				scope.finish();
			}
		},
		cancel() {
			scope.leave("client");
		},
	});
}

/** Settles an answer that ended early. Returns the provider's failure, or undefined when it was not the provider's fault. */
async function closeBooks(context: AttemptContext, seen: Seen, error: unknown): Promise<AttemptFailure | undefined> {
	const { books, run, served } = context;
	const reason = served.planned.scope.left();
	if (reason !== undefined) {
		await books.settle({ outcome: reason === "client" ? "client_gone" : "cut", seen });
		return reason === "client"
			? undefined
			: { class: "broken_stream", status: undefined, retryAfterMs: undefined, detail: reason };
	}
	const failure = error instanceof BrokenAnswer ? error.failure : brokenBy(error, run.expired());
	await books.settle({ outcome: "upstream_failed", failure, seen });
	return failure;
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

async function lastWords(sink: RelaySink, failure: AttemptFailure | undefined, options: RelayOptions): Promise<void> {
	if (failure === undefined) {
		return;
	}
	if (options.errorEvent === undefined) {
		throw new Error(`an answer broke off after its beginning (${failure.class}); its connection is reset`);
	}
	await sink.write(options.errorEvent(failure));
}

/** The part of Bun's direct stream controller that is used here. */
interface DirectController {
	write(bytes: Uint8Array): number | Promise<number>;
	flush(): unknown;
}

function openSink(
	controller: DirectController,
	context: AttemptContext,
	keepAlive: Uint8Array | undefined,
): RelaySink & { close(): void } {
	const { config, runtime } = context.deps;
	const { scope } = context.served.planned;
	let waiting = false;
	let silence: Deadline | undefined;

	async function drained(room: Promise<number>): Promise<void> {
		waiting = true;
		const deadline = runtime.deadlines.after(config.current().server.writeTimeoutMs, () => scope.leave("client"));
		try {
			await room;
		} finally {
			waiting = false;
			deadline.clear();
		}
	}
	function write(bytes: Uint8Array): Promise<void> | undefined {
		const room = controller.write(bytes);
		controller.flush();
		silence?.reset(KEEP_ALIVE_EVERY_MS);
		// Only awaiting write's own promise bounds memory: flush() resolves while bytes still pile up.
		return typeof room === "number" ? undefined : drained(room);
	}
	function keepAliveLater(bytes: Uint8Array): void {
		silence = runtime.deadlines.after(KEEP_ALIVE_EVERY_MS, () => {
			if (!waiting && scope.left() === undefined) {
				void write(bytes);
			}
			keepAliveLater(bytes);
		});
	}
	if (keepAlive !== undefined) {
		keepAliveLater(keepAlive);
	}
	return { write, close: () => silence?.clear() };
}

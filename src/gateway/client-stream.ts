import type { Deadline } from "../lib/deadlines.ts";
import type { RequestScope } from "./live.ts";
import type { GatewayDeps } from "./types.ts";

/** Where a pump writes. A write resolves when the client has room for more. */
export interface ClientSink {
	/** Throws once the request has been given up while its client read nothing. */
	write(bytes: Uint8Array): Promise<void> | undefined;
}

/** Proxies between us and the client cut connections that are silent for a minute, some for fifteen seconds. */
const KEEP_ALIVE_EVERY_MS = 10_000;

export interface ClientStreamOptions {
	readonly scope: RequestScope;
	readonly deps: GatewayDeps;
	/** Gives up what the provider is doing for this request. */
	readonly abort: () => void;
	/** Sets the bound of the provider's silence anew: while nobody reads from it, its silence is not its own. */
	readonly silentFor: (milliseconds: number) => void;
	/** Written whenever nothing else was for a while; undefined = nothing is. */
	readonly keepAlive: Uint8Array | undefined;
	/** Writes everything, last words included. What it throws resets the connection. */
	readonly pump: (sink: ClientSink) => Promise<void>;
	/** In place of the pump, for a client that left before the first byte was asked for. */
	readonly neverAsked: () => Promise<void>;
}

/**
 * The client's side of an answer in motion: keeps to the client's pace within the write time-out, keeps the connection
 * alive in silence, and finishes the request's scope, whoever ends it and whenever.
 */
export function clientStream(options: ClientStreamOptions): ReadableStream {
	const { scope } = options;
	const gone = Promise.withResolvers<void>();
	let begun = false;
	scope.onLeave(() => {
		options.abort();
		gone.resolve();
		if (!begun) {
			begun = true;
			void options.neverAsked().finally(() => scope.finish());
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
			const sink = openSink(controller, gone.promise, options);
			try {
				await options.pump(sink);
			} finally {
				sink.close();
				// The scope is last of all: a shutdown waits for it before it closes the connection.
				scope.finish();
			}
			controller.close();
		},
		cancel() {
			scope.leave("client");
		},
	});
}

/** The part of Bun's direct stream controller that is used here. */
interface DirectController {
	write(bytes: Uint8Array): number | Promise<number>;
	flush(): unknown;
}

function openSink(
	controller: DirectController,
	gone: Promise<void>,
	options: ClientStreamOptions,
): ClientSink & { close(): void } {
	const { scope } = options;
	const { config, runtime } = options.deps;
	let waiting = false;
	let silence: Deadline | undefined;

	async function drained(room: Promise<number>): Promise<void> {
		const { writeTimeoutMs, streamIdleTimeoutMs } = config.current().server;
		waiting = true;
		options.silentFor(writeTimeoutMs + streamIdleTimeoutMs);
		const deadline = runtime.deadlines.after(writeTimeoutMs, () => scope.leave("client"));
		try {
			// A client that reads nothing leaves this promise open for as long as its socket is.
			await Promise.race([room, gone]);
		} finally {
			waiting = false;
			deadline.clear();
			options.silentFor(streamIdleTimeoutMs);
		}
		if (scope.left() !== undefined) {
			throw new Error("the request was given up while its client read nothing");
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
				void write(bytes)?.catch(() => {
					// Given up meanwhile: the pump notices by itself.
				});
			}
			keepAliveLater(bytes);
		});
	}
	if (options.keepAlive !== undefined) {
		keepAliveLater(options.keepAlive);
	}
	return { write, close: () => silence?.clear() };
}

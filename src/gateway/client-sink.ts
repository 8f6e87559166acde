import type { Deadline } from "../lib/deadlines.ts";
import type { RequestScope } from "./live.ts";
import type { GatewayDeps } from "./types.ts";

/** Where a pump writes. A write resolves when the client has room for more. */
export interface ClientSink {
	/** Throws once the request has been given up while its client read nothing. */
	write(bytes: Uint8Array): Promise<void> | undefined;
	/** Stops the keep-alive. */
	close(): void;
}

/** Proxies between us and the client cut connections that are silent for a minute, some for fifteen seconds. */
const KEEP_ALIVE_EVERY_MS = 10_000;

export interface SinkOptions {
	readonly scope: RequestScope;
	readonly deps: GatewayDeps;
	/** Sets the bound of the provider's silence anew: while nobody reads from it, its silence is not its own. */
	readonly silentFor: (milliseconds: number) => void;
	readonly keepAlive: Uint8Array | undefined;
	/** Resolves when the request is given up. */
	readonly gone: Promise<void>;
}

/** The part of Bun's direct stream controller that is used here. */
interface DirectController {
	write(bytes: Uint8Array): number | Promise<number>;
	flush(): unknown;
}

/**
 * The client's side of a stream: keeps to the client's pace within the write time-out, and keeps the connection alive in
 * silence.
 */
export function openSink(controller: DirectController, options: SinkOptions): ClientSink {
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
			await Promise.race([room, options.gone]);
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

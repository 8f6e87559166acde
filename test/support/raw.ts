import { connect } from "node:net";
import { createHttpReader, type HttpMessage, headerOf } from "./http-message.ts";
import { until } from "./wait.ts";

/** What came back over one connection. */
export interface RawExchange {
	/** Interim responses included, in order. The last may be incomplete. */
	readonly responses: readonly HttpMessage[];
	/** The first final response (status of 200 or more), if any came. */
	readonly response: RawResponse | undefined;
	/** The server closed the connection. */
	readonly closed: boolean;
	/** Closed by a reset. */
	readonly reset: boolean;
	/** Neither an answer nor a close within the deadline. */
	readonly timedOut: boolean;
	readonly elapsedMs: number;
}

export interface RawResponse extends HttpMessage {
	header(name: string): string | undefined;
	text(): string;
	json(): unknown;
}

export interface RawConnection extends AsyncDisposable {
	/** Resolves when the bytes are handed to the kernel. */
	write(bytes: string | Uint8Array): Promise<void>;
	responses(): readonly HttpMessage[];
	/** The first final response, as far as it has come. */
	response(): RawResponse | undefined;
	completeCount(): number;
	state(): { readonly closed: boolean; readonly reset: boolean };
	/** Bytes read from the socket so far. */
	bytesRead(): number;
	/** Stops and restarts reading, as a client that does not keep up. */
	pause(): void;
	resume(): void;
	/** Waits until the text of the first answer's body satisfies the condition. */
	bodyUntil(what: string, condition: (text: string) => boolean, deadlineMs?: number): Promise<string>;
	/** Half-close: FIN without reading to the end. */
	end(): void;
	/** RST instead of FIN. */
	reset(): void;
}

export interface OpenOptions {
	/** The answer has no body although its headers promise one (HEAD). */
	readonly bodiless?: boolean;
	/** A loopback address to come from (`127.0.0.7`), where the server counts by address. */
	readonly localAddress?: string;
}

/** Opens a plain TCP connection to the server of a URL. Speaks only what it is given. */
export async function openRaw(url: string, options: OpenOptions = {}): Promise<RawConnection> {
	const { hostname, port } = new URL(url);
	const { localAddress, ...reading } = options;
	const reader = createHttpReader("response", reading);
	const state = { closed: false, reset: false, bytes: 0 };
	const from = localAddress === undefined ? {} : { localAddress };
	const socket = connect({ host: hostname, port: Number(port), noDelay: true, allowHalfOpen: true, ...from });
	socket.on("data", (bytes: Buffer) => {
		state.bytes += bytes.length;
		reader.push(bytes);
	});
	socket.on("error", () => {
		state.reset = true;
	});
	for (const event of ["end", "close"] as const) {
		socket.on(event, () => {
			state.closed = true;
			reader.close();
		});
	}
	await new Promise<void>((resolve, reject) => {
		socket.once("connect", () => resolve());
		socket.once("error", reject);
	});
	const response = () => {
		const message = reader.messages().find(({ status }) => status >= 200);
		return message && toRawResponse(message);
	};
	return {
		write: (bytes) =>
			new Promise((resolve) => {
				socket.write(bytes, () => resolve());
			}),
		responses: reader.messages,
		response,
		completeCount: reader.completeCount,
		state: () => ({ closed: state.closed, reset: state.reset }),
		bytesRead: () => state.bytes,
		pause: () => {
			socket.pause();
		},
		resume: () => {
			socket.resume();
		},
		bodyUntil: async (what, condition, deadlineMs) => {
			await until(
				`${what}; got: ${response()?.startLine} ${response()?.text().slice(-300)}`,
				() => condition(response()?.text() ?? ""),
				deadlineMs,
			);
			return response()?.text() ?? "";
		},
		end: () => {
			socket.end();
		},
		reset: () => {
			socket.resetAndDestroy();
		},
		[Symbol.asyncDispose]: async () => {
			socket.destroy();
		},
	};
}

function toRawResponse(message: HttpMessage): RawResponse {
	return {
		...message,
		header: (name) => headerOf(message, name),
		text: () => message.body.toString("utf8"),
		json: () => JSON.parse(message.body.toString("utf8")),
	};
}

export interface SendOptions extends OpenOptions {
	/** Default: the 15 s after which a silent server counts as hanging. */
	readonly deadlineMs?: number;
	/** Complete answers to wait for; default 1. */
	readonly answers?: number;
	/** Waits for the server to close after its answer. */
	readonly untilClosed?: boolean;
}

const HANG_MS = 15_000;

/** Sends exact bytes, one write a part, and tells what came back. */
export async function sendRaw(
	url: string,
	payload: string | Uint8Array | readonly (string | Uint8Array)[],
	options: SendOptions = {},
): Promise<RawExchange> {
	const started = performance.now();
	await using connection = await openRaw(url, options);
	const parts = typeof payload === "string" || payload instanceof Uint8Array ? [payload] : payload;
	for (const part of parts) {
		if (connection.state().closed) {
			break;
		}
		await Promise.race([connection.write(part), until("close", () => connection.state().closed, HANG_MS)]);
		// A turn of the event loop between two writes, so that they travel as two segments.
		await new Promise((resolve) => setImmediate(resolve));
	}
	const wanted = options.answers ?? 1;
	const answered = () => connection.responses().filter((message) => message.complete && message.status >= 200).length;
	const done = () => connection.state().closed || (options.untilClosed !== true && answered() >= wanted);
	const timedOut = await until("an answer or a close", done, options.deadlineMs ?? HANG_MS).then(
		() => false,
		() => true,
	);
	return {
		responses: connection.responses(),
		response: connection.response(),
		...connection.state(),
		timedOut,
		elapsedMs: performance.now() - started,
	};
}

/** The bytes of a request. `Content-Length` and `Host` are added unless given; a header value of null leaves it out. */
export function requestBytes(request: {
	readonly method?: string;
	readonly target: string;
	readonly headers?: Readonly<Record<string, string | null>>;
	readonly body?: string | Uint8Array;
}): Buffer {
	const body = request.body === undefined ? undefined : Buffer.from(request.body);
	const defaults: Record<string, string | null> = { Host: "gateway.test" };
	if (body !== undefined) {
		defaults["Content-Length"] = String(body.length);
	}
	const headers = { ...defaults, ...request.headers };
	const lines = Object.entries(headers).flatMap(([name, value]) => (value === null ? [] : [`${name}: ${value}`]));
	const head = `${request.method ?? "GET"} ${request.target} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`;
	return Buffer.concat([Buffer.from(head, "latin1"), body ?? Buffer.alloc(0)]);
}

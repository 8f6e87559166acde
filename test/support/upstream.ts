import { type AddressInfo, createServer, type Socket } from "node:net";
import { createHttpReader, type HttpMessage, headerOf } from "./http-message.ts";
import { until } from "./wait.ts";

/** One thing an upstream does while it answers. */
export type Step =
	/** Written as one segment, then a turn of the event loop, so that the receiver sees the cut. */
	| { readonly kind: "bytes"; readonly bytes: Uint8Array }
	/** Nothing until the promise settles (or the peer is gone). */
	| { readonly kind: "wait"; readonly until: Promise<unknown> }
	/** Silence until the peer closes. */
	| { readonly kind: "hang" }
	| { readonly kind: "fin" }
	| { readonly kind: "reset" };

/** What an upstream charges for, counted by its own ledger once the whole answer was written. */
export interface ServedUsage {
	readonly prompt: number;
	readonly completion: number;
}

export interface Reply {
	/** After the last step the connection is kept alive, unless a step ended it. */
	readonly steps: Iterable<Step> | AsyncIterable<Step>;
	readonly usage?: ServedUsage | undefined;
}

/** A request as the upstream received it. */
export interface ReceivedRequest {
	readonly method: string;
	/** Path and query as sent. */
	readonly target: string;
	readonly headers: HttpMessage["headers"];
	readonly body: Buffer;
	readonly receivedAtMs: number;
	/** Ordinal of the connection it came over. */
	readonly connection: number;
	header(name: string): string | undefined;
	text(): string;
	json(): unknown;
	/** The peer closed before the answer was complete. */
	aborted(): boolean;
	/** Resolves when the peer closed before the answer was complete. */
	readonly gone: Promise<void>;
	/** Every byte of the answer went into the socket. */
	delivered(): boolean;
	bytesSent(): number;
	/** What the reply said it serves. */
	usage(): ServedUsage | undefined;
}

export type Script = (request: ReceivedRequest, index: number) => Reply | Promise<Reply>;

export interface Upstream extends AsyncDisposable {
	/** `http://127.0.0.1:PORT` */
	readonly url: string;
	/** Complete requests, in order of arrival. */
	readonly requests: readonly ReceivedRequest[];
	/** Connections ever accepted, whether or not a request came. */
	connections(): number;
	openConnections(): number;
	/** Answers from now on. */
	script(next: Script): void;
	waitForRequests(count: number, deadlineMs?: number): Promise<void>;
	/** Forgets the requests seen so far. */
	forget(): void;
	/** The upstream's own books: calls answered in full, and their usage. */
	ledger(): { readonly calls: number; readonly prompt: number; readonly completion: number };
}

/** A real server on loopback, by bare TCP, so that it can break the protocol at any byte. */
export async function startUpstream(initial: Script): Promise<Upstream> {
	const requests: ReceivedRequest[] = [];
	const sockets = new Set<Socket>();
	const state = { script: initial, connections: 0, answered: 0 };

	const server = createServer({ noDelay: true }, (socket) => {
		state.connections += 1;
		sockets.add(socket);
		serve(socket, state.connections, requests, (request) => {
			state.answered += 1;
			return state.script(request, state.answered - 1);
		}).catch(() => socket.destroy());
		socket.on("close", () => sockets.delete(socket));
	});
	await new Promise<void>((resolve) => {
		server.listen(0, "127.0.0.1", resolve);
	});
	// A TCP server's address is always the object form.
	const { port } = server.address() as AddressInfo;
	return {
		url: `http://127.0.0.1:${port}`,
		requests,
		connections: () => state.connections,
		openConnections: () => sockets.size,
		script: (next) => {
			state.script = next;
		},
		waitForRequests: async (count, deadlineMs) => {
			await until(`${count} upstream requests, got ${requests.length}`, () => requests.length >= count, deadlineMs);
		},
		forget: () => {
			requests.length = 0;
			state.connections = 0;
			state.answered = 0;
		},
		ledger: () => {
			const served = requests.filter((request) => request.delivered());
			return {
				calls: served.length,
				prompt: served.reduce((sum, request) => sum + (request.usage()?.prompt ?? 0), 0),
				completion: served.reduce((sum, request) => sum + (request.usage()?.completion ?? 0), 0),
			};
		},
		[Symbol.asyncDispose]: async () => {
			for (const socket of sockets) {
				socket.destroy();
			}
			await new Promise<void>((resolve) => {
				server.close(() => resolve());
			});
		},
	};
}

async function serve(
	socket: Socket,
	connection: number,
	requests: ReceivedRequest[],
	answer: (request: ReceivedRequest) => Reply | Promise<Reply>,
): Promise<void> {
	const reader = createHttpReader("request");
	const peer = Promise.withResolvers<void>();
	const queue: OpenRequest[] = [];
	let gone = false;
	let seen = 0;
	let running = false;
	const leave = () => {
		gone = true;
		for (const request of queue) {
			request.peerLeft();
		}
		peer.resolve();
	};
	socket.on("error", leave);
	socket.on("end", leave);
	socket.on("close", leave);
	socket.on("data", (bytes: Buffer) => {
		reader.push(bytes);
		if (reader.completeCount() === seen) {
			return;
		}
		for (const message of reader.messages().slice(seen)) {
			if (message.complete) {
				seen += 1;
				const request = openRequest(message, connection);
				requests.push(request.view);
				queue.push(request);
			}
		}
		if (!running) {
			running = true;
			void drain().finally(() => {
				running = false;
			});
		}
	});

	async function drain(): Promise<void> {
		for (let request = queue[0]; request !== undefined && !gone; request = queue[0]) {
			const reply = await answer(request.view);
			request.serves(reply.usage);
			await play(socket, reply, request, peer.promise);
			queue.shift();
		}
	}
	await peer.promise;
}

/** Carries the steps out until they end or the peer is gone. */
async function play(socket: Socket, reply: Reply, request: OpenRequest, gone: Promise<void>): Promise<void> {
	const steps = iterate(reply.steps);
	// One step ahead: an answer counts as delivered with its last byte, and not a turn of the event loop later.
	let current = await steps.next();
	while (current.done !== true && !request.isGone()) {
		const step = current.value;
		switch (step.kind) {
			case "bytes": {
				const next = steps.next();
				await Promise.race([writeAll(socket, step.bytes), gone]);
				request.sent(step.bytes.length);
				current = await next;
				if (current.done !== true && current.value.kind === "bytes") {
					await new Promise((resolve) => setImmediate(resolve));
				}
				continue;
			}
			case "wait":
				await Promise.race([step.until, gone]);
				break;
			case "hang":
				await gone;
				return;
			case "fin":
				request.finished();
				socket.end();
				return;
			case "reset":
				request.finished();
				socket.resetAndDestroy();
				return;
			default:
				step satisfies never;
		}
		current = await steps.next();
	}
	request.finished();
}

function writeAll(socket: Socket, bytes: Uint8Array): Promise<void> {
	return new Promise((resolve) => {
		socket.write(bytes, () => resolve());
	});
}

async function* iterate(steps: Reply["steps"]): AsyncGenerator<Step, void> {
	yield* steps;
}

interface OpenRequest {
	readonly view: ReceivedRequest;
	isGone(): boolean;
	peerLeft(): void;
	finished(): void;
	sent(bytes: number): void;
	serves(usage: ServedUsage | undefined): void;
}

function openRequest(message: HttpMessage, connection: number): OpenRequest {
	const [method = "", target = ""] = message.startLine.split(" ");
	const left = Promise.withResolvers<void>();
	let gone = false;
	let delivered = false;
	let bytesSent = 0;
	let usage: ServedUsage | undefined;
	return {
		view: {
			method,
			target,
			headers: message.headers,
			body: message.body,
			receivedAtMs: performance.now(),
			connection,
			header: (name) => headerOf(message, name),
			text: () => message.body.toString("utf8"),
			json: () => JSON.parse(message.body.toString("utf8")),
			aborted: () => gone,
			gone: left.promise,
			delivered: () => delivered,
			bytesSent: () => bytesSent,
			usage: () => usage,
		},
		isGone: () => gone,
		peerLeft: () => {
			if (!delivered) {
				gone = true;
				left.resolve();
			}
		},
		finished: () => {
			delivered = !gone;
		},
		sent: (bytes) => {
			bytesSent += bytes;
		},
		serves: (next) => {
			usage = next;
		},
	};
}

/** The URL of a loopback port where nobody listens. */
export async function refusedUrl(): Promise<string> {
	const server = createServer();
	await new Promise<void>((resolve) => {
		server.listen(0, "127.0.0.1", resolve);
	});
	// A TCP server's address is always the object form.
	const { port } = server.address() as AddressInfo;
	await new Promise<void>((resolve) => {
		server.close(() => resolve());
	});
	return `http://127.0.0.1:${port}`;
}

import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { type CallPlan, type Dialect, type Mood, planCall, type Rates } from "./call-plan.ts";
import { playAnswer } from "./upstream-wire.ts";

/** One call as the provider booked it. Money is nano-dollars, in whole numbers. */
export interface BookedCall {
	readonly request_id: string;
	/** Ordinal over the life of the server. */
	readonly call: number;
	readonly model: string;
	readonly stream: boolean;
	readonly fate: CallPlan["fate"];
	/** As OpenAI counts: cached and written ones included. */
	readonly prompt_tokens: number;
	readonly cached_tokens: number;
	readonly written_tokens: number;
	readonly completion_tokens: number;
	/** The bound that the call was given; undefined = none. */
	readonly max_tokens?: number | undefined;
	readonly cost_nano: number;
	/** The same in dollars, nine decimals: what `gateway-llm reconcile` reads. */
	readonly cost_usd: string;
	readonly at_ms: number;
}

export interface LedgerUpstream extends AsyncDisposable {
	/** `http://127.0.0.1:PORT` */
	readonly url: string;
	/** The ledger: JSON lines, one a call, written before the first byte of its answer. */
	readonly ledgerPath: string;
	/** What stands in the ledger's file. */
	ledger(): readonly BookedCall[];
	calls(): number;
	/** The most answers of a model that were ever under way together. */
	atOnceMax(model: string): number;
	/** How it answers from now on. */
	setMood(mood: Mood): void;
	/** Told of each call once it is booked; the answer waits for it. */
	onCall(listener: (call: BookedCall) => void | Promise<void>): void;
	/** Resolves when no answer is under way. */
	idle(): Promise<void>;
}

export interface LedgerUpstreamOptions {
	readonly ledgerPath: string;
	readonly seed: number;
	readonly rates: Readonly<Record<string, Rates>>;
	readonly mood: Mood;
}

/** A call as it came over the wire. */
interface Received {
	readonly target: string;
	readonly headers: ReadonlyMap<string, string>;
	readonly body: Record<string, unknown>;
}

/**
 * A provider on loopback that speaks OpenAI's chat (`/v1/chat/completions`) and Anthropic's messages (`/v1/messages`), and
 * keeps its own books: what a call costs is decided and written here, by arithmetic that shares nothing with the gateway's.
 * What it does with a call follows from the seed, the prompt and the model alone, in whatever order calls arrive.
 */
export async function startLedgerUpstream(options: LedgerUpstreamOptions): Promise<LedgerUpstream> {
	const file = openSync(options.ledgerPath, "a", 0o600);
	const sockets = new Set<Socket>();
	const repeats = new Map<string, number>();
	const atOnce = new Map<string, { now: number; most: number }>();
	const state = { mood: options.mood, calls: 0, busy: 0, tell: (_: BookedCall): void | Promise<void> => undefined };

	async function answer(socket: Socket, received: Received): Promise<boolean> {
		const dialect: Dialect = received.target.includes("/messages") ? "anthropic" : "openai";
		const requestId = received.headers.get("x-request-id") ?? "";
		const model = String(received.body.model);
		const rates = options.rates[model];
		if (rates === undefined) {
			throw new Error(`nobody told this provider what ${model} costs`);
		}
		// A model may be asked a second time for the same request: it need not do the same again.
		const repeated = repeats.get(`${requestId} ${model}`) ?? 0;
		repeats.set(`${requestId} ${model}`, repeated + 1);
		const plan = planCall(received.body, { seed: options.seed, repeated, rates, mood: state.mood });
		state.calls += 1;
		const booked = { request_id: requestId, call: state.calls, model, at_ms: Date.now(), ...plan.booked };
		writeSync(file, `${JSON.stringify(booked)}\n`);
		await state.tell(booked);
		const open = atOnce.get(model) ?? { now: 0, most: 0 };
		atOnce.set(model, open);
		open.now += 1;
		open.most = Math.max(open.most, open.now);
		try {
			return await playAnswer(socket, dialect, model, plan);
		} finally {
			open.now -= 1;
		}
	}

	const server = createServer({ noDelay: true }, (socket) => {
		sockets.add(socket);
		socket.on("close", () => sockets.delete(socket));
		readCalls(socket, async (received) => {
			state.busy += 1;
			try {
				return await answer(socket, received);
			} finally {
				state.busy -= 1;
			}
		});
	});
	await new Promise<void>((resolve) => {
		server.listen(0, "127.0.0.1", resolve);
	});
	// A TCP server's address is always the object form.
	const { port } = server.address() as AddressInfo;
	return {
		url: `http://127.0.0.1:${port}`,
		ledgerPath: options.ledgerPath,
		ledger: () => readLedgerFile(options.ledgerPath),
		calls: () => state.calls,
		atOnceMax: (model) => atOnce.get(model)?.most ?? 0,
		setMood(mood) {
			state.mood = mood;
		},
		onCall(listener) {
			state.tell = listener;
		},
		async idle() {
			while (state.busy > 0) {
				await Bun.sleep(5);
			}
		},
		async [Symbol.asyncDispose]() {
			for (const socket of sockets) {
				socket.destroy();
			}
			await new Promise<void>((resolve) => {
				server.close(() => resolve());
			});
			closeSync(file);
		},
	};
}

function readLedgerFile(path: string): readonly BookedCall[] {
	const lines = readFileSync(path, "utf8").split("\n");
	// Written by this file alone, one whole line at a time.
	return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as BookedCall);
}

/** Requests with a Content-Length, one after the other on a connection that is kept while `answer` says so. */
function readCalls(socket: Socket, answer: (received: Received) => Promise<boolean>): void {
	let pending: Buffer = Buffer.alloc(0);
	let running = false;
	socket.on("error", () => socket.destroy());
	socket.on("data", (bytes: Buffer) => {
		pending = pending.length === 0 ? bytes : Buffer.concat([pending, bytes]);
		void advance();
	});

	async function advance(): Promise<void> {
		if (running) {
			return;
		}
		running = true;
		for (let next = take(); next !== undefined && !socket.destroyed; next = take()) {
			if (!(await answer(next))) {
				return;
			}
		}
		running = false;
	}

	function take(): Received | undefined {
		const end = pending.indexOf("\r\n\r\n");
		if (end < 0) {
			return undefined;
		}
		const [startLine = "", ...lines] = pending.toString("latin1", 0, end).split("\r\n");
		const headers = new Map(
			lines.map((line) => {
				const colon = line.indexOf(":");
				return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
			}),
		);
		const length = Number(headers.get("content-length") ?? 0);
		if (pending.length < end + 4 + length) {
			return undefined;
		}
		const text = pending.toString("utf8", end + 4, end + 4 + length);
		pending = pending.subarray(end + 4 + length);
		// The gateway sends JSON objects to these two paths and nothing else.
		const body = text === "" ? {} : (JSON.parse(text) as Record<string, unknown>);
		return { target: startLine.split(" ")[1] ?? "", headers, body };
	}
}

import { cpuTimeMs } from "./process.ts";
import { concat, type MessageHead, messageEnd, readHead, wallClockMs } from "./wire.ts";

/**
 * The load generator, a process of its own. Takes one `LoadJob` as JSON in its first argument, prints one `LoadResult`.
 */

export interface LoadJob {
	readonly port: number;
	/** The process whose CPU time is charged to these requests; undefined: none. */
	readonly processId: number | undefined;
	readonly connections: number;
	readonly authorization: string;
	/** JSON text, the same for every request. */
	readonly body: string;
	readonly load:
		| { readonly kind: "closed-loop"; readonly warmUpMs: number; readonly measureMs: number }
		/** `each` streams after another on each connection; the connections start spread over `spreadMs`. */
		| { readonly kind: "streams"; readonly each: number; readonly spreadMs: number };
}

export interface LoadResult {
	/** In the measured window. */
	readonly requests: number;
	readonly requestsPerSecond: number;
	/** Answered in all, warm-up included. */
	readonly answered: number;
	/** Answers that were not 200, streams without `[DONE]`, connections lost. */
	readonly failures: number;
	/** To the end of the answer; of a stream, to its first content event. */
	readonly p50Ms: number;
	readonly p99Ms: number;
	/** Content events of streams, and the median time from sent to seen. */
	readonly events: number;
	readonly eventDelayP50Ms: number;
	/** User and system time of `processId` in the measured window. */
	readonly cpuMs: number;
}

/** One keep-alive socket with at most one request in flight. */
interface Connection {
	kept: Buffer | undefined;
	head: MessageHead | undefined;
	sentAtMs: number;
	answered: number;
	/** How far the answer has been searched for events. */
	scannedTo: number;
}

type Socket = Bun.Socket<Connection>;

interface Listener {
	/** Bytes came; `buffer` is the answer so far. */
	readonly onBytes: (connection: Connection, buffer: Buffer) => void;
	/** The answer is whole. */
	readonly onAnswer: (socket: Socket, answer: Buffer, head: MessageHead) => void;
	readonly onClose: () => void;
}

const CONTENT = Buffer.from('"content":"');
const DONE = Buffer.from("data: [DONE]");
/** A content event starts with the time it was sent, `1790000000000.123`. */
const TIME_LENGTH = 17;
const GIVE_UP_AFTER_MS = 20_000;

function connect(port: number, listener: Listener): Promise<Socket> {
	return Bun.connect<Connection>({
		hostname: "127.0.0.1",
		port,
		data: { kept: undefined, head: undefined, sentAtMs: 0, answered: 0, scannedTo: 0 },
		socket: {
			data(socket, data) {
				const connection = socket.data;
				const buffer = concat(connection.kept, data);
				connection.kept = buffer;
				connection.head ??= readHead(buffer);
				if (connection.head === undefined) {
					return;
				}
				listener.onBytes(connection, buffer);
				if (messageEnd(buffer, connection.head) !== undefined) {
					connection.answered += 1;
					listener.onAnswer(socket, buffer, connection.head);
				}
			},
			close: listener.onClose,
		},
	});
}

function send(socket: Socket, request: Buffer): void {
	const connection = socket.data;
	connection.kept = undefined;
	connection.head = undefined;
	connection.scannedTo = 0;
	connection.sentAtMs = performance.now();
	socket.write(request);
}

function encode(job: LoadJob): Buffer {
	const head = [
		"POST /v1/chat/completions HTTP/1.1",
		"host: 127.0.0.1",
		`authorization: ${job.authorization}`,
		"content-type: application/json",
		`content-length: ${Buffer.byteLength(job.body)}`,
	];
	return Buffer.from(`${head.join("\r\n")}\r\n\r\n${job.body}`);
}

function isOk(head: MessageHead): boolean {
	return head.text.startsWith("HTTP/1.1 200");
}

function quantile(values: readonly number[], part: number): number {
	const sorted = Float64Array.from(values).sort();
	return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}

/** Each connection sends its next request as soon as it has its answer. */
async function closedLoop(job: LoadJob, phase: { warmUpMs: number; measureMs: number }): Promise<LoadResult> {
	const request = encode(job);
	const latencies: number[] = [];
	const finished = Promise.withResolvers<void>();
	let answered = 0;
	let failures = 0;
	let measuring = false;
	let stopping = false;
	let running = job.connections;
	const sockets = await Promise.all(
		Array.from({ length: job.connections }, () =>
			connect(job.port, {
				onBytes: () => {},
				onAnswer: (socket, _answer, head) => {
					answered += 1;
					failures += isOk(head) ? 0 : 1;
					if (measuring) {
						latencies.push(performance.now() - socket.data.sentAtMs);
					}
					if (stopping) {
						socket.end();
					} else {
						send(socket, request);
					}
				},
				onClose: () => {
					failures += stopping ? 0 : 1;
					running -= 1;
					if (running === 0) {
						finished.resolve();
					}
				},
			}),
		),
	);
	for (const socket of sockets) {
		send(socket, request);
	}
	await Bun.sleep(phase.warmUpMs);
	const cpuBeforeMs = cpuTimeMs(job.processId);
	const startedAtMs = performance.now();
	measuring = true;
	await Bun.sleep(phase.measureMs);
	measuring = false;
	const seconds = (performance.now() - startedAtMs) / 1000;
	const cpuMs = cpuTimeMs(job.processId) - cpuBeforeMs;
	stopping = true;
	await Promise.race([finished.promise, Bun.sleep(GIVE_UP_AFTER_MS)]);
	return {
		requests: latencies.length,
		requestsPerSecond: latencies.length / seconds,
		answered,
		failures: failures + running,
		p50Ms: quantile(latencies, 0.5),
		p99Ms: quantile(latencies, 0.99),
		events: 0,
		eventDelayP50Ms: 0,
		cpuMs,
	};
}

async function streams(job: LoadJob, plan: { each: number; spreadMs: number }): Promise<LoadResult> {
	const request = encode(job);
	const firstEventMs: number[] = [];
	const delaysMs: number[] = [];
	const finished = Promise.withResolvers<void>();
	let answered = 0;
	let failures = 0;
	let running = job.connections;
	const scan = (connection: Connection, buffer: Buffer) => {
		const seenAtMs = wallClockMs();
		let at = buffer.indexOf(CONTENT, connection.scannedTo);
		while (at >= 0 && buffer.length >= at + CONTENT.length + TIME_LENGTH) {
			if (connection.scannedTo === 0) {
				firstEventMs.push(performance.now() - connection.sentAtMs);
			}
			const start = at + CONTENT.length;
			delaysMs.push(seenAtMs - Number(buffer.toString("latin1", start, start + TIME_LENGTH)));
			connection.scannedTo = start;
			at = buffer.indexOf(CONTENT, start);
		}
	};
	const sockets = await Promise.all(
		Array.from({ length: job.connections }, () =>
			connect(job.port, {
				onBytes: scan,
				onAnswer: (socket, answer, head) => {
					answered += 1;
					failures += isOk(head) && answer.includes(DONE) ? 0 : 1;
					if (socket.data.answered === plan.each) {
						socket.end();
					} else {
						send(socket, request);
					}
				},
				onClose: () => {
					running -= 1;
					if (running === 0) {
						finished.resolve();
					}
				},
			}),
		),
	);
	const cpuBeforeMs = cpuTimeMs(job.processId);
	const startedAtMs = performance.now();
	for (const socket of sockets) {
		send(socket, request);
		await Bun.sleep(plan.spreadMs / job.connections);
	}
	await Promise.race([finished.promise, Bun.sleep(GIVE_UP_AFTER_MS)]);
	return {
		requests: answered,
		requestsPerSecond: (answered * 1000) / (performance.now() - startedAtMs),
		answered,
		failures: failures + (job.connections * plan.each - answered),
		p50Ms: quantile(firstEventMs, 0.5),
		p99Ms: quantile(firstEventMs, 0.99),
		events: delaysMs.length,
		eventDelayP50Ms: quantile(delaysMs, 0.5),
		cpuMs: cpuTimeMs(job.processId) - cpuBeforeMs,
	};
}

if (import.meta.main) {
	// The orchestrator writes this argument from a LoadJob.
	const job = JSON.parse(Bun.argv[2] ?? "{}") as LoadJob;
	const result = job.load.kind === "streams" ? await streams(job, job.load) : await closedLoop(job, job.load);
	console.log(JSON.stringify(result));
	process.exit(0);
}

import { concat, messageEnd, readHead, wallClockMs } from "./wire.ts";

/**
 * The provider of the benchmark, a process of its own: answers every POST with 1 KB of chat completion, or with
 * `EVENTS` stream events `EVENT_INTERVAL_MS` apart, each carrying the time it was sent. Prints its port and serves until it is killed.
 */

export const EVENTS = 50;
const EVENT_INTERVAL_MS = 20;

const ANSWER = JSON.stringify({
	id: "chatcmpl-bench",
	object: "chat.completion",
	created: 1_790_000_000,
	model: "bench-model",
	choices: [
		{ index: 0, message: { role: "assistant", content: "word ".repeat(142), refusal: null }, finish_reason: "stop" },
	],
	usage: {
		prompt_tokens: 60,
		completion_tokens: 150,
		total_tokens: 210,
		prompt_tokens_details: { cached_tokens: 0 },
		completion_tokens_details: { reasoning_tokens: 0 },
	},
	system_fingerprint: "fp_bench",
});
const WHOLE_ANSWER = Buffer.from(
	`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${ANSWER.length}\r\n\r\n${ANSWER}`,
);
const STREAM_HEAD = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

interface Connection {
	kept: Buffer | undefined;
	timer: NodeJS.Timeout | undefined;
}

function chunk(text: string): string {
	return `${text.length.toString(16)}\r\n${text}\r\n`;
}

function event(choices: readonly unknown[], usage: unknown): string {
	const body = { id: "chatcmpl-bench", object: "chat.completion.chunk", created: 1_790_000_000, model: "bench-model" };
	return chunk(`data: ${JSON.stringify({ ...body, choices, usage })}\n\n`);
}

function startStream(socket: Bun.Socket<Connection>, usageAsked: boolean): void {
	let sent = 0;
	const sendNext = () => {
		sent += 1;
		const finishReason = sent === EVENTS ? "stop" : null;
		const content = `${wallClockMs().toFixed(3)} `;
		let text = event([{ index: 0, delta: { content }, finish_reason: finishReason }], null);
		if (sent === EVENTS) {
			text += usageAsked ? event([], { prompt_tokens: 60, completion_tokens: EVENTS, total_tokens: 60 + EVENTS }) : "";
			text += `${chunk("data: [DONE]\n\n")}0\r\n\r\n`;
			clearInterval(socket.data.timer);
		}
		socket.write(sent === 1 ? STREAM_HEAD + text : text);
	};
	socket.data.timer = setInterval(sendNext, EVENT_INTERVAL_MS);
	sendNext();
}

/** Answers the request at the front of the buffer and returns what follows it. */
function answerOne(socket: Bun.Socket<Connection>, buffer: Buffer): Buffer | undefined {
	const head = readHead(buffer);
	const end = head && messageEnd(buffer, head);
	if (head === undefined || end === undefined) {
		return undefined;
	}
	const body = buffer.subarray(head.bodyStart, end);
	if (body.includes('"stream":true')) {
		startStream(socket, body.includes('"include_usage":true'));
	} else {
		socket.write(WHOLE_ANSWER);
	}
	return buffer.subarray(end);
}

if (import.meta.main) {
	const server = Bun.listen<Connection>({
		hostname: "127.0.0.1",
		port: 0,
		socket: {
			open(socket) {
				socket.data = { kept: undefined, timer: undefined };
			},
			data(socket, data) {
				let rest: Buffer | undefined = concat(socket.data.kept, data);
				while (rest !== undefined && rest.length > 0) {
					socket.data.kept = rest;
					rest = answerOne(socket, rest);
				}
				if (rest !== undefined) {
					socket.data.kept = undefined;
				}
			},
			close(socket) {
				clearInterval(socket.data.timer);
			},
		},
	});
	console.log(server.port);
}

import type { Socket } from "node:net";
import type { CallPlan, Dialect } from "./call-plan.ts";

/** Pieces of a stream that travel together. */
const BURSTS = 6;
/** From the last piece of a stream that breaks off to its end. */
const BEFORE_BREAK_MS = 30;

/**
 * Writes the answer of a plan. @returns Whether the connection can be used again.
 */
export async function playAnswer(socket: Socket, dialect: Dialect, model: string, plan: CallPlan): Promise<boolean> {
	if (plan.delayMs > 0) {
		await Bun.sleep(plan.delayMs);
	}
	if (socket.destroyed) {
		return false;
	}
	switch (plan.fate) {
		case "resets":
			socket.resetAndDestroy();
			return false;
		case "hangs_up":
			socket.end();
			return false;
		case "errors":
			return whole(socket, 500, errorBody(dialect, "The server had an error."));
		case "refuses":
			return whole(socket, 400, errorBody(dialect, "This request is not to our taste."));
		case "falls_silent":
			socket.end(plan.stream ? `${STREAM_HEAD}${chunk(opening(dialect, model, plan))}` : wholeHead(200, 400));
			return false;
		case "answers":
		case "breaks_off":
			return plan.stream ? stream(socket, dialect, model, plan) : answerWhole(socket, dialect, model, plan);
	}
}

function answerWhole(socket: Socket, dialect: Dialect, model: string, plan: CallPlan): boolean {
	const body = dialect === "anthropic" ? message(model, plan) : completion(model, plan);
	if (plan.fate === "answers") {
		return whole(socket, 200, body);
	}
	const text = JSON.stringify(body);
	socket.end(wholeHead(200, Buffer.byteLength(text)) + text.slice(0, Math.floor(text.length / 2)));
	return false;
}

async function stream(socket: Socket, dialect: Dialect, model: string, plan: CallPlan): Promise<boolean> {
	const pieces = plan.words.slice(0, plan.sent);
	const size = Math.max(1, Math.ceil(pieces.length / BURSTS));
	socket.write(STREAM_HEAD + chunk(opening(dialect, model, plan)));
	for (let from = 0; from < pieces.length; from += size) {
		if (socket.destroyed) {
			return false;
		}
		const burst = pieces.slice(from, from + size).map((word) => delta(dialect, model, word));
		socket.write(chunk(burst.join("")));
		await Bun.sleep(plan.streamMs / BURSTS);
	}
	if (plan.fate === "breaks_off") {
		// What comes together with the end of a connection is dropped by the reader's HTTP library.
		await Bun.sleep(BEFORE_BREAK_MS);
		socket.end();
		return false;
	}
	socket.write(`${chunk(ending(dialect, model, plan))}0\r\n\r\n`);
	return !socket.destroyed;
}

const STREAM_HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

function wholeHead(status: number, length: number): string {
	return `HTTP/1.1 ${status} ${status === 200 ? "OK" : "Sorry"}\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;
}

function whole(socket: Socket, status: number, body: unknown): boolean {
	const text = JSON.stringify(body);
	socket.write(wholeHead(status, Buffer.byteLength(text)) + text);
	return true;
}

function chunk(text: string): string {
	return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}

function event(value: Readonly<Record<string, unknown>>): string {
	const name = typeof value.type === "string" ? `event: ${value.type}\n` : "";
	return `${name}data: ${JSON.stringify(value)}\n\n`;
}

function opening(dialect: Dialect, model: string, plan: CallPlan): string {
	if (dialect === "openai") {
		return event(chatChunk(model, { role: "assistant", content: "" }, null));
	}
	const start = { ...message(model, plan), content: [], stop_reason: null };
	return (
		event({ type: "message_start", message: { ...start, usage: { ...anthropicUsage(plan), output_tokens: 1 } } }) +
		event({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } })
	);
}

function delta(dialect: Dialect, model: string, text: string): string {
	return dialect === "openai"
		? event(chatChunk(model, { content: text }, null))
		: event({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } });
}

function ending(dialect: Dialect, model: string, plan: CallPlan): string {
	if (dialect === "openai") {
		const last = { ...chatChunk(model, {}, null), choices: [], usage: openaiUsage(plan) };
		return `${event(chatChunk(model, {}, "stop"))}${event(last)}data: [DONE]\n\n`;
	}
	return (
		event({ type: "content_block_stop", index: 0 }) +
		event({
			type: "message_delta",
			delta: { stop_reason: "end_turn", stop_sequence: null },
			usage: { output_tokens: plan.usage.completion },
		}) +
		event({ type: "message_stop" })
	);
}

function chatChunk(model: string, content: Readonly<Record<string, unknown>>, finish: string | null) {
	const choices = [{ index: 0, delta: content, logprobs: null, finish_reason: finish }];
	return { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1_700_000_000, model, choices };
}

function completion(model: string, plan: CallPlan) {
	const reply = { role: "assistant", content: plan.words.join(""), refusal: null };
	return {
		id: "chatcmpl-1",
		object: "chat.completion",
		created: 1_700_000_000,
		model,
		choices: [{ index: 0, message: reply, logprobs: null, finish_reason: "stop" }],
		usage: openaiUsage(plan),
	};
}

function openaiUsage({ usage }: CallPlan) {
	return {
		prompt_tokens: usage.prompt,
		completion_tokens: usage.completion,
		total_tokens: usage.prompt + usage.completion,
		prompt_tokens_details: { cached_tokens: usage.cached },
	};
}

function message(model: string, plan: CallPlan) {
	return {
		id: "msg_01Ledger",
		type: "message",
		role: "assistant",
		model,
		content: [{ type: "text", text: plan.words.join("") }],
		stop_reason: "end_turn",
		stop_sequence: null,
		usage: anthropicUsage(plan),
	};
}

/** Anthropic counts fresh, cached and written tokens beside each other. */
function anthropicUsage({ usage }: CallPlan) {
	return {
		input_tokens: usage.prompt - usage.cached - usage.written,
		cache_read_input_tokens: usage.cached,
		cache_creation_input_tokens: usage.written,
		output_tokens: usage.completion,
	};
}

function errorBody(dialect: Dialect, text: string) {
	return dialect === "openai"
		? { error: { message: text, type: "server_error", param: null, code: null } }
		: { type: "error", error: { type: "api_error", message: text } };
}

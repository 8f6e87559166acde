import { connect, type Socket } from "node:net";
import { createHttpReader, headerOf } from "../support/http-message.ts";
import { requestBytes } from "../support/raw.ts";
import { parseSse } from "../support/sse-events.ts";

/** One request to the gateway and what a client saw of its answer. */
export interface Exchange {
	/** 0 = not even a head. */
	readonly status: number;
	/** The last byte of the answer came, by its own framing. */
	readonly complete: boolean;
	readonly text: string;
	header(name: string): string | undefined;
	/** performance.now() of this process. */
	readonly sentAtMs: number;
	readonly endedAtMs: number;
}

export interface ExchangeRequest {
	readonly url: string;
	readonly key: string;
	readonly body: unknown;
	readonly method?: string;
	readonly target?: string;
	/** The client hangs up after so long. */
	readonly leaveAfterMs?: number | undefined;
	/** Told of the answer's text so far; true = the client hangs up. */
	readonly onText?: (text: string) => boolean;
	/** Nothing for this long = it hangs, and the client gives up. */
	readonly deadlineMs?: number;
}

const DEADLINE_MS = 20_000;

/**
 * One request over a connection of its own. Not `fetch`: Bun keeps that at 256 requests in flight, and the tests must
 * see whether the last byte came. Never rejects: a connection that breaks is an answer that is not complete.
 */
export function exchange(request: ExchangeRequest): Promise<Exchange> {
	const { hostname, port } = new URL(request.url);
	const reader = createHttpReader("response");
	const sentAtMs = performance.now();
	return new Promise((resolve) => {
		const socket = connect({ host: hostname, port: Number(port), noDelay: true });
		const timers = [setTimeout(end, request.deadlineMs ?? DEADLINE_MS)];
		if (request.leaveAfterMs !== undefined) {
			timers.push(setTimeout(end, request.leaveAfterMs));
		}
		function end(): void {
			for (const timer of timers) {
				clearTimeout(timer);
			}
			socket.destroy();
			resolve(seen(reader, sentAtMs));
		}
		socket.on("connect", () => send(socket, request));
		socket.on("data", (bytes: Buffer) => {
			reader.push(bytes);
			if (reader.completeCount() > 0 || request.onText?.(textOf(reader)) === true) {
				end();
			}
		});
		for (const event of ["end", "close", "error"] as const) {
			socket.on(event, end);
		}
	});
}

function send(socket: Socket, { key, body, method = "POST", target = "/v1/chat/completions" }: ExchangeRequest): void {
	const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json", Connection: "close" };
	socket.write(
		requestBytes({ method, target, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }),
	);
}

function textOf(reader: ReturnType<typeof createHttpReader>): string {
	return reader.messages()[0]?.body.toString("utf8") ?? "";
}

function seen(reader: ReturnType<typeof createHttpReader>, sentAtMs: number): Exchange {
	const [message] = reader.messages();
	return {
		status: message?.status ?? 0,
		complete: message?.complete === true,
		text: message?.body.toString("utf8") ?? "",
		header: (name) => message && headerOf(message, name),
		sentAtMs,
		endedAtMs: performance.now(),
	};
}

/** What an answer of chat came to, from the client's side. */
export interface ChatOutcome {
	readonly kind: /** Seen to its last byte, and that was a proper end. */
		| "whole"
		/** An error in words, by status or by event. */
		| "error"
		/** The connection ended before the answer did. */
		| "broken";
	readonly status: number;
	readonly requestId: string | undefined;
	/** As the gateway told it, in its header or its comment; only of whole answers. */
	readonly costUsd: string | undefined;
	/** Pieces of content that came. */
	readonly pieces: number;
	/** `kind` of a refusal. */
	readonly refusal: string | undefined;
}

export function outcomeOf(answer: Exchange, stream: boolean): ChatOutcome {
	const base = { status: answer.status, requestId: answer.header("x-request-id"), pieces: 0, refusal: undefined };
	if (answer.status !== 200) {
		const refusal = /"kind":\s*"(\w+)"/.exec(answer.text)?.[1];
		return { ...base, kind: answer.complete ? "error" : "broken", costUsd: undefined, refusal };
	}
	if (!stream) {
		return answer.complete
			? { ...base, kind: "whole", costUsd: answer.header("x-gateway-cost-usd") }
			: { ...base, kind: "broken", costUsd: undefined };
	}
	// A block that is not finished is no event yet.
	const { data, comments } = parseSse(answer.text.slice(0, answer.text.lastIndexOf("\n\n") + 2));
	const pieces = data.filter((text) => /"content":"[^"]/.test(text)).length;
	if (answer.complete && data.at(-1) === "[DONE]") {
		const comment = comments.find((text) => text.includes("cost_usd"));
		return { ...base, kind: "whole", pieces, costUsd: /"cost_usd":"([\d.]+)"/.exec(comment ?? "")?.[1] };
	}
	return { ...base, kind: data.at(-1)?.includes('"error"') === true ? "error" : "broken", pieces, costUsd: undefined };
}

/** Plain decimal dollars with at least six decimals, as whole nano-dollars. @throws Error for anything else. */
export function nanoIn(text: string | undefined): bigint {
	const match = /^(\d+)\.(\d{6,9})$/.exec(text ?? "");
	if (match === null) {
		throw new Error(`not an amount of dollars: ${JSON.stringify(text)}`);
	}
	return BigInt(`${match[1]}${(match[2] ?? "").padEnd(9, "0")}`);
}

import { discard } from "../transport/upstream.ts";
import { servedHeaders } from "./answer-headers.ts";
import { type AttemptContext, type AttemptResult, failed } from "./attempt-result.ts";
import { relay } from "./relay.ts";

/** Audio, plain-text transcripts and the like: passed on as they come, priced by what the request asked for. */
export async function answerBinary(context: AttemptContext, head: Response): Promise<AttemptResult> {
	const { served, run, books, deps } = context;
	const contentType = head.headers.get("content-type") ?? "";
	if (head.body === null || contentType.includes("text/html")) {
		discard(head.body);
		return failed(context, {
			class: "invalid_response",
			status: head.status,
			retryAfterMs: undefined,
			detail: `content type ${contentType}`,
		});
	}
	const idleMs = deps.config.current().server.streamIdleTimeoutMs;
	run.moving(idleMs);
	books.firstToken();
	const reader = head.body.getReader();
	const seen = { usage: undefined, outputTokens: 0, objectId: undefined };
	const body = relay(context, {
		async pump(sink) {
			for (let next = await reader.read(); !next.done; next = await reader.read()) {
				run.moved(idleMs);
				await sink.write(next.value);
			}
			await books.settle({ outcome: "ok", status: head.status, seen });
		},
		seen: () => seen,
		errorEvent: undefined,
		keepAlive: undefined,
	});
	// Nothing in such an answer tells its usage, so what the request tells is final.
	const headers = servedHeaders(served, head.headers, { nano: books.estimateNano(0), final: true });
	return { kind: "answered", inMotion: true, response: new Response(body, { status: head.status, headers }) };
}

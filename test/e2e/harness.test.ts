import { describe, expect, test } from "bun:test";
import { headerOf } from "../support/http-message.ts";
import { chatStream } from "../support/openai-answers.ts";
import { openRaw, requestBytes, sendRaw } from "../support/raw.ts";
import {
	breakAfter,
	breakAfterText,
	fault,
	gatedSse,
	json,
	rawReply,
	respond,
	sse,
	wireBytes,
} from "../support/replies.ts";
import { parseSse } from "../support/sse-events.ts";
import { type Reply, refusedUrl, startUpstream } from "../support/upstream.ts";
import { gate, until, within } from "../support/wait.ts";

/** What fetch makes of a reply: status and body, or the code of the failure. */
async function seenByFetch(reply: Reply): Promise<string> {
	await using upstream = await startUpstream(() => reply);
	try {
		const response = await fetch(upstream.url, { redirect: "manual", signal: AbortSignal.timeout(150) });
		return `${response.status} ${await response.text()}`;
	} catch (error) {
		// Bun's fetch errors carry a code; an abort carries a name.
		const { code, name } = error as { code?: string | number; name: string };
		return typeof code === "string" ? code : name;
	}
}

describe("the scripted upstream does to a real client what it says", () => {
	const plain = respond({ body: "0123456789" });
	test.each<[string, Reply, string]>([
		["a whole answer", plain, "200 0123456789"],
		["a chunked answer, cut anywhere", respond({ body: "grün", framing: "chunked", cuts: [1, 3, 4] }), "200 grün"],
		["an answer ended by the close", respond({ body: "abc", framing: "close" }), "200 abc"],
		[
			"an interim answer first",
			rawReply("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", wireBytes(plain)),
			"200 0123456789",
		],
		[
			"a gzip body",
			respond({ body: Bun.gzipSync(Buffer.from("zipped")), headers: { "content-encoding": "gzip" } }),
			"200 zipped",
		],
		["a redirect", fault.redirect("http://127.0.0.1:1/x"), "302 "],
		["silence", fault.silent(), "TimeoutError"],
		["a head and then silence", fault.headThenSilence(), "TimeoutError"],
		["a close instead of an answer", fault.closed(), "ECONNRESET"],
		["a reset instead of an answer", fault.reset(), "ECONNRESET"],
		["a reset inside the head", fault.resetInHead(), "ECONNRESET"],
		["a reset inside the body", breakAfterText(plain, "0123", "reset"), "ECONNRESET"],
		["a chunked body without its end", breakAfter(sse(["a"]), wireBytes(sse(["a"])).length - 5, "fin"), "ECONNRESET"],
		["a chunk size that is no number", fault.badChunkSize(), "InvalidHTTPResponse"],
	])("%s", async (_name, reply, expected) => {
		expect(await seenByFetch(reply)).toBe(expected);
	});

	test("a port where nobody listens refuses", async () => {
		expect(await fetch(await refusedUrl()).catch((error: { code: string }) => error.code)).toBe("ECONNREFUSED");
	});

	test("requests are recorded with their bytes, over one kept connection", async () => {
		await using upstream = await startUpstream(() => json(200, { ok: true }, { usage: { prompt: 3, completion: 4 } }));
		for (const body of ["eins", "zwei"]) {
			await (await fetch(`${upstream.url}/v1/x?y=1`, { method: "POST", body, headers: { "x-a": "b" } })).text();
		}
		expect(
			upstream.requests.map((request) => [request.method, request.target, request.text(), request.header("x-a")]),
		).toEqual([
			["POST", "/v1/x?y=1", "eins", "b"],
			["POST", "/v1/x?y=1", "zwei", "b"],
		]);
		expect(upstream.connections()).toBe(1);
		expect(upstream.ledger()).toEqual({ calls: 2, prompt: 6, completion: 8 });
	});

	test("an event waits for its gate, and a client that leaves is seen", async () => {
		const second = gate();
		await using upstream = await startUpstream(() =>
			gatedSse([{ data: "one" }, { data: "two", after: second.opened }]),
		);
		const response = await fetch(upstream.url);
		const reader = response.body?.getReader();
		const first = await reader?.read();
		expect(new TextDecoder().decode(first?.value)).toBe("data: one\n\n");
		await reader?.cancel();
		await within("the upstream to notice", upstream.requests[0]?.gone ?? Promise.resolve());
		expect(upstream.requests[0]?.aborted()).toBe(true);
		second.open();
	});

	test("an ordinary chat stream parses as a client library parses it", async () => {
		await using upstream = await startUpstream(() => chatStream(["Hi"]));
		const stream = parseSse(await (await fetch(upstream.url)).text());
		expect(stream.data.length).toBe(5);
		expect(stream.data.at(-1)).toBe("[DONE]");
	});
});

describe("the raw client tells exactly what came back", () => {
	test("status line, headers, body and close", async () => {
		await using upstream = await startUpstream(() =>
			respond({ status: 418, body: "tea", framing: "close", headers: { "X-A": "1" } }),
		);
		const exchange = await sendRaw(upstream.url, requestBytes({ target: "/" }), { untilClosed: true });
		expect(exchange).toMatchObject({ closed: true, reset: false, timedOut: false });
		expect(exchange.response?.startLine).toBe("HTTP/1.1 418 I'm a Teapot");
		expect(exchange.response?.text()).toBe("tea");
		expect(headerOf(exchange.response ?? { headers: [] }, "x-a")).toBe("1");
	});

	test("a silent server is a timeout, a reset is a reset", async () => {
		await using silent = await startUpstream(() => fault.silent());
		expect(await sendRaw(silent.url, requestBytes({ target: "/" }), { deadlineMs: 60 })).toMatchObject({
			timedOut: true,
		});
		await using reset = await startUpstream(() => breakAfterText(respond({ body: "0123456789" }), "012", "reset"));
		const exchange = await sendRaw(reset.url, requestBytes({ target: "/" }));
		expect(exchange).toMatchObject({ closed: true, reset: true });
		expect(exchange.response).toMatchObject({ complete: false, status: 200 });
	});

	test("a client that stops reading holds the upstream back", async () => {
		const block = Buffer.alloc(64 * 1024, "x");
		async function* endless() {
			yield { kind: "bytes" as const, bytes: Buffer.from("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n") };
			for (;;) {
				yield { kind: "bytes" as const, bytes: block };
			}
		}
		await using upstream = await startUpstream(() => ({ steps: endless() }));
		await using client = await openRaw(upstream.url);
		await client.write(requestBytes({ target: "/" }));
		await until("some bytes", () => client.bytesRead() > 0);
		client.pause();
		let last = -1;
		await until("the upstream to stand still", async () => {
			const before = last;
			last = upstream.requests[0]?.bytesSent() ?? 0;
			await Bun.sleep(100);
			return before === last;
		});
		expect(last).toBeLessThan(32 * 1024 * 1024);
	});
});

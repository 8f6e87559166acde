import { afterAll, describe, expect, test } from "bun:test";
import { startMockProvider } from "../../../src/mock/server.ts";
import { schemaFaults } from "../../support/openai-schema.ts";
import { parseSse } from "../../support/sse-events.ts";
import { until } from "../../support/wait.ts";

const mock = startMockProvider();
afterAll(() => mock.stop());

interface Read {
	readonly text: string;
	/** Whether the connection broke before the body's end. */
	readonly broken: boolean;
}

function post(path: string, body: unknown, signal?: AbortSignal): Promise<Response> {
	const text = typeof body === "string" ? body : JSON.stringify(body);
	return fetch(`${mock.url}${path}`, { method: "POST", body: text, ...(signal ? { signal } : {}) });
}

function chat(model: string, fields: object = {}, signal?: AbortSignal): Promise<Response> {
	const messages = [{ role: "user", content: "one two three four five six" }];
	return post("/chat/completions", { model, messages, ...fields }, signal);
}

async function read(response: Response): Promise<Read> {
	let text = "";
	const decoder = new TextDecoder();
	try {
		for await (const chunk of response.body ?? []) {
			text += decoder.decode(chunk, { stream: true });
		}
		return { text, broken: false };
	} catch {
		return { text, broken: true };
	}
}

/** The tokens in a stream, in order. */
function tokensIn(text: string): string[] {
	return parseSse(text)
		.data.filter((data) => data.startsWith("{") && data.endsWith("}"))
		.flatMap((data) => {
			const content = JSON.parse(data).choices?.[0]?.delta?.content;
			return content ? [content.trim()] : [];
		});
}

describe("error statuses", () => {
	test.each([400, 401, 403, 404, 408, 422, 429, 500, 502, 503, 529])(
		"error-%d is that status, in OpenAI's shape",
		async (status) => {
			const response = await chat(`error-${status}`);
			expect(response.status).toBe(status);
			expect(schemaFaults("ErrorResponse", await response.json())).toEqual([]);
		},
	);

	test("retry-after is a header of the error", async () => {
		expect((await chat("error-429+retry-after-7")).headers.get("retry-after")).toBe("7");
		expect((await chat("error-429")).headers.get("retry-after")).toBeNull();
	});

	test("a stream that fails from the start is a plain error answer", async () => {
		const response = await chat("error-503", { stream: true });
		expect([response.status, response.headers.get("content-type")]).toEqual([503, "application/json;charset=utf-8"]);
	});

	test("flaky fails its share, the same ones each time", async () => {
		const statuses: number[] = [];
		for (let request = 0; request < 10; request += 1) {
			statuses.push((await chat("flaky-30+error-502")).status);
		}
		expect(statuses).toEqual([200, 200, 200, 502, 200, 200, 502, 200, 200, 502]);
	});
});

describe("broken connections", () => {
	const failure = (promise: Promise<unknown>) =>
		promise.then(
			() => "answered",
			(error: { code?: unknown; name: string }) => (typeof error.code === "string" ? error.code : error.name),
		);

	test("reset closes before the head", async () => {
		expect(await failure(chat("reset"))).toBe("ECONNRESET");
		expect(await failure(chat("reset", { stream: true }))).toBe("ECONNRESET");
	});

	test("hang answers nothing until the client leaves", async () => {
		const leaving = new AbortController();
		let hung = true;
		const hanging = failure(chat("hang", {}, leaving.signal)).finally(() => {
			hung = false;
		});
		expect((await chat("echo")).status).toBe(200);
		expect(hung).toBe(true);
		leaving.abort();
		expect(await hanging).toBe("AbortError");
	});

	test.each([0, 1, 3])("cut-%d breaks a stream after that many tokens, without [DONE]", async (tokens) => {
		const response = await chat(`cut-${tokens}`, { stream: true });
		const { text, broken } = await read(response);
		expect([response.status, broken]).toEqual([200, true]);
		expect(tokensIn(text)).toEqual(["one", "two", "three"].slice(0, tokens));
		expect(text).not.toContain("[DONE]");
	});

	test("stall goes silent after that many tokens and keeps the connection", async () => {
		const leaving = new AbortController();
		const response = await chat("stall-2", { stream: true }, leaving.signal);
		const reader = response.body?.getReader();
		let text = "";
		while (tokensIn(text).length < 2) {
			text += new TextDecoder().decode((await reader?.read())?.value);
		}
		let moved = false;
		const next = reader?.read().then(
			() => {
				moved = true;
			},
			() => undefined,
		);
		expect((await chat("echo")).status).toBe(200);
		expect(moved).toBe(false);
		leaving.abort();
		await next;
	});

	test("cut breaks a whole answer half-way", async () => {
		const response = await chat("cut");
		const { text, broken } = await read(response);
		expect([response.status, broken]).toEqual([200, true]);
		expect(text).toStartWith('{"id":"chatcmpl-');
		expect(() => JSON.parse(text)).toThrow();
	});

	test("stopping does not wait for what hangs", async () => {
		const own = startMockProvider();
		const hanging = fetch(`${own.url}/chat/completions`, {
			method: "POST",
			body: JSON.stringify({ model: "hang", messages: [{ role: "user", content: "x" }] }),
		});
		await fetch(`${own.url}/models`);
		await own.stop();
		expect(await failure(hanging)).not.toBe("answered");
	});
});

describe("answers that are not what they say", () => {
	test("garbage is a web page with status 200", async () => {
		for (const stream of [false, true]) {
			const response = await chat("garbage", { stream });
			expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
		}
	});

	test("truncated JSON ends cleanly in the middle", async () => {
		const { text, broken } = await read(await chat("truncated"));
		expect(broken).toBe(false);
		expect(() => JSON.parse(text)).toThrow();
	});

	test("a truncated stream ends cleanly in the middle of an event", async () => {
		const { text, broken } = await read(await chat("truncated", { stream: true }));
		expect(broken).toBe(false);
		expect(tokensIn(text)).toEqual(["one"]);
		expect(text).not.toContain("[DONE]");
		expect(text.endsWith("\n\n")).toBe(false);
	});

	test("error-first is a 200 whose first event is an error", async () => {
		const response = await chat("error-first", { stream: true });
		const events = parseSse((await read(response)).text).data;
		expect(response.status).toBe(200);
		expect(events.length).toBe(1);
		expect(JSON.parse(events[0] ?? "").error.code).toBe("server_error");
	});

	test("error-first in the Responses API is an event of type error", async () => {
		const response = await post("/responses", { model: "error-first", input: "x", stream: true });
		const { names, data } = parseSse((await read(response)).text);
		expect(names).toEqual(["error"]);
		expect(JSON.parse(data[0] ?? "")).toMatchObject({ type: "error", code: "server_error" });
	});

	test("error-first without a stream is a 200 with an error inside", async () => {
		const response = await chat("error-first");
		expect([response.status, Object.keys((await response.json()) as object)]).toEqual([200, ["error"]]);
	});
});

describe("time", () => {
	test("delay holds back the head", async () => {
		const leaving = new AbortController();
		let answered = false;
		const delayed = chat("delay-600000", {}, leaving.signal).then(
			() => {
				answered = true;
			},
			() => undefined,
		);
		expect((await chat("echo+delay-1")).status).toBe(200);
		expect(answered).toBe(false);
		leaving.abort();
		await delayed;
	});

	test("pace holds back each token after the first", async () => {
		const leaving = new AbortController();
		const response = await chat("pace-600000", { stream: true }, leaving.signal);
		let text = "";
		const reading = (async () => {
			for await (const chunk of response.body ?? []) {
				text += new TextDecoder().decode(chunk);
			}
		})().catch(() => undefined);
		await until("the first token", () => tokensIn(text).length > 0);
		const quick = await read(await chat("pace-1+tokens-3", { stream: true }));
		expect(tokensIn(quick.text)).toEqual(["one", "two", "three"]);
		expect(tokensIn(text)).toEqual(["one"]);
		leaving.abort();
		await reading;
	});
});

describe("requests that are wrong", () => {
	test.each([
		["/chat/completions", { messages: [{ role: "user", content: "x" }] }, 400, "model"],
		["/chat/completions", { model: "gpt-4o", messages: [{ role: "user", content: "x" }] }, 404, "model"],
		["/chat/completions", { model: "echo" }, 400, "messages"],
		["/chat/completions", { model: "echo", messages: [] }, 400, "messages"],
		["/chat/completions", { model: "echo", messages: [{ role: "user", content: "x" }], n: 129 }, 400, "n"],
		["/chat/completions", "{", 400, null],
		["/chat/completions", "[]", 400, null],
		["/completions", { model: "echo" }, 400, "prompt"],
		["/responses", { model: "echo" }, 400, "input"],
		["/embeddings", { model: "echo", input: [] }, 400, "input"],
		["/embeddings", { model: "echo", input: "x", dimensions: 4_000 }, 400, "dimensions"],
		["/moderations", { model: "echo" }, 400, "input"],
		["/images/generations", { model: "echo" }, 400, "prompt"],
		["/audio/speech", { model: "echo" }, 400, "input"],
		["/audio/transcriptions", { model: "echo" }, 400, "file"],
		["/nothing", { model: "echo" }, 404, null],
		["/responses/resp_none/cancel", {}, 404, null],
	])("%s %j is refused with %d, naming %p", async (path, body, status, param) => {
		const response = await post(path, body);
		const answer = (await response.json()) as { error: { param: string | null } };
		expect(schemaFaults("ErrorResponse", answer)).toEqual([]);
		expect([response.status, answer.error.param]).toEqual([status, param]);
	});

	test("strange contents are answered, not crashed on", async () => {
		const contents = [null, 5, {}, [], [null, 1, { type: "image_url" }, { type: "text", text: 5 }], "\ud800"];
		for (const content of contents) {
			const response = await post("/chat/completions", { model: "echo", messages: [{ role: "user", content }] });
			expect(response.status).toBe(200);
		}
	});

	test("a tool schema that nests for ever gives finite arguments", async () => {
		let parameters: object = { type: "string" };
		for (let depth = 0; depth < 100; depth += 1) {
			parameters = { type: "object", properties: { a: parameters }, required: ["a", "__proto__", 5] };
		}
		const tools = [{ type: "function", function: { name: "deep", parameters } }];
		const answer = (await (await chat("tool", { tools })).json()) as {
			choices: [{ message: { tool_calls: [{ function: { arguments: string } }] } }];
		};
		expect(answer.choices[0].message.tool_calls[0].function.arguments).toBe(`${'{"a":'.repeat(8)}{}${"}".repeat(8)}`);
	});
});

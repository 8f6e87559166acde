import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { closeDelimitedStream, type FailoverRig, startFailoverRig } from "../support/failover-rig.ts";
import type { Answer } from "../support/gateway-client.ts";
import { chatAnswer, chatFor, chatReply, chatStream, ROLE_CHUNK } from "../support/openai-answers.ts";
import {
	breakAfter,
	breakAfterText,
	errorJson,
	fault,
	json,
	rawReply,
	respond,
	SSE_HEADERS,
	sse,
	wireBytes,
} from "../support/replies.ts";
import { parseSse } from "../support/sse-events.ts";
import type { Reply } from "../support/upstream.ts";

/*
 * RELIABILITY §3.1 before the first token: deployment `bad` fails in every way there is, `good` answers, and the client
 * sees an answer.
 */
let rig: FailoverRig;

beforeAll(async () => {
	rig = await startFailoverRig();
});

afterEach(() => {
	rig.forget();
});

afterAll(async () => {
	await rig?.[Symbol.asyncDispose]();
});

function expectServedByGood(answer: Answer, stream: boolean): void {
	expect({ status: answer.status, text: answer.text }).toMatchObject({ status: 200 });
	expect(answer.headers.get("x-gateway-retries")).toBe("1");
	expect(answer.headers.get("x-gateway-decision")).toBe("openai/good");
	if (stream) {
		expect(parseSse(answer.text).data.at(-1)).toBe("[DONE]");
	} else {
		expect(answer.json()).toEqual(chatAnswer());
	}
	expect(rig.good.requests.length).toBe(1);
}

interface Fault {
	readonly id: string;
	readonly what: string;
	readonly reply: () => Reply;
	/** For which requests the reply is a fault. Default: both. */
	readonly only?: "stream" | "whole";
}

const cutStream = (marker: string, how: "fin" | "reset") => () => breakAfterText(chatStream(["Hello"]), marker, how);
const cutWhole = (marker: string, how: "fin" | "reset") => () => breakAfterText(chatReply(), marker, how);

const faults: readonly Fault[] = [
	{ id: "U5", what: "accepts and is silent", reply: fault.silent },
	{ id: "U5", what: "a head and then silence", reply: fault.headThenSilence, only: "stream" },
	{ id: "U6", what: "garbage instead of HTTP", reply: fault.garbage },
	{ id: "U7", what: "closes before the head", reply: fault.closed },
	{ id: "U7", what: "resets before the head", reply: fault.reset },
	{ id: "U7", what: "resets inside the head", reply: fault.resetInHead },
	{ id: "U9", what: "200 and a close", reply: fault.headThenClosed },
	{ id: "U9", what: "reset before the first token", reply: cutStream('"role":"assistant"', "reset"), only: "stream" },
	{ id: "U9", what: "close before the first token", reply: cutStream('"role":"assistant"', "fin"), only: "stream" },
	{
		id: "U11",
		what: "close-delimited, ends after the role",
		reply: () => closeDelimitedStream(`data: ${JSON.stringify(ROLE_CHUNK)}\n\n`),
		only: "stream",
	},
	{ id: "U14", what: "a chunk size that is no number", reply: fault.badChunkSize },
	{ id: "U15", what: "cut JSON, reset", reply: cutWhole('"choices"', "reset"), only: "whole" },
	{ id: "U15", what: "cut JSON, close", reply: cutWhole('"choices"', "fin"), only: "whole" },
	{
		id: "U15",
		what: "half of the JSON with a matching length",
		reply: () => respond({ body: '{"id":"chatcmpl-1","choi' }),
		only: "whole",
	},
	{ id: "U15", what: "an empty body", reply: () => respond({ body: "" }), only: "whole" },
	{ id: "U22", what: "only [DONE]", reply: () => sse([]), only: "stream" },
	{ id: "U22", what: "only the role and [DONE]", reply: () => sse([ROLE_CHUNK]), only: "stream" },
	{
		id: "U23",
		what: "200 with an error object",
		reply: () => json(200, { error: { message: "no", type: "server_error" } }),
	},
	{ id: "U23", what: "200 with nothing but a detail", reply: () => json(200, { detail: "Internal Server Error" }) },
	{ id: "U23", what: "200 with a web page", reply: () => fault.html() },
	{
		id: "U24",
		what: "an error event first",
		reply: () => sse([{ error: { message: "overloaded", type: "overloaded_error" } }], { done: false }),
		only: "stream",
	},
	{
		id: "U24",
		what: "role, then an error event",
		reply: () => sse([ROLE_CHUNK, { error: { message: "boom", type: "server_error" } }], { done: false }),
		only: "stream",
	},
	{
		id: "U24",
		what: "an error event first that is no JSON",
		reply: () => respond({ headers: SSE_HEADERS, body: "event: error\ndata: upstream died\n\ndata: [DONE]\n\n" }),
		only: "stream",
	},
	...["2", "0.5", "-1", "99999999", "nonsense", "Wed, 21 Oct 2015 07:28:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT"].map(
		(value) => ({
			id: "U26",
			what: `429 with Retry-After ${value}`,
			reply: () => errorJson(429, { type: "rate_limit_error" }, { "retry-after": value }),
		}),
	),
	{ id: "U26", what: "429 with retry-after-ms", reply: () => errorJson(429, {}, { "retry-after-ms": "40" }) },
	{
		id: "U26",
		what: "429 without a word",
		reply: () => respond({ status: 429, body: "", headers: { "content-type": "text/plain" } }),
	},
	{
		id: "U27",
		what: "429 insufficient_quota",
		reply: () => errorJson(429, { type: "insufficient_quota", code: "insufficient_quota" }),
	},
	{ id: "U27", what: "402", reply: () => errorJson(402, { message: "Insufficient Balance" }) },
	...[401, 403].map((status) => ({
		id: "U28",
		what: `${status}`,
		reply: () => errorJson(status, { code: "invalid_api_key" }),
	})),
	...[408, 500, 502, 503, 504, 520, 529].map((status) => ({
		id: "U32",
		what: `${status}`,
		reply: () => errorJson(status, {}),
	})),
	{ id: "U32", what: "503 with a web page", reply: () => fault.html(503) },
	{
		id: "U35",
		what: "gzip that is no gzip",
		reply: () => respond({ body: "not gzip at all", headers: { "content-encoding": "gzip" } }),
		only: "whole",
	},
	...[301, 302, 303, 307, 308].map((status) => ({
		id: "U36",
		what: `${status}`,
		reply: () => fault.redirect(`${rig.canary.url}/v1/chat/completions`, status),
	})),
];

const table = faults.flatMap((entry) =>
	[false, true]
		.filter((stream) => entry.only === undefined || entry.only === (stream ? "stream" : "whole"))
		.map((stream) => ({ ...entry, stream, kind: stream ? "stream" : "whole" })),
);

describe("before the first token the next deployment takes over, unseen", () => {
	test.each(table)("$id $what ($kind)", async ({ reply, stream }) => {
		rig.bad.script(reply);
		const answer = await rig.ask(rig.fresh("pair"), stream);
		expect(rig.bad.requests.length).toBe(1);
		expectServedByGood(answer, stream);
		expect(rig.canary.connections()).toBe(0);
	});

	test.each(["refused", "no-such-host", "tls"])("U1–U3 %s", async (alias) => {
		expectServedByGood(await rig.ask(alias, false), false);
	});

	test("U9: cut at every byte before the first token, by FIN and by RST", async () => {
		const reply = chatStream(["Hello"]);
		const firstToken = wireBytes(reply).indexOf('"content":"Hello"');
		const seen: string[] = [];
		for (let cut = 0; cut <= firstToken; cut += 7) {
			for (const how of ["fin", "reset"] as const) {
				rig.bad.script(() => breakAfter(reply, cut, how));
				const answer = await rig.ask(rig.fresh("pair"), true);
				seen.push(`${cut} ${how} ${answer.status} ${parseSse(answer.text).data.at(-1)}`);
			}
		}
		expect(seen.filter((line) => !line.endsWith(" 200 [DONE]"))).toEqual([]);
	});

	test("U38: interim answers are no answer", async () => {
		rig.bad.script(() => rawReply("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", wireBytes(chatReply())));
		const answer = await rig.ask(rig.fresh("only"), false);
		expect(answer.json()).toEqual(chatAnswer());
	});

	test("U35: a compressed answer, sent although none was asked for, is read", async () => {
		const body = Bun.gzipSync(Buffer.from(JSON.stringify(chatAnswer())));
		rig.bad.script(() => respond({ body, headers: { "content-encoding": "gzip" } }));
		const answer = await rig.ask(rig.fresh("only"), false);
		expect(answer.json()).toEqual(chatAnswer());
		expect(answer.headers.get("content-encoding")).toBeNull();
		expect(rig.bad.requests[0]?.header("accept-encoding")).toBe("identity");
	});

	test("U37: a head of 60 KB is no reason to fail", async () => {
		rig.bad.script(() => json(200, chatAnswer(), { headers: { "x-huge": "h".repeat(60_000), "set-cookie": "a=b" } }));
		const answer = await rig.ask(rig.fresh("only"), false);
		expect(answer.status).toBe(200);
		expect(answer.headers.get("x-huge")).toBeNull();
		expect(answer.headers.get("set-cookie")).toBeNull();
	});
});

describe("all have failed: the client is told whose fault it is", () => {
	const outcomes: { id: string; what: string; reply: () => Reply; status: number; error: Record<string, unknown> }[] = [
		{
			id: "U28",
			what: "401 of the provider",
			reply: () => errorJson(401, { message: "Incorrect API key sk-prov" }),
			status: 502,
			error: { type: "upstream_error", kind: "provider_auth" },
		},
		{
			id: "U28",
			what: "403 of the provider",
			reply: () => errorJson(403, {}),
			status: 502,
			error: { type: "upstream_error", kind: "provider_auth" },
		},
		{ id: "U7", what: "resets", reply: fault.reset, status: 502, error: { type: "upstream_error" } },
		{
			id: "U15",
			what: "not JSON",
			reply: () => respond({ body: '{"id":' }),
			status: 502,
			error: { type: "upstream_error", code: "upstream_invalid_response" },
		},
		{ id: "U5", what: "silence", reply: fault.silent, status: 504, error: { type: "upstream_timeout" } },
		{
			id: "U36",
			what: "redirects",
			reply: () => fault.redirect("http://127.0.0.1:1/"),
			status: 502,
			error: { type: "upstream_error" },
		},
		{
			id: "U32",
			what: "500",
			reply: () => errorJson(500, { message: "stack trace of the provider" }),
			status: 502,
			error: { type: "upstream_error" },
		},
	];
	test.each(outcomes)("$id $what", async ({ reply, status, error }) => {
		rig.bad.script(reply);
		const answer = await rig.ask(rig.fresh("only"), false);
		expect({ status: answer.status, error: answer.error() }).toMatchObject({ status, error });
		expect(answer.headers.get("x-should-retry")).toBe("false");
		expect(answer.text).not.toMatch(/Incorrect API key|stack trace/);
		expect(rig.bad.requests.length).toBeGreaterThanOrEqual(1);
		expect(rig.bad.requests.length).toBeLessThanOrEqual(3);
	});

	test("U26: all limited is 429 of kind upstream with the earliest Retry-After", async () => {
		rig.bad.script(() => errorJson(429, {}, { "retry-after": "20" }));
		rig.good.script(() => errorJson(429, {}, { "retry-after": "7" }));
		const answer = await rig.ask(rig.fresh("pair"), false);
		rig.good.script((request) => chatFor(request));
		expect({ status: answer.status, error: answer.error() }).toMatchObject({
			status: 429,
			error: { type: "rate_limit_exceeded", kind: "upstream" },
		});
		const seconds = answer.error()?.retry_after_seconds ?? 0;
		expect([6, 7]).toContain(seconds);
		expect(answer.headers.get("retry-after")).toBe(String(seconds));
		expect(answer.headers.get("x-gateway-limit-kind")).toBe("upstream");
	});

	test("a server that fails and names a Retry-After is not asked before, and has failed all the same", async () => {
		rig.bad.script(() => errorJson(503, {}, { "retry-after": "30" }));
		const alias = rig.fresh("only");
		const statuses = [];
		for (let turn = 0; turn < 5; turn += 1) {
			statuses.push((await rig.ask(alias, false)).status);
		}
		expect([statuses, rig.bad.requests.length]).toEqual([[502, 502, 502, 502, 502], 5]);
		const { data } = (await rig.gateway.admin("GET", "/deployments")).json<{
			data: { model_alias: string; breaker: string }[];
		}>();
		expect(data.find(({ model_alias }) => model_alias === alias)?.breaker).toBe("open");
	});

	test("retries counts the attempts beyond the first: 2 makes 3", async () => {
		rig.bad.script(() => errorJson(500, {}));
		await rig.ask(rig.fresh("only"), false);
		expect(rig.bad.requests.length).toBe(3);
	});
});

describe("a failed attempt costs the process nothing", () => {
	test("300 retried answers with unread bodies do not use up the process's 256 requests in flight", async () => {
		const big = "x".repeat(200_000);
		rig.bad.script(() => respond({ status: 500, body: big, framing: "chunked", cuts: [100, 100_000] }));
		for (let round = 0; round < 300; round += 20) {
			const answers = await Promise.all(
				Array.from({ length: 20 }, (_, index) => rig.ask(rig.fresh("pair"), index % 2 === 0)),
			);
			expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
		}
	});
});

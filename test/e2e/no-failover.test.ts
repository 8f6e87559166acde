import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { closeDelimitedStream, type FailoverRig, startFailoverRig } from "../support/failover-rig.ts";
import { PROVIDER_KEY } from "../support/gateway-config.ts";
import { chatAnswer, chatChunk, chatEvents, chatReply, usageChunk } from "../support/openai-answers.ts";
import {
	breakAfter,
	breakAfterText,
	bytesStep,
	errorJson,
	fault,
	holdAfter,
	json,
	respond,
	SSE_HEADERS,
	sse,
	wireBytes,
} from "../support/replies.ts";
import { parseSse } from "../support/sse-events.ts";
import type { Reply } from "../support/upstream.ts";
import { gate, until } from "../support/wait.ts";

/* RELIABILITY §3.1 where no other deployment may be tried: the request's own fault, and anything after the first token. */
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

describe("a request that is itself at fault passes through, once", () => {
	const passing: [number, Record<string, unknown>][] = [
		[400, { message: "Invalid value: 'temperature'", type: "invalid_request_error", param: "temperature" }],
		[
			400,
			{
				message: "context too long",
				type: "invalid_request_error",
				code: "context_length_exceeded",
				param: "messages",
			},
		],
		[400, { message: "filtered", type: "invalid_request_error", code: "content_filter" }],
		[404, { message: "The model `bad` does not exist", type: "invalid_request_error", code: "model_not_found" }],
		[413, { message: "too large", type: "invalid_request_error" }],
		[422, { message: "unprocessable", type: "invalid_request_error" }],
	];
	test("a refusal that is no JSON keeps its status and says in JSON that there was one", async () => {
		rig.bad.script(() => fault.html(422));
		const answer = await rig.ask(rig.fresh("pair"), false);
		expect([answer.status, answer.error()?.message, answer.headers.get("content-type")]).toEqual([
			422,
			"The provider refused the request with status 422.",
			"application/json",
		]);
	});

	test.each(passing.flatMap(([status, error]) => [false, true].map((stream) => ({ status, error, stream }))))(
		"U29–U31: $status $error.code, stream: $stream",
		async ({ status, error, stream }) => {
			rig.bad.script(() => errorJson(status, error));
			const answer = await rig.ask(rig.fresh("pair"), stream);
			expect({ status: answer.status, message: answer.error()?.message }).toEqual({
				status,
				message: String(error.message),
			});
			expect(answer.error()).toMatchObject({
				type: "invalid_request_error",
				...(error.code ? { code: error.code } : {}),
			});
			expect(answer.headers.get("x-request-id")).toStartWith("req_");
			expect([rig.bad.requests.length, rig.good.requests.length]).toEqual([1, 0]);
		},
	);

	test("U31: a 403 to a prompt that the provider's moderation flags says nothing of the gateway's account", async () => {
		const flagged = {
			error: { code: 403, message: "flagged", metadata: { reasons: ["violence"], flagged_input: "…" } },
		};
		rig.bad.script(() => json(403, flagged));
		const alias = rig.fresh("pair");
		for (let turn = 0; turn < 6; turn += 1) {
			const answer = await rig.ask(alias, false);
			expect([answer.status, answer.error()?.message]).toEqual([403, "flagged"]);
		}
		expect([rig.bad.requests.length, rig.good.requests.length]).toEqual([6, 0]);
	});

	test("U30: also where a stream says so in its first event: no retry, and no mark against the deployment", async () => {
		const alias = rig.fresh("pair");
		const error = { message: "Invalid value: 'temperature'", type: "invalid_request_error", code: 400 };
		rig.bad.script(() => sse([{ error }]));
		for (let turn = 0; turn < 6; turn += 1) {
			const answer = await rig.ask(alias, true);
			expect([answer.status, answer.error()?.type, answer.error()?.message]).toEqual([
				400,
				"invalid_request_error",
				error.message,
			]);
		}
		expect([rig.bad.requests.length, rig.good.requests.length]).toEqual([6, 0]);
	});
});

describe("after the first token nothing is tried again", () => {
	const events = chatEvents(["Hello", " there"]);
	const text = `data: ${events
		.slice(0, 2)
		.map((event) => JSON.stringify(event))
		.join("\n\ndata: ")}\n\n`;
	const broken: { id: string; what: string; reply: () => Reply }[] = [
		{ id: "U10", what: "reset", reply: () => breakAfterText(sse(events), '"content":" there"}', "reset") },
		{
			id: "U10",
			what: "close inside an event",
			reply: () => breakAfterText(sse(events), '"content":" there"}', "fin"),
		},
		{
			id: "U10",
			what: "close between two events",
			reply: () => breakAfter(sse(events), wireBytes(sse(events.slice(0, 2), { done: false })).length - 5, "fin"),
		},
		{ id: "U11", what: "a clean end without finish_reason and [DONE]", reply: () => closeDelimitedStream(text) },
		{
			id: "U11",
			what: "a whole chunked answer without the end of the protocol",
			reply: () => sse(events.slice(0, 2), { done: false }),
		},
		{
			id: "U25",
			what: "an error event",
			reply: () =>
				sse(
					[
						...events.slice(0, 2),
						{ error: { message: "the engine is overloaded", type: "server_error", code: "overloaded" } },
					],
					{ done: false },
				),
		},
		...[
			"event: error\ndata: upstream died",
			'data: [{"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}]',
			'data: {"object": "error", "message": "engine dead", "code": 500}',
			'event: error\ndata: {"detail": "Internal Server Error"}',
			// The key of the rig's providers.
			`data: {"error": {"message": "Bad gateway for ${PROVIDER_KEY}"}}`,
		].map((event) => ({
			id: "U25",
			what: event.replaceAll("\n", " "),
			reply: () => respond({ headers: SSE_HEADERS, body: `${text}${event}\n\ndata: [DONE]\n\n` }),
		})),
		{
			id: "U16",
			what: "four malformed events",
			reply: () => sse([...events.slice(0, 2), "{", "{", "{", "{", ...events.slice(2)]),
		},
		{
			id: "U14",
			what: "a bad chunk size",
			reply: () => ({
				steps: [
					bytesStep(wireBytes(sse(events.slice(0, 2), { done: false })).subarray(0, -"0\r\n\r\n".length)),
					bytesStep("zz\r\n"),
					{ kind: "fin" as const },
				],
			}),
		},
	];
	test.each(broken)("$id $what: an error event, no [DONE]", async ({ reply }) => {
		const seen = gate();
		// Broken only once the client has its first token: before that, another deployment may take over.
		rig.bad.script(() => holdAfter(reply(), `${JSON.stringify(events[1])}\n\n`, seen.opened));
		await using client = await rig.openStream(rig.fresh("pair"));
		await client.bodyUntil("the first token", (text) => text.includes('"content":"Hello"'));
		seen.open();
		await until("the end", () => client.completeCount() === 1 || client.state().closed);
		const { data } = parseSse(client.response()?.text() ?? "");
		expect(data[1]).toBe(JSON.stringify(events[1]));
		expect(data).not.toContain("[DONE]");
		const last = JSON.parse(data.at(-1) ?? "{}");
		expect(last.error).toMatchObject({ type: expect.any(String), message: expect.any(String) });
		expect(data.join()).not.toContain(PROVIDER_KEY);
		expect([rig.bad.requests.length, rig.good.requests.length]).toEqual([1, 0]);
	});

	test("U16: up to three malformed events are passed over", async () => {
		rig.bad.script(() => sse([...events.slice(0, 2), "{", "not json", ...events.slice(2)]));
		const answer = await rig.ask(rig.fresh("pair"), true);
		expect(parseSse(answer.text).data.at(-1)).toBe("[DONE]");
	});

	test("U21: what comes after the end is not the client's", async () => {
		rig.bad.script(() => sse([...events, "[DONE]", chatChunk({ content: "ghost" })]));
		const answer = await rig.ask(rig.fresh("pair"), true);
		expect(parseSse(answer.text).data.filter((data) => data.includes("ghost"))).toEqual([]);
		expect(parseSse(answer.text).data.at(-1)).toBe("[DONE]");
	});

	test.each([
		["missing", {}],
		["null", { usage: null }],
		["negative", { usage: { prompt_tokens: -5, completion_tokens: -1, total_tokens: -6 } }],
		["text", { usage: { prompt_tokens: "many", completion_tokens: "few" } }],
	])("U34: usage %s costs the estimate, not nothing and not less", async (_name, patch) => {
		const { usage, ...rest } = chatAnswer();
		void usage;
		rig.bad.script(() => json(200, { ...rest, ...patch }));
		const answer = await rig.ask(rig.fresh("only"), false);
		expect(answer.json()).toEqual({ ...rest, ...patch });
		expect(Number(answer.headers.get("x-gateway-cost-usd"))).toBeGreaterThan(0);
	});

	test("U34: a usage of zero is a number and costs zero", async () => {
		rig.bad.script(() => chatReply({ usage: { prompt: 0, completion: 0 } }));
		expect((await rig.ask(rig.fresh("only"), false)).headers.get("x-gateway-cost-usd")).toBe("0.000000");
	});

	test("U21: of several usage reports the last counts, not the sum", async () => {
		rig.bad.script(() =>
			sse([...chatEvents(["x"], { usage: null }), usageChunk({ prompt: 1, completion: 1 }), usageChunk()]),
		);
		const answer = await rig.ask(rig.fresh("only"), true);
		expect(answer.text).toContain('"cost_usd":"0.000099"');
	});
});

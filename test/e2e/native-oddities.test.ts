import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { APIError } from "openai";
import type { ChatCompletionCreateParamsNonStreaming } from "openai/resources/chat/completions";
import { expectFaithful, expectValid } from "../support/faithful.ts";
import { NATIVE_ANSWERS, nativeReply, nativeStream } from "../support/native/answers.ts";
import type { Saying } from "../support/native/saying.ts";
import type { NativeWire } from "../support/native-deployment.ts";
import { asksForStream, GOOD, halvedStream, type NativeRig, startNativeRig } from "../support/native-rig.ts";
import { wholeAnthropic } from "../support/oracle/anthropic.ts";
import { awsFrame, bedrockEvent, bedrockException } from "../support/oracle/aws-frames.ts";
import { wholeGemini } from "../support/oracle/gemini.ts";
import { json } from "../support/replies.ts";
import { type ClientAnswer, readChunks, readCompletion } from "../support/sdk-client.ts";
import { parseSse } from "../support/sse-events.ts";
import { gate, until } from "../support/wait.ts";

/* Ways of one provider to end an answer, or to fail, that no recording shows. */
let rig: NativeRig;

beforeAll(async () => {
	rig = await startNativeRig();
});

afterAll(async () => {
	await rig?.[Symbol.asyncDispose]();
});

/** The same answer, asked for whole and as a stream. */
async function askBoth(wire: NativeWire, kind: "pair" | "only"): Promise<ClientAnswer[]> {
	const params = (): ChatCompletionCreateParamsNonStreaming => ({
		model: rig.fresh(wire, kind),
		messages: [{ role: "user", content: "Hello" }],
	});
	const completion = await rig.client.openai.chat.completions.create(params());
	expectValid("CreateChatCompletionResponse", [completion]);
	const usage = { stream_options: { include_usage: true } };
	const stream = await rig.client.openai.chat.completions.create({ ...params(), ...usage, stream: true });
	const chunks = await Array.fromAsync(stream);
	expectValid("CreateChatCompletionStreamResponse", chunks);
	expect(parseSse((await rig.client.wire()).text).data.at(-1)).toBe("[DONE]");
	return [readCompletion(completion), readChunks(chunks)];
}

function sseOf(...events: readonly unknown[]): Buffer[] {
	return events.map((event) => Buffer.from(`data: ${JSON.stringify(event)}\n\n`));
}

describe("Gemini", () => {
	const usageMetadata = { promptTokenCount: 9, totalTokenCount: 9 };
	const said = { role: "model", parts: [{ text: "Once upon" }] };
	const endings: readonly { readonly what: string; readonly answer: unknown }[] = [
		{ what: "a blocked prompt", answer: { promptFeedback: { blockReason: "PROHIBITED_CONTENT" }, usageMetadata } },
		{
			what: "an answer that stops for safety after a few words",
			answer: { candidates: [{ content: said, finishReason: "SAFETY", index: 0 }], usageMetadata },
		},
		{
			what: "an answer that stops for safety before the first",
			answer: { candidates: [{ finishReason: "SAFETY", index: 0, safetyRatings: [] }], usageMetadata },
		},
		{
			what: "a recitation",
			answer: { candidates: [{ content: { role: "model" }, finishReason: "RECITATION" }], usageMetadata },
		},
		{
			what: "an answer that is cut for length in the middle of its thinking",
			answer: { candidates: [{ content: { parts: [], role: "model" }, finishReason: "MAX_TOKENS" }], usageMetadata },
		},
	];
	test.each(endings.flatMap((ending) => (["gemini", "vertex"] as const).map((wire) => ({ wire, ...ending }))))(
		"$wire: $what",
		async ({ wire, answer }) => {
			rig.bad.script((request) => (asksForStream(request) ? nativeStream(wire, sseOf(answer)) : json(200, answer)));
			for (const got of await askBoth(wire, "pair")) {
				expectFaithful(got, wholeGemini(JSON.stringify(answer)));
			}
			expect(rig.good.requests.length).toBe(0);
		},
	);

	const botched = {
		candidates: [
			{ content: {}, finishReason: "MALFORMED_FUNCTION_CALL", finishMessage: "Malformed function call: print(" },
		],
		usageMetadata,
	};

	test.each(["gemini", "vertex"] as const)(
		"%s: a function call that the model botched is made good by another deployment",
		async (wire) => {
			rig.bad.script((request) => (asksForStream(request) ? nativeStream(wire, sseOf(botched)) : json(200, botched)));
			for (const got of await askBoth(wire, "pair")) {
				expect(got.text).toBe(GOOD.text ?? "");
				expect(got.finishReasons).toEqual(["stop"]);
			}
			expect([rig.bad.requests.length, rig.good.requests.length]).toEqual([1, 1]);
		},
	);

	test.each([false, true])(
		"a function call that the model botched, and nobody else to ask (streamed: %p)",
		async (stream) => {
			rig.bad.script(() => (stream ? nativeStream("gemini", sseOf(botched)) : json(200, botched)));
			const params = { model: rig.fresh("gemini", "only"), messages: [{ role: "user" as const, content: "Hello" }] };
			const raised = await rig.client.openai.chat.completions
				.create({ ...params, stream })
				.catch((error: unknown) => error);
			expect(raised).toBeInstanceOf(APIError);
			expect(raised).toMatchObject({ status: 502, type: "upstream_error" });
		},
	);

	test("a function call that the model botched after some words breaks the stream off", async () => {
		const words = { candidates: [{ content: said, index: 0 }] };
		rig.bad.script(() => nativeStream("gemini", sseOf(words, botched)));
		const chunks = await rig.client.openai.chat.completions.create({
			model: rig.fresh("gemini", "pair"),
			messages: [{ role: "user", content: "Hello" }],
			stream: true,
		});
		const raised = await Array.fromAsync(chunks).catch((error: unknown) => error);
		expect(raised).toBeInstanceOf(APIError);
		expect(String(raised)).toContain("Malformed function call: print(");
		const { text } = await rig.client.wire();
		expect(text).toContain("Once upon");
		expect(text).not.toContain("[DONE]");
		expect(rig.good.requests.length).toBe(0);
	});

	test("a call whose arguments never end is not shown as complete", async () => {
		const call = (functionCall: unknown) => ({
			candidates: [{ content: { role: "model", parts: [{ functionCall }] } }],
		});
		const events = sseOf(
			call({ name: "weather", willContinue: true }),
			call({ partialArgs: [{ jsonPath: "$.city", stringValue: "Ro", willContinue: true }], willContinue: true }),
		);
		rig.bad.script(() => nativeStream("gemini", events));
		const stream = rig.client.openai.chat.completions.create({
			model: rig.fresh("gemini", "only"),
			messages: [{ role: "user", content: "Hello" }],
			stream: true,
		});
		const raised = await stream.then((chunks) => Array.fromAsync(chunks)).catch((error: unknown) => error);
		expect(raised).toBeInstanceOf(Error);
		expect((await rig.client.wire()).text).not.toContain("[DONE]");
	});
});

describe("Anthropic", () => {
	test.each(["anthropic", "vertex-anthropic"] as const)(
		"%s: a turn that pauses is an answer like any other",
		async (wire) => {
			const saying: Saying = { text: "Searching on." };
			const answers = NATIVE_ANSWERS[wire];
			const paused = (text: string) => text.replace('"stop_reason":"end_turn"', '"stop_reason":"pause_turn"');
			const whole = paused(JSON.stringify(answers.whole(saying)));
			rig.bad.script((request) =>
				asksForStream(request)
					? nativeStream(
							wire,
							answers.events(saying).map((event) => Buffer.from(paused(event.toString()))),
						)
					: json(200, JSON.parse(whole)),
			);
			for (const got of await askBoth(wire, "pair")) {
				expectFaithful(got, { ...wholeAnthropic(whole), finishReason: "stop" });
			}
		},
	);

	test("thinking that only Anthropic can read reaches the client sealed, and nowhere as text", async () => {
		const data = "EmwKAhgBEgy3va3pzix/LafPsn4aDFIT2Xlxh0L5L8rLVyIwxtE3rAFBa8cr3qpP";
		const message = {
			...(NATIVE_ANSWERS.anthropic.whole({ text: "Four." }) as object),
			content: [
				{ type: "redacted_thinking", data },
				{ type: "text", text: "Four." },
			],
		};
		rig.bad.script(() => json(200, message));
		const completion = await rig.client.openai.chat.completions.create({
			model: rig.fresh("anthropic", "pair"),
			messages: [{ role: "user", content: "Two and two?" }],
		});
		const got = readCompletion(completion);
		expectFaithful(got, wholeAnthropic(JSON.stringify(message)));
		expect(got.details).toMatchObject([{ type: "reasoning.encrypted", data, format: "anthropic-claude-v1" }]);
		expect(got.reasoning).toBe("");
	});
});

const HELLO: Saying = { text: "Hello there." };

/** A Bedrock stream that goes wrong once its client has the first word. */
async function goesWrong(
	rest: Buffer,
): Promise<{ readonly data: readonly string[]; readonly last: Record<string, unknown> }> {
	const events = NATIVE_ANSWERS.bedrock.events(HELLO);
	const first = Buffer.concat(events.slice(0, events.findIndex((event) => event.includes("Hello")) + 1));
	const seen = gate();
	rig.bad.script(() => halvedStream("bedrock", { first, rest, opened: seen.opened }, "clean"));
	await using client = await rig.openStream(rig.fresh("bedrock", "pair"));
	await client.bodyUntil("the first word", (text) => text.includes('"content":"Hello'));
	seen.open();
	await until("the end", () => client.completeCount() === 1 || client.state().closed);
	const { data } = parseSse(client.response()?.text() ?? "");
	return { data, last: JSON.parse(data.at(-1) ?? "{}") };
}

/** One bit of the payload is not what the checksum says. */
function corrupt(frame: Buffer): Buffer {
	const copy = Buffer.from(frame);
	const at = copy.indexOf("there");
	copy[at] = (copy[at] ?? 0) ^ 1;
	return copy;
}

describe("Bedrock", () => {
	const there = bedrockEvent("contentBlockDelta", { contentBlockIndex: 0, delta: { text: "there." } });
	const end = Buffer.concat([
		bedrockEvent("contentBlockStop", { contentBlockIndex: 0 }),
		bedrockEvent("messageStop", { stopReason: "end_turn" }),
	]);
	const wrong: readonly { readonly what: string; readonly rest: Buffer }[] = [
		{ what: "a frame whose checksum is wrong", rest: Buffer.concat([corrupt(there), end]) },
		{ what: "a frame longer than any", rest: Buffer.concat([Buffer.from([0x7f, 0xff, 0xff, 0xff]), there, end]) },
		{ what: "no frame at all", rest: Buffer.from("<html>Service Unavailable</html>".repeat(4)) },
		{ what: "an exception", rest: bedrockException("internalServerException", "Something broke.") },
		{ what: "a throttling exception", rest: bedrockException("throttlingException", "Too many tokens.") },
		{
			what: "an error that is no exception",
			rest: awsFrame(
				{ ":message-type": "error", ":error-code": "InternalFailure", ":error-message": "Something broke." },
				"",
			),
		},
	];
	test.each([...wrong])("after the first word, $what: an error event and no end", async ({ rest }) => {
		const { data, last } = await goesWrong(rest);
		expect(data).not.toContain("[DONE]");
		expect(data.filter((line) => /"finish_reason":"/.test(line))).toEqual([]);
		expect(last.error).toMatchObject({ type: expect.any(String), message: expect.any(String) });
	});

	test.each([...wrong])("before the first word, $what: another deployment answers", async ({ rest }) => {
		rig.bad.script(() => nativeStream("bedrock", [bedrockEvent("messageStart", { role: "assistant" }), rest]));
		const stream = await rig.client.openai.chat.completions.create({
			model: rig.fresh("bedrock", "pair"),
			messages: [{ role: "user", content: "Hello" }],
			stream: true,
		});
		expect(readChunks(await Array.fromAsync(stream)).text).toBe(GOOD.text ?? "");
	});

	test("throttled before the first word, and nobody else to ask: a status of its own", async () => {
		rig.bad.script(() => nativeStream("bedrock", [bedrockException("throttlingException", "Too many tokens.")]));
		const raised = await rig.client.openai.chat.completions
			.create({ model: rig.fresh("bedrock", "only"), messages: [{ role: "user", content: "Hello" }], stream: true })
			.catch((error: unknown) => error);
		expect(raised).toBeInstanceOf(APIError);
		expect(raised).toMatchObject({ status: 429 });
	});
});

describe("Cohere", () => {
	test("an answer that says it failed is a failure", async () => {
		const failed = { ...(NATIVE_ANSWERS.cohere.whole({ text: "Hal" }) as object), finish_reason: "ERROR" };
		rig.bad.script(() => json(200, failed));
		const completion = await rig.client.openai.chat.completions.create({
			model: rig.fresh("cohere", "pair"),
			messages: [{ role: "user", content: "Hello" }],
		});
		expect(completion.choices[0]?.message.content).toBe(GOOD.text ?? "");
		expect((await rig.client.wire()).headers.get("x-gateway-retries")).toBe("1");
	});

	test("a stream without the event's names is read by its data", async () => {
		const bare = NATIVE_ANSWERS.cohere
			.events(HELLO)
			.map((event) => Buffer.from(event.toString().replace(/^event:.*\n/gm, "")));
		rig.bad.script((request) =>
			asksForStream(request) ? nativeStream("cohere", bare) : nativeReply("cohere", HELLO, false),
		);
		const [whole, stream] = await askBoth("cohere", "pair");
		expect(stream?.text).toBe(whole?.text ?? "");
		expect(stream?.finishReasons).toEqual(["stop"]);
	});
});

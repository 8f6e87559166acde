import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { APIError } from "openai";
import type { ChatCompletionChunk } from "openai/resources/chat/completions";
import { nanoOf } from "../support/cost-formula.ts";
import { expectFaithful, expectValid } from "../support/faithful.ts";
import { NATIVE_ANSWERS, nativeError, nativeReply, nativeStream } from "../support/native/answers.ts";
import type { Saying } from "../support/native/saying.ts";
import { NATIVE_WIRES, type NativeWire, providerOf } from "../support/native-deployment.ts";
import { type Cut, GOOD, halvedStream, type NativeRig, startNativeRig, wireOf } from "../support/native-rig.ts";
import type { OracleAnswer } from "../support/oracle/types.ts";
import { readChunks } from "../support/sdk-client.ts";
import { parseSse } from "../support/sse-events.ts";
import { gate, until, within } from "../support/wait.ts";

/* Streams that no recording has: broken, interrupted, abandoned, oddly cut. In the words of each provider. */
let rig: NativeRig;

beforeAll(async () => {
	rig = await startNativeRig();
});

afterAll(async () => {
	await rig?.[Symbol.asyncDispose]();
});

const SAID: Saying = {
	text: "Hello there.",
	toolCalls: [{ id: "call_abc-1", name: "weather", arguments: { city: "Rome", days: 2 } }],
};

/** The same in OpenAI's words. */
function meaning(saying: Saying): OracleAnswer {
	const { input, output } = saying.tokens ?? { input: 60, output: 150 };
	return {
		text: saying.text ?? "",
		toolCalls: (saying.toolCalls ?? []).map(({ name, arguments: args }) => ({ id: undefined, name, arguments: args })),
		finishReason: saying.toolCalls?.length ? "tool_calls" : "stop",
		usage: {
			prompt: [input],
			completion: output,
			cached: undefined,
			cacheWrite: undefined,
			reasoning: undefined,
			searches: undefined,
		},
		reasoning: saying.thinking?.text ?? "",
		seals: [],
		id: undefined,
	};
}

/** These count the prompt in their first event, and its count is what is paid when nothing more comes. */
const TELLS_PROMPT_FIRST: ReadonlySet<NativeWire> = new Set(["anthropic", "vertex-anthropic", "gemini", "vertex"]);

const wires = NATIVE_WIRES.map((wire) => ({ wire }));

async function stream(alias: string): Promise<ChatCompletionChunk[]> {
	const events = await rig.client.openai.chat.completions.create({
		model: alias,
		messages: [{ role: "user", content: "Hello" }],
		stream: true,
		stream_options: { include_usage: true },
	});
	return Array.fromAsync(events);
}

/** The events up to and with the first word, and those after it, as far as the stream is not over. */
function eventsOf(wire: NativeWire): { readonly before: Buffer; readonly word: Buffer; readonly after: Buffer[] } {
	const { events, endings } = NATIVE_ANSWERS[wire];
	const all = events(SAID);
	const first = all.findIndex((event) => event.includes("Hello"));
	return {
		before: Buffer.concat(all.slice(0, first)),
		word: all[first] ?? Buffer.alloc(0),
		after: all.slice(first + 1, all.length - endings),
	};
}

describe("however the bytes come, the answer is the same", () => {
	test.each(wires)("$wire: one byte at a time", async ({ wire }) => {
		const { length } = Buffer.concat(NATIVE_ANSWERS[wire].events(SAID));
		const cuts = Array.from({ length }, (_, index) => index);
		rig.bad.script(() => nativeReply(wire, SAID, true, { cuts }));
		expectFaithful(readChunks(await stream(rig.fresh(wire, "pair"))), meaning(SAID));
	});

	test.each(wires)("$wire: all at once", async ({ wire }) => {
		rig.bad.script(() => nativeReply(wire, SAID, true, { cuts: [], framing: "close" }));
		expectFaithful(readChunks(await stream(rig.fresh(wire, "pair"))), meaning(SAID));
	});

	test.each(wires)("$wire: between events of unknown types", async ({ wire }) => {
		const { events, unknownEvent } = NATIVE_ANSWERS[wire];
		const mixed = events(SAID).flatMap((event) => [unknownEvent, event]);
		rig.bad.script(() => nativeStream(wire, mixed));
		const chunks = await stream(rig.fresh(wire, "pair"));
		expectFaithful(readChunks(chunks), meaning(SAID));
		expectValid("CreateChatCompletionStreamResponse", chunks);
		expect(rig.good.requests.length).toBe(0);
	});
});

/** Bytes of the given events, cut at each of their ends and in the middle of each. */
function cutsOf(events: readonly Buffer[]): Buffer[] {
	const all = Buffer.concat(events);
	let start = 0;
	return events.flatMap((event) => {
		const middle = start + Math.floor(event.length / 2);
		start += event.length;
		return [all.subarray(0, middle), all.subarray(0, start)];
	});
}

const CUTS: readonly Cut[] = ["fin", "clean", "reset"];

describe("a connection that is cut never looks like the end of an answer", () => {
	test.each(wires.flatMap(({ wire }) => CUTS.map((cut) => ({ wire, cut }))))(
		"$wire, before the first word, $cut: another deployment answers",
		async ({ wire, cut }) => {
			const { before, word } = eventsOf(wire);
			for (const rest of cutsOf([before, word]).slice(0, -1)) {
				rig.bad.script(() => halvedStream(wire, { first: Buffer.alloc(0), rest, opened: Promise.resolve() }, cut));
				const chunks = await stream(rig.fresh(wire, "pair"));
				expectFaithful(readChunks(chunks), meaning(GOOD));
				expect((await rig.client.wire()).headers.get("x-gateway-retries")).toBe("1");
			}
		},
	);

	test.each(wires.flatMap(({ wire }) => CUTS.map((cut) => ({ wire, cut }))))(
		"$wire, after the first word, $cut: an error event and no [DONE]",
		async ({ wire, cut }) => {
			const { before, word, after } = eventsOf(wire);
			// Every offset for the kind that looks most like an end, a few for the others.
			const rests = [Buffer.alloc(0), ...cutsOf(after)].filter((_, index) => cut === "clean" || index % 4 === 0);
			for (const rest of rests) {
				const last = await interrupted(wire, { first: Buffer.concat([before, word]), rest }, cut);
				expect(last.error).toMatchObject({ type: expect.any(String), message: expect.any(String) });
			}
		},
	);
});

/**
 * A stream whose rest comes only when the client has its first word. Expects that it is told as broken.
 * @returns its last event.
 */
async function interrupted(
	wire: NativeWire,
	parts: { readonly first: Buffer; readonly rest: Buffer },
	ending: Cut | "hang",
): Promise<{ readonly error?: { readonly message?: string; readonly type?: string } }> {
	const seen = gate();
	rig.bad.script(() => halvedStream(wire, { ...parts, opened: seen.opened }, ending));
	await using client = await rig.openStream(rig.fresh(wire, "pair"));
	await client.bodyUntil("the first word", (text) => text.includes('"content":"Hello'));
	seen.open();
	await until("the end", () => client.completeCount() === 1 || client.state().closed);
	const { data } = parseSse(client.response()?.text() ?? "");
	expect(data).not.toContain("[DONE]");
	expect(data.filter((line) => /"finish_reason":"/.test(line))).toEqual([]);
	expect([rig.bad.requests.length, rig.good.requests.length]).toEqual([1, 0]);
	return JSON.parse(data.at(-1) ?? "{}");
}

const MESSAGE = "The engine is out of breath.";

describe("a failure told inside a stream", () => {
	test.each(wires)("$wire: before the first word another deployment answers", async ({ wire }) => {
		const { before } = eventsOf(wire);
		rig.bad.script(() => nativeStream(wire, [before, NATIVE_ANSWERS[wire].errorEvent(MESSAGE)]));
		const chunks = await stream(rig.fresh(wire, "pair"));
		expectFaithful(readChunks(chunks), meaning(GOOD));
		expect([rig.bad.requests.length, rig.good.requests.length]).toEqual([1, 1]);
	});

	test.each(wires)("$wire: before the first word, and nobody else to ask: a status", async ({ wire }) => {
		const { before } = eventsOf(wire);
		rig.bad.script(() => nativeStream(wire, [before, NATIVE_ANSWERS[wire].errorEvent(MESSAGE)]));
		const raised = await stream(rig.fresh(wire, "only")).catch((error: unknown) => error);
		expect(raised).toBeInstanceOf(APIError);
		expect(raised).toMatchObject({ status: 502, type: "upstream_error" });
	});

	test.each(wires)("$wire: after the first word the client is told in the stream", async ({ wire }) => {
		const { before, word } = eventsOf(wire);
		const first = Buffer.concat([before, word]);
		const rest = NATIVE_ANSWERS[wire].errorEvent(MESSAGE);
		const last = await interrupted(wire, { first, rest }, "clean");
		expect(last.error?.message).toContain(MESSAGE);
		expect(last.error?.type).toBeTruthy();
	});
});

describe("a provider of other words takes over", () => {
	const mixed = NATIVE_WIRES.flatMap((wire) =>
		NATIVE_WIRES.filter((other) => other !== wire).map((other) => ({ wire, other })),
	);
	test.each(mixed)("$other for $wire", async ({ wire, other }) => {
		const { before } = eventsOf(wire);
		rig.bad.script(() => nativeStream(wire, [before, NATIVE_ANSWERS[wire].errorEvent(MESSAGE)]));
		const chunks = await stream(rig.mixed(wire, other));
		expectFaithful(readChunks(chunks), meaning(GOOD));
		const { headers } = await rig.client.wire();
		expect(headers.get("x-gateway-retries")).toBe("1");
		expect(headers.get("x-gateway-decision")).toStartWith(`${providerOf(other)}/`);
		expect(rig.good.requests.map(({ target }) => wireOf({ target }))).toEqual([other]);
	});
});

/** Statuses that say: not now, or not here. */
const BUSY: readonly { readonly wire: NativeWire; readonly status: number }[] = [
	{ wire: "anthropic", status: 529 },
	{ wire: "vertex-anthropic", status: 529 },
	...wires.flatMap(({ wire }) => [429, 500, 503].map((status) => ({ wire, status }))),
];

describe("a provider that is overloaded", () => {
	test.each([...BUSY])("$wire $status: another deployment answers", async ({ wire, status }) => {
		rig.bad.script(() => nativeError(wire, status, MESSAGE));
		expectFaithful(readChunks(await stream(rig.fresh(wire, "pair"))), meaning(GOOD));
		expect(rig.good.requests.length).toBe(1);
	});

	test.each(BUSY.filter(({ status }) => status === 529 || status === 429))(
		"$wire $status, and nobody else to ask",
		async ({ wire, status }) => {
			rig.bad.script(() => nativeError(wire, status, MESSAGE));
			const raised = await stream(rig.fresh(wire, "only")).catch((error: unknown) => error);
			expect(raised).toBeInstanceOf(APIError);
			expect(raised).toMatchObject({ status: status === 429 ? 429 : 502 });
		},
	);
});

test.each(wires)("$wire: a stream refused before it began is a status and the provider's message", async ({ wire }) => {
	rig.bad.script(() => nativeError(wire, 400, MESSAGE));
	const raised = await stream(rig.fresh(wire, "pair")).catch((error: unknown) => error);
	if (!(raised instanceof APIError)) {
		throw new Error("the stream was not refused");
	}
	expect(raised.status).toBe(400);
	expect(JSON.parse((await rig.client.wire()).text).error).toMatchObject({
		message: MESSAGE,
		type: "invalid_request_error",
	});
	expect(rig.good.requests.length).toBe(0);
});

describe("a client that leaves in mid-stream", () => {
	test.each(wires)("$wire: the provider is dropped at once and the part is paid", async ({ wire }) => {
		const { before, word } = eventsOf(wire);
		const parts = { first: Buffer.concat([before, word]), rest: Buffer.alloc(0), opened: new Promise(() => {}) };
		rig.bad.script(() => halvedStream(wire, parts, "hang"));
		const owner = await rig.gateway.mint({ max_parallel_requests: 1 });
		await using client = await rig.openStream(rig.fresh(wire, "only"), owner);
		await client.bodyUntil("the first word", (text) => text.includes('"content":"Hello'));
		client.reset();
		await within("the upstream to notice", rig.bad.requests[0]?.gone ?? Promise.reject(new Error("not asked")));
		const row = await until("the settled row", async () => {
			const spend = await rig.gateway.admin("GET", "/spend?group_by=key");
			const { data } = spend.json<{ data: Record<string, string>[] }>();
			return data.find((entry) => entry.key === owner.id && Number(entry.requests) === 1);
		});
		expect(nanoOf(row.cost_usd)).toBeGreaterThan(0);
		expect(Number(row.completion_tokens)).toBeGreaterThan(0);
		expect(Number(row.completion_tokens)).toBeLessThan(20);
		if (TELLS_PROMPT_FIRST.has(wire)) {
			// The provider's own count of the prompt has arrived: no estimate takes its place.
			expect(Number(row.prompt_tokens)).toBe(60);
		}
	});
});

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { APIError } from "openai";
import { ChatCompletionStream } from "openai/lib/ChatCompletionStream";
import type { ChatCompletionChunk, ChatCompletionCreateParamsNonStreaming } from "openai/resources/chat/completions";
import { nanoOf } from "../support/cost-formula.ts";
import { expectFaithful, expectValid } from "../support/faithful.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import type { MintedKey } from "../support/gateway-client.ts";
import { nativeCost } from "../support/native-cost.ts";
import {
	addressFaults,
	NATIVE_MODELS,
	type NativeWire,
	nativeDeployment,
	providerOf,
} from "../support/native-deployment.ts";
import { NATIVE_APIS, oracleFault, oracleOf } from "../support/oracle/oracle.ts";
import type { OracleAnswer } from "../support/oracle/types.ts";
import { type RecordedCase, recordedCases, replay } from "../support/recorded.ts";
import {
	type ClientAnswer,
	createSdkClient,
	readChunks,
	readCompletion,
	type SdkClient,
} from "../support/sdk-client.ts";
import { finalCost, parseSse } from "../support/sse-events.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

/*
 * Every recorded answer of a provider with a dialect of its own goes through the gateway, asked for by the real `openai`
 * package, and must mean what the oracle (an independent reading of the recording) says it means.
 * Each case has an alias, and so a deployment, of its own: a recorded 401 or 429 rests only its own.
 */

/** A second answer begins where the first broke off, in the middle of a tool call's arguments: see its own test below. */
const SPLICED = "anthropic/ai.anthropic_spliced-message-start.chunks.0";

const cases = recordedCases(({ api }) => NATIVE_APIS.has(api)).map((recorded, index) => {
	const wire = wireOf(recorded);
	return { name: recorded.id, alias: `case-${index}`, wire, model: recorded.model ?? NATIVE_MODELS[wire], recorded };
});

type Case = (typeof cases)[number];

const ok = cases.filter(({ name, recorded }) => recorded.status === 200 && name !== SPLICED);
const whole = ok.filter(({ recorded }) => !recorded.stream);
const streams = ok.filter(({ recorded }) => recorded.stream);
const refused = cases.filter(({ recorded }) => recorded.status !== 200);

function wireOf({ id, api }: RecordedCase): NativeWire {
	if (api === "vertex.anthropic") {
		return "vertex-anthropic";
	}
	// The folder of a recording is its provider.
	return id.split("/")[0] as NativeWire;
}

let upstream: Upstream;
let gateway: TestGateway;
let key: MintedKey;
let client: SdkClient;
let seenNano = 0;
let seenRequests = 0;
/** Cases run one after the other: this is what the upstream answers now. */
let current: RecordedCase;

beforeAll(async () => {
	upstream = await startUpstream(() => replay(current));
	gateway = await startTestGateway({
		aliases: Object.fromEntries(
			cases.map(({ alias, wire, model }) => [alias, nativeDeployment(wire, upstream, { model })]),
		),
	});
	key = await gateway.mint({ name: "replay" });
	client = createSdkClient(gateway, key.key);
});

afterAll(async () => {
	await gateway?.stop();
	await upstream?.[Symbol.asyncDispose]();
});

function request({ alias, recorded }: Case): ChatCompletionCreateParamsNonStreaming {
	current = recorded;
	upstream.forget();
	seenRequests += 1;
	return { model: alias, messages: [{ role: "user", content: "Hello" }] };
}

/** What left for the provider, and what came back beside the answer. */
function expectGateway(tried: Case, headers: Headers): void {
	expect(Object.fromEntries(headers)).toMatchObject({
		"x-gateway-cost-usd": expect.stringMatching(/^\d+\.\d{6,}$/),
		"x-gateway-retries": "0",
		"x-request-id": expect.stringMatching(/^req_[0-9A-HJKMNP-TV-Z]{26}$/),
	});
	expect(decodeURIComponent(headers.get("x-gateway-decision") ?? "")).toBe(`${providerOf(tried.wire)}/${tried.model}`);
	expect(headers.get("x-gateway-dropped")).toBeNull();
	expect(upstream.requests.length).toBe(1);
	const { model, recorded } = tried;
	const faults = upstream.requests.flatMap((received) =>
		addressFaults(tried.wire, received, { model, stream: recorded.stream, virtualKey: key.key }),
	);
	expect(faults).toEqual([]);
}

function book(costText: string | null | undefined, got: ClientAnswer, said: OracleAnswer): void {
	const cost = nanoOf(costText);
	seenNano += cost;
	if (said.usage !== undefined && got.usage !== undefined) {
		expect(cost).toBe(nativeCost(got.usage));
	}
}

describe("a whole answer says in OpenAI's words what the provider said", () => {
	test.each(whole)("$name", async (tried) => {
		const completion = await client.openai.chat.completions.create(request(tried));
		const { status, headers, text } = await client.wire();
		const said = oracleOf(tried.recorded);
		const got = readCompletion(completion);
		book(headers.get("x-gateway-cost-usd"), got, said);
		expect(status).toBe(200);
		expect(headers.get("content-type")).toStartWith("application/json");
		expectValid("CreateChatCompletionResponse", [JSON.parse(text)]);
		expect(completion.choices.length).toBe(1);
		expectFaithful(got, said);
		expectSeals(text, said);
		expectGateway(tried, headers);
	});
});

describe("a stream says in OpenAI's words what the provider said", () => {
	test.each(streams)("$name", async (tried) => {
		const stream = await client.openai.chat.completions.create({
			...request(tried),
			stream: true,
			stream_options: { include_usage: true },
		});
		const chunks = await Array.fromAsync(stream);
		const { status, headers, text } = await client.wire();
		const said = oracleOf(tried.recorded);
		const got = readChunks(chunks);
		const events = parseSse(text);
		book(finalCost(events)?.cost_usd, got, said);
		expect(status).toBe(200);
		expect(headers.get("content-type")).toStartWith("text/event-stream");
		expect(headers.get("x-gateway-cost-final")).toBe("false");
		expectValid("CreateChatCompletionStreamResponse", chunks);
		expectFaithful(got, said);
		expectSeals(text, said);
		expectOrder(events.data, text);
		await expectFolded(chunks, said);
		expectGateway(tried, headers);
	});
});

/** The SDK's own way of putting a stream together, which is strict about its parts, comes to the same. */
async function expectFolded(chunks: readonly ChatCompletionChunk[], said: OracleAnswer): Promise<void> {
	const lines = new Blob([chunks.map((chunk) => `${JSON.stringify(chunk)}\n`).join("")]).stream();
	const { choices } = await ChatCompletionStream.fromReadableStream(lines).finalChatCompletion();
	const message = choices[0]?.message;
	expect(message?.content ?? "").toBe(said.text);
	const calls = message?.tool_calls ?? [];
	expect(calls.map((call) => (call.type === "function" ? call.function.name : ""))).toEqual(
		said.toolCalls.map(({ name }) => name),
	);
}

/** What only its provider can read comes to the client unchanged: it has to bring it back. */
function expectSeals(text: string, said: OracleAnswer): void {
	expect(said.seals.filter((seal) => !text.includes(JSON.stringify(seal).slice(1, -1)))).toEqual([]);
}

/** The role first, then what was said, one finish, the usage, the cost, and the end, once each. */
function expectOrder(data: readonly string[], text: string): void {
	expect(data.filter((line) => line === "[DONE]")).toEqual(["[DONE]"]);
	expect(data.at(-1)).toBe("[DONE]");
	expect(text.indexOf(": gateway {")).toBeLessThan(text.indexOf("data: [DONE]"));
	const chunks = data.slice(0, -1).map((line) => JSON.parse(line));
	expect(chunks[0].choices[0].delta.role).toBe("assistant");
	expect(chunks.slice(1).filter((chunk) => chunk.choices[0]?.delta.role !== undefined)).toEqual([]);
	const finish = chunks.findIndex((chunk) => chunk.choices[0]?.finish_reason);
	expect(chunks.slice(finish + 1).filter((chunk) => chunk.choices.length > 0)).toEqual([]);
	const usage = chunks.findIndex((chunk) => chunk.usage);
	expect(usage).toBe(usage < 0 ? -1 : chunks.length - 1);
}

test("a stream that begins anew in the middle of its answer does not pass for a finished one", async () => {
	const tried = cases.find(({ name }) => name === SPLICED);
	if (tried === undefined) {
		throw new Error(`no recording ${SPLICED}`);
	}
	const stream = await client.openai.chat.completions.create({ ...request(tried), stream: true });
	const raised = await Array.fromAsync(stream).catch((error: unknown) => error);
	const { headers, text } = await client.wire();
	const { data } = parseSse(text);
	const trail = await gateway.get(`/v1/requests/${headers.get("x-request-id")}`, key.key);
	seenNano += nanoOf(trail.json<{ cost_usd: string }>().cost_usd);
	// Either of the two answers alone, or a failure: never the arguments of both in one call.
	if (data.at(-1) === "[DONE]") {
		const { toolCalls } = readChunks(data.slice(0, -1).map((line) => JSON.parse(line)));
		expect(toolCalls.map((call) => JSON.parse(call.arguments))).toEqual([{ value: "Sparkle Day" }]);
	} else {
		expect(raised).toBeInstanceOf(Error);
	}
});

describe("a client that did not ask for the usage does not see it, and pays the same", () => {
	const first = (wire: NativeWire) => streams.filter((tried) => tried.wire === wire).slice(0, 1);
	test.each(Object.keys(NATIVE_MODELS).flatMap((wire) => first(wire as NativeWire)))("$name", async (tried) => {
		const stream = await client.openai.chat.completions.create({ ...request(tried), stream: true });
		const chunks = await Array.fromAsync(stream);
		const { text } = await client.wire();
		seenNano += nanoOf(finalCost(parseSse(text))?.cost_usd);
		const { usage, ...said } = oracleOf(tried.recorded);
		expect(chunks.filter((chunk) => chunk.usage)).toEqual([]);
		expectFaithful(readChunks(chunks), { ...said, usage: undefined });
		expect(finalCost(parseSse(text))?.usage).toMatchObject({ completion_tokens: usage?.completion ?? 0 });
	});
});

describe("a provider's refusal keeps its status and message, unless it is about the gateway's own credentials", () => {
	test.each(refused)("$name", async (tried) => {
		const raised = await client.openai.chat.completions.create(request(tried)).catch((error: unknown) => error);
		if (!(raised instanceof APIError)) {
			throw new Error("the call did not fail");
		}
		const { text } = await client.wire();
		const said = oracleFault(tried.recorded);
		const body = JSON.parse(text);
		expectValid("ErrorResponse", [body]);
		expect(raised.headers?.get("x-request-id")).toStartWith("req_");
		expect({ status: raised.status, error: body.error }).toMatchObject(refusal(said));
		const isPassedOn = raised.status === said.status && said.status !== 429;
		expect(body.error.message === said.message).toBe(isPassedOn);
	});
});

/** A key that the provider does not know is the operator's business: its client is told no more than that. */
function refusal(said: { readonly status: number; readonly message: string }): Record<string, unknown> {
	const isKey = said.status === 401 || said.message.startsWith("API key not valid");
	if (isKey) {
		return { status: 502, error: { type: "upstream_error", kind: "provider_auth" } };
	}
	if (said.status === 429) {
		const error = { type: "rate_limit_exceeded", kind: "upstream", retry_after_seconds: expect.any(Number) };
		return { status: 429, error };
	}
	return { status: said.status, error: { message: said.message } };
}

test("the books say what the answers said, to the nano-dollar", async () => {
	const spend = await gateway.admin("GET", "/spend");
	const { total } = spend.json<{ total: { cost_usd: string; requests: number } }>();
	expect(nanoOf(total.cost_usd)).toBe(seenNano);
	expect(total.requests).toBe(seenRequests);
	expect(seenRequests).toBeGreaterThan(250);
});

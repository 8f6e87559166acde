import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { APIError } from "openai";
import type { ResponseStreamEvent } from "openai/resources/responses/responses";
import { BRIDGED_WIRES, chattingDeployment, clientOf, type KeyClient } from "../support/bridged-rig.ts";
import { nanoOf } from "../support/cost-formula.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { NATIVE_ANSWERS, nativeError, nativeReply, nativeStream, type Wire } from "../support/native/answers.ts";
import type { Saying } from "../support/native/saying.ts";
import { asksForStream, type Cut, halvedStream } from "../support/native-rig.ts";
import { responseEventFaults } from "../support/openai-schema.ts";
import { openRaw, requestBytes } from "../support/raw.ts";
import { hear, MANNERS, textOf, timeless } from "../support/responses-client.ts";
import { parseSse } from "../support/sse-events.ts";
import { type Reply, startUpstream, type Upstream } from "../support/upstream.ts";
import { gate, until, within } from "../support/wait.ts";
import { sequenceFaults } from "../unit/dialects/responses-over-chat/sequence.ts";

/* Bridged responses whose provider fails, breaks off, or is left: before the first word, and after it. */
const GOOD: Saying = { text: "All is well." };
const SAID: Saying = {
	text: "Hello there.",
	toolCalls: [{ id: "a1B2c3D4e", name: "weather", arguments: { city: "Rome", days: 2 } }],
};
const MESSAGE = "The service is overloaded.";

let bad: Upstream;
let good: Upstream;
let gateway: TestGateway;
/** The wire format that is under test. */
let current: Wire = "anthropic";
/** Aliases that were given out, so that none inherits a breaker. */
const given = new Map<string, number>();
const ALIASES = 24;

beforeAll(async () => {
	bad = await startUpstream(() => nativeReply("anthropic", GOOD, false));
	good = await startUpstream((request) => nativeReply(current, GOOD, asksForStream(request)));
	const aliases = BRIDGED_WIRES.flatMap((wire) => {
		const first = chattingDeployment(wire, bad, { priority: 1 });
		const both = [first, chattingDeployment(wire, good, { priority: 2 })];
		return Array.from({ length: ALIASES }, (_, index) => [
			[`${wire}-only-${index}`, { deployments: [first], router: { retries: 0 } }] as const,
			[`${wire}-pair-${index}`, { deployments: both, router: { retries: 1 } }] as const,
		]).flat();
	});
	gateway = await startTestGateway({ aliases: Object.fromEntries(aliases) });
});
afterAll(async () => {
	await gateway?.stop();
	await bad?.[Symbol.asyncDispose]();
	await good?.[Symbol.asyncDispose]();
});

/** An alias not used before: of `bad` alone, or of `bad` and then `good`. */
function fresh(wire: Wire, kind: "only" | "pair"): string {
	const next = given.get(`${wire}-${kind}`) ?? 0;
	expect(next).toBeLessThan(ALIASES);
	given.set(`${wire}-${kind}`, next + 1);
	current = wire;
	bad.forget();
	good.forget();
	return `${wire}-${kind}-${next}`;
}

async function newClient(): Promise<KeyClient> {
	return clientOf(gateway, await gateway.mint());
}

const wires = BRIDGED_WIRES.map((wire) => ({ wire }));
const manners = wires.flatMap(({ wire }) => MANNERS.map((manner) => ({ wire, manner })));

/** The events before the first word, the word, and those after it as far as the stream is not over. */
function eventsOf(wire: Wire): { readonly before: Buffer; readonly word: Buffer; readonly after: Buffer } {
	const { events, endings } = NATIVE_ANSWERS[wire];
	const all = events(SAID);
	const first = all.findIndex((event) => event.includes("Hello"));
	return {
		before: Buffer.concat(all.slice(0, first)),
		word: all[first] ?? Buffer.alloc(0),
		after: Buffer.concat(all.slice(first + 1, all.length - endings)),
	};
}

async function failureOf(call: PromiseLike<unknown>): Promise<APIError> {
	const raised = await Promise.resolve(call).catch((error: unknown) => error);
	if (!(raised instanceof APIError)) {
		throw new Error("nothing was refused");
	}
	return raised;
}

const ask = { input: "How are things?" };

describe("before the first word", () => {
	test.each(manners)("$wire, $manner: overloaded, another deployment answers", async ({ wire, manner }) => {
		const model = fresh(wire, "pair");
		bad.script(() => nativeError(wire, 503, MESSAGE));
		const { response, headers } = await hear(await newClient(), manner, { ...ask, model });
		expect(textOf(response)).toBe("All is well.");
		expect(headers.get("x-gateway-retries")).toBe("1");
		expect([bad.requests.length, good.requests.length]).toEqual([1, 1]);
	});

	test.each(manners)("$wire, $manner: refused, and told so in the provider's words", async ({ wire, manner }) => {
		const model = fresh(wire, "pair");
		bad.script(() => nativeError(wire, 400, MESSAGE));
		const client = await newClient();
		const raised = await failureOf(client.openai.responses.create({ ...ask, model, stream: manner === "stream" }));
		expect(raised.status).toBe(400);
		expect(JSON.parse((await client.wire()).text).error).toMatchObject({
			message: MESSAGE,
			type: "invalid_request_error",
		});
		expect(good.requests.length).toBe(0);
	});

	test.each(wires)("$wire: an error event, another deployment answers", async ({ wire }) => {
		const model = fresh(wire, "pair");
		bad.script(() => nativeStream(wire, [eventsOf(wire).before, NATIVE_ANSWERS[wire].errorEvent(MESSAGE)]));
		const { response } = await hear(await newClient(), "stream", { ...ask, model });
		expect(textOf(response)).toBe("All is well.");
	});

	test.each(wires)("$wire: an error event, and nobody else to ask: a status", async ({ wire }) => {
		const model = fresh(wire, "only");
		bad.script(() => nativeStream(wire, [eventsOf(wire).before, NATIVE_ANSWERS[wire].errorEvent(MESSAGE)]));
		const { openai } = await newClient();
		expect(await failureOf(openai.responses.create({ ...ask, model, stream: true }))).toMatchObject({
			status: 502,
			type: "upstream_error",
		});
	});
});

/** Reads a stream to the error that ends it, and looks at every event of it. The rest comes after the first word. */
async function brokenStream(
	client: KeyClient,
	model: string,
	conversation: string,
	rest: () => void = () => undefined,
) {
	const events: ResponseStreamEvent[] = [];
	const raised = await failureOf(
		(async () => {
			for await (const event of await client.openai.responses.create({ ...ask, model, conversation, stream: true })) {
				events.push(event);
				if (event.type === "response.output_text.delta") {
					rest();
				}
			}
		})(),
	);
	const { text } = await client.wire();
	const stream = parseSse(text);
	const json = stream.data.map((data) => JSON.parse(data));
	expect(stream.names).toEqual(json.map(({ type }) => type));
	expect(sequenceFaults(json)).toEqual([]);
	expect(json.flatMap(responseEventFaults)).toEqual([]);
	expect(json.filter(({ type }) => type === "error").length).toBe(1);
	expect(text).not.toContain("response.completed");
	const first = events[0];
	const id = first?.type === "response.created" ? first.response.id : "";
	return { raised, last: json.at(-1), id };
}

async function expectForgotten(client: KeyClient, id: string, conversation: string): Promise<void> {
	expect(id).toStartWith("resp_");
	expect(await failureOf(client.openai.responses.retrieve(id))).toMatchObject({ status: 404 });
	const { data } = await client.openai.conversations.items.list(conversation);
	expect(data).toEqual([]);
}

describe("after the first word", () => {
	test.each(wires)("$wire: an error event is the last event, and nothing is kept", async ({ wire }) => {
		const { before, word, after } = eventsOf(wire);
		const client = await newClient();
		const { id: conversation } = await client.openai.conversations.create();
		bad.script(() => nativeStream(wire, [before, word, after, NATIVE_ANSWERS[wire].errorEvent(MESSAGE)]));
		const { raised, last, id } = await brokenStream(client, fresh(wire, "pair"), conversation);
		expect(raised.message).toContain(MESSAGE);
		expect(last.message).toContain(MESSAGE);
		expect(good.requests.length).toBe(0);
		await expectForgotten(client, id, conversation);
	});

	const cuts: readonly Cut[] = ["fin", "clean", "reset"];
	test.each(wires.flatMap(({ wire }) => cuts.map((cut) => ({ wire, cut }))))(
		"$wire, cut ($cut): an error event is the last event, and nothing is kept",
		async ({ wire, cut }) => {
			const { before, word, after } = eventsOf(wire);
			const client = await newClient();
			const { id: conversation } = await client.openai.conversations.create();
			const door = gate();
			const parts = { first: Buffer.concat([before, word]), rest: after, opened: door.opened };
			bad.script(() => halvedStream(wire, parts, cut));
			const { last, id } = await brokenStream(client, fresh(wire, "pair"), conversation, door.open);
			expect(last.message).toStartWith("The answer broke off");
			expect(last.error).toMatchObject({ type: "upstream_error", message: last.message, code: last.code });
			await expectForgotten(client, id, conversation);
		},
	);
});

describe("however the bytes come, the response is the same", () => {
	const oddities: Readonly<Record<string, (wire: Wire) => Reply>> = {
		"one byte at a time": (wire) => {
			const { length } = Buffer.concat(NATIVE_ANSWERS[wire].events(SAID));
			return nativeReply(wire, SAID, true, { cuts: Array.from({ length }, (_, index) => index) });
		},
		"all at once": (wire) => nativeReply(wire, SAID, true, { cuts: [], framing: "close" }),
		"between events of unknown types": (wire) => {
			const { events, unknownEvent } = NATIVE_ANSWERS[wire];
			return nativeStream(
				wire,
				events(SAID).flatMap((event) => [unknownEvent, event]),
			);
		},
	};
	test.each(wires.flatMap(({ wire }) => Object.keys(oddities).map((oddity) => ({ wire, oddity }))))(
		"$wire: $oddity",
		async ({ wire, oddity }) => {
			const client = await newClient();
			bad.script(() => nativeReply(wire, SAID, true));
			const plain = await hear(client, "stream", { ...ask, model: fresh(wire, "only") });
			bad.script(() => oddities[oddity]?.(wire) ?? nativeReply(wire, SAID, true));
			const odd = await hear(client, "stream", { ...ask, model: fresh(wire, "only") });
			// Gemini names its model in every event, and an unknown event may not.
			const response = { ...odd.response, model: plain.response.model };
			expect(timeless(response)).toEqual(timeless(plain.response));
			expect(odd.types).toEqual(plain.types);
		},
	);
});

describe("a client that leaves in mid-stream", () => {
	test.each(wires)("$wire: the provider is dropped, the part is paid, and nothing is kept", async ({ wire }) => {
		const { before, word } = eventsOf(wire);
		const first = Buffer.concat([before, word]);
		const opened = new Promise(() => undefined);
		bad.script(() => halvedStream(wire, { first, rest: Buffer.alloc(0), opened }, "hang"));
		const owner = await newClient();
		const { id: conversation } = await owner.openai.conversations.create();
		const body = { ...ask, model: fresh(wire, "only"), conversation, stream: true };
		await using connection = await openRaw(gateway.url);
		await connection.write(
			requestBytes({
				method: "POST",
				target: "/v1/responses",
				headers: { Authorization: `Bearer ${owner.key.key}`, "Content-Type": "application/json" },
				body: JSON.stringify(body),
			}),
		);
		const text = await connection.bodyUntil("the first word", (seen) => seen.includes('"delta":"Hello'));
		connection.reset();
		await within("the upstream to notice", bad.requests[0]?.gone ?? Promise.reject(new Error("not asked")));
		const row = await until("the settled row", async () => {
			const spend = await gateway.admin("GET", "/spend?group_by=key");
			const { data } = spend.json<{ data: Record<string, string>[] }>();
			return data.find((entry) => entry.key === owner.key.id && Number(entry.requests) === 1);
		});
		expect(nanoOf(row.cost_usd)).toBeGreaterThan(0);
		expect(Number(row.completion_tokens)).toBeGreaterThan(0);
		expect(Number(row.completion_tokens)).toBeLessThan(20);
		await expectForgotten(owner, /resp_\w+/.exec(text)?.[0] ?? "", conversation);
	});
});

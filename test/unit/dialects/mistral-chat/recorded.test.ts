import { describe, expect, test } from "bun:test";
import OpenAI from "openai";
import { mistralChat } from "../../../../src/dialects/mistral-chat/translator.ts";
import { readerOf } from "../../../../src/dialects/registry.ts";
import type { SseEvent } from "../../../../src/dialects/types.ts";
import type { JsonObject } from "../../../../src/lib/json-types.ts";
import { schemaFaults } from "../../../support/openai-schema.ts";
import { recordedCases } from "../../../support/recorded.ts";
import { parseSse } from "../../../support/sse-events.ts";
import { play, TARGET } from "../completions-over-chat/samples.ts";
import { type Said, saidBy } from "./oracle.ts";

const cases = recordedCases(({ api }) => api === "openai.chat").filter(({ id }) => id.startsWith("mistral/"));
const answered = cases.filter(({ status }) => status === 200);
const whole = answered.filter(({ stream }) => !stream);
const streams = answered.filter(({ stream }) => stream);

function translation() {
	return mistralChat.translate({ model: "alias", messages: [{ role: "user", content: "?" }] }, TARGET);
}

interface MadeAnswer {
	readonly id: unknown;
	readonly usage: unknown;
	readonly choices: readonly { readonly message: unknown; readonly finish_reason: string }[];
}

/** What a client puts together from a message. */
function read(message: unknown): Pick<Said, "text" | "reasoning" | "calls"> {
	// Extensions of the gateway, and OpenAI's own fields: checked by the schema before.
	const { content, reasoning_content, tool_calls } = message as {
		content: string | null;
		reasoning_content?: string;
		tool_calls?: { function: { name: string; arguments: string } }[] | null;
	};
	return {
		text: content ?? "",
		reasoning: reasoning_content ?? "",
		calls: (tool_calls ?? []).map((call) => ({ name: call.function.name, arguments: call.function.arguments })),
	};
}

describe("recorded answers say in OpenAI's words what Mistral said", () => {
	test.each(whole)("$id", (recorded) => {
		const original: JsonObject = JSON.parse(recorded.response.body.toString());
		const answer = translation().whole(original);
		expect(schemaFaults("CreateChatCompletionResponse", answer)).toEqual([]);
		const said = saidBy(recorded);
		// Valid by the schema.
		const { id, usage, choices: made } = answer as unknown as MadeAnswer;
		const told = { ...read(made[0]?.message), finish: made[0]?.finish_reason ?? "", usage, id };
		expect<Said>(told).toEqual(said);
		// All else is as it came.
		const { choices, ...rest } = original;
		expect(answer).toMatchObject(rest);
	});

	test("there are some of each kind", () => {
		expect(whole.length).toBeGreaterThan(10);
		expect(streams.length).toBeGreaterThan(8);
		expect(answered.filter((recorded) => saidBy(recorded).reasoning !== "").length).toBeGreaterThan(3);
		expect(answered.filter((recorded) => saidBy(recorded).calls.length > 0).length).toBeGreaterThan(4);
	});
});

function translated(body: string): SseEvent[] {
	const { data, names } = parseSse(body);
	return play(
		translation().openStream(),
		data.map((text, index) => ({ name: names[index] ?? "", data: text })),
	);
}

describe("recorded streams say in OpenAI's words what Mistral said", () => {
	test.each(streams)("$id", async (recorded) => {
		const events = translated(recorded.response.body.toString());
		const chunks: JsonObject[] = events.slice(0, -1).map(({ data }) => JSON.parse(data));
		for (const chunk of chunks) {
			expect(schemaFaults("CreateChatCompletionStreamResponse", chunk)).toEqual([]);
		}
		expect(events.at(-1)?.data).toBe("[DONE]");

		const said = saidBy(recorded);
		const { message, finish, usage } = await assembled(events);
		expect<Said>({ ...read(message), finish: finish ?? "", usage, id: said.id }).toEqual(said);
		expect([...new Set<unknown>(chunks.map(({ id }) => id))]).toEqual([said.id]);
		expect(chunks.filter((chunk) => JSON.stringify(chunk).includes('"content":['))).toEqual([]);

		const reader = readerOf.chat.openStream(1);
		events.forEach((event) => void reader.step(event));
		expect(reader.finished()).toBe(true);
		expect(reader.usage()).toBeDefined();
	});

	test("a chunk that is OpenAI's already is not touched", () => {
		const plain = { name: "", data: '{"id":"1","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}' };
		expect(translation().openStream().step(plain)).toEqual([plain]);
	});
});

/** By the real SDK, which adds the deltas up. */
async function assembled(events: readonly SseEvent[]) {
	const body = events.map(({ data }) => `data: ${data}\n\n`).join("");
	const answer = async () => new Response(body, { headers: { "content-type": "text/event-stream" } });
	const openai = new OpenAI({ apiKey: "any", baseURL: "http://gateway.test/v1", maxRetries: 0, fetch: answer });
	const request = { model: "m", messages: [{ role: "user" as const, content: "?" }], stream: true as const };
	let content = "";
	let reasoning_content = "";
	let finish: string | null | undefined = "";
	let usage: unknown;
	const tool_calls: { function: { name: string; arguments: string } }[] = [];
	for await (const chunk of await openai.chat.completions.create(request)) {
		const choice = chunk.choices[0];
		const delta: (NonNullable<typeof choice>["delta"] & { reasoning_content?: string }) | undefined = choice?.delta;
		content += delta?.content ?? "";
		reasoning_content += delta?.reasoning_content ?? "";
		for (const call of delta?.tool_calls ?? []) {
			const known = tool_calls[call.index];
			if (known === undefined) {
				expect({ type: call.type, id: call.id }).toEqual({ type: "function", id: expect.stringMatching(/./) });
				tool_calls[call.index] = {
					function: { name: call.function?.name ?? "", arguments: call.function?.arguments ?? "" },
				};
			} else {
				known.function.arguments += call.function?.arguments ?? "";
			}
		}
		finish = choice?.finish_reason ?? finish;
		usage = chunk.usage ?? usage;
	}
	return { message: { content, reasoning_content, tool_calls }, finish, usage };
}

describe("recorded refusals", () => {
	test.each(cases.filter(({ status }) => status !== 200))("$id", ({ status, response }) => {
		const body: JsonObject = JSON.parse(response.body.toString());
		const fault = translation().readFault(body, status);
		expect(fault.status).toBe(status);
		expect(fault.message).not.toBe("The provider gave no reason.");
	});
});

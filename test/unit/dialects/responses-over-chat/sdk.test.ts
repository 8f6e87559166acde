import { describe, expect, test } from "bun:test";
import OpenAI from "openai";
import { eventJson } from "../../../../src/dialects/event-data.ts";
import { isJsonObject, type JsonObject } from "../../../../src/lib/json-types.ts";
import { recordedCases } from "../../../support/recorded.ts";
import { parseSse } from "../../../support/sse-events.ts";
import { call, chunk, finish, stream, translate, USAGE_CHUNK, WITH_SEALS } from "./rig.ts";

/** OpenAI's own client, whose requests are answered by these chat events. */
function clientFor(data: readonly string[]): OpenAI {
	return new OpenAI({
		apiKey: "none",
		baseURL: "http://answers.invalid/v1",
		maxRetries: 0,
		fetch: async (_, init) => {
			const request: unknown = JSON.parse(String(init?.body));
			const { events } = stream(
				data.map((text) => ({ name: "", data: text })),
				isJsonObject(request) ? request : {},
			);
			const body = events.map((event) => `event: ${event.name}\ndata: ${event.data}\n\n`).join("");
			return new Response(body, { headers: { "content-type": "text/event-stream" } });
		},
	});
}

async function finalOf(data: readonly string[], request: JsonObject = {}): Promise<JsonObject> {
	// The client checks what it sends; the request is the test's own.
	const running = clientFor(data).responses.stream({ model: "alias", input: "Hello", ...request } as never);
	let seen = 0;
	for await (const _ of running) {
		seen += 1;
	}
	expect(seen).toBeGreaterThan(2);
	// The client's types name fields; as JSON they are open.
	return (await running.finalResponse()) as unknown as JsonObject;
}

function dataOf(chunks: readonly JsonObject[]): string[] {
	return [...chunks.map((json) => JSON.stringify(json)), "[DONE]"];
}

describe("OpenAI's own client", () => {
	const recorded = recordedCases(
		({ api, stream: isStream, status }) => api === "openai.chat" && isStream && status === 200,
	);

	test.each(recorded.map((entry) => [entry.id, entry] as const))("adds up the events made of %s", async (_, entry) => {
		const { data } = parseSse(entry.response.body.toString());
		for (const request of [{}, WITH_SEALS]) {
			const final = await finalOf(data, request);
			const said = stream(
				data.map((text) => ({ name: "", data: text })),
				{ input: "Hello", ...request },
			);
			expect(withoutParsed(final.output)).toEqual(withoutParsed(said.response.output));
			expect(final.usage).toEqual(said.response.usage as JsonObject);
		}
	});

	test("gives the text, the calls with their parsed arguments, and structured output", async () => {
		const final = await finalOf(
			dataOf([
				chunk({ reasoning_content: "Hm" }),
				chunk({ content: '{"a"' }),
				chunk({ content: ":1}" }),
				call(0, { id: "c1", name: "f", arguments: '{"x"' }),
				call(1, { id: "c2", name: "f", arguments: '{"y":2}' }),
				call(0, { arguments: ":1}" }),
				finish("tool_calls"),
				USAGE_CHUNK,
			]),
			{
				tools: [{ type: "function", name: "f", parameters: { type: "object" }, strict: true }],
				text: { format: { type: "json_schema", name: "n", schema: { type: "object" }, strict: true } },
			},
		);
		expect(final).toMatchObject({
			output_text: '{"a":1}',
			output: [
				{ type: "reasoning" },
				{ type: "message" },
				{ call_id: "c1", parsed_arguments: { x: 1 } },
				{ call_id: "c2", parsed_arguments: { y: 2 } },
			],
		});
	});

	test("reports a failure inside the stream as an error with the provider's words", async () => {
		const failing = finalOf([JSON.stringify(chunk({ content: "Hi" })), '{"error":{"message":"Boom","code":500}}']);
		await expect(failing).rejects.toThrow("Boom");
	});

	test("reads a whole response", async () => {
		const client = new OpenAI({
			apiKey: "none",
			baseURL: "http://answers.invalid/v1",
			fetch: async (_, init) => {
				const request = eventJson({ name: "", data: String(init?.body) }) ?? {};
				return Response.json(
					translate(request).whole({ choices: [{ message: { content: "Hi" }, finish_reason: "stop" }] }),
				);
			},
		});
		const response = await client.responses.create({ model: "alias", input: "Hello" });
		expect(response.output_text).toBe("Hi");
	});
});

/** The client adds `parsed` to texts and `parsed_arguments` to calls. */
function withoutParsed(output: unknown): unknown {
	const clean = (value: unknown): unknown =>
		Array.isArray(value)
			? value.map(clean)
			: isJsonObject(value)
				? Object.fromEntries(
						Object.entries(value)
							.filter(([name]) => name !== "parsed" && name !== "parsed_arguments")
							.map(([name, entry]) => [name, clean(entry)]),
					)
				: value;
	return clean(output);
}

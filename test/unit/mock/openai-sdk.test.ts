import { afterAll, describe, expect, test } from "bun:test";
import OpenAI, { toFile } from "openai";
import { startMockProvider } from "../../../src/mock/server.ts";
import { responseEventFaults, schemaFaults } from "../../support/openai-schema.ts";

const mock = startMockProvider({ clock: { now: () => 1_800_000_000_000, monotonic: () => 0 } });
const client = new OpenAI({ baseURL: mock.url, apiKey: "any", maxRetries: 0 });
afterAll(() => mock.stop());

const MESSAGES = [
	{ role: "system" as const, content: "You are terse." },
	{ role: "user" as const, content: "Say hello to the world" },
];
const WEATHER = {
	type: "object",
	properties: {
		city: { type: "string" },
		days: { type: "integer" },
		unit: { enum: ["C", "F"] },
		note: { type: "string" },
	},
	required: ["city", "days", "unit"],
};

async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
	const items: T[] = [];
	for await (const item of stream) {
		items.push(item);
	}
	return items;
}

describe("chat completions", () => {
	test("the last user message comes back, counted in words", async () => {
		const answer = await client.chat.completions.create({ model: "echo", messages: MESSAGES });
		expect(schemaFaults("CreateChatCompletionResponse", answer)).toEqual([]);
		expect(answer).toMatchObject({ model: "echo", created: 1_800_000_000 });
		expect(answer.choices[0]?.message.content).toBe("Say hello to the world");
		expect(answer.choices[0]?.finish_reason).toBe("stop");
		expect(answer.usage).toMatchObject({ prompt_tokens: 8, completion_tokens: 5, total_tokens: 13 });
	});

	test("a stream says the same, piece by piece", async () => {
		const chunks = await all(
			await client.chat.completions.create({
				model: "echo",
				messages: MESSAGES,
				stream: true,
				stream_options: { include_usage: true },
			}),
		);
		expect(chunks.flatMap((chunk) => schemaFaults("CreateChatCompletionStreamResponse", chunk))).toEqual([]);
		expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("")).toBe("Say hello to the world");
		expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe("stop");
		expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: 8, completion_tokens: 5 } });
		expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
	});

	test("a stream tells no usage unless asked", async () => {
		const chunks = await all(await client.chat.completions.create({ model: "echo", messages: MESSAGES, stream: true }));
		expect(chunks.filter((chunk) => "usage" in chunk)).toEqual([]);
	});

	test("the client's bound on output is kept, in both of its names", async () => {
		for (const bound of [{ max_tokens: 2 }, { max_completion_tokens: 2 }]) {
			const answer = await client.chat.completions.create({ model: "lorem-40", messages: MESSAGES, ...bound });
			expect(answer.choices[0]).toMatchObject({ finish_reason: "length", message: { content: "lorem ipsum " } });
			expect(answer.usage?.completion_tokens).toBe(2);
		}
	});

	test.each([
		["lorem-200", 200],
		["echo+tokens-12", 12],
		["lorem", 50],
	])("%s answers with exactly %d tokens", async (model, tokens) => {
		const answer = await client.chat.completions.create({ model, messages: MESSAGES });
		expect(answer.usage?.completion_tokens).toBe(tokens);
		expect(answer.choices[0]?.message.content?.split(/\s+/).length).toBe(tokens);
	});

	test("n answers cost n times as much", async () => {
		const answer = await client.chat.completions.create({ model: "echo", messages: MESSAGES, n: 3 });
		expect(answer.choices.map(({ index }) => index)).toEqual([0, 1, 2]);
		expect(answer.usage?.completion_tokens).toBe(15);
	});

	const tools = [{ type: "function" as const, function: { name: "weather", parameters: WEATHER } }];

	test("tool calls the given function with arguments that fit its schema", async () => {
		const answer = await client.chat.completions.create({ model: "tool", messages: MESSAGES, tools });
		expect(schemaFaults("CreateChatCompletionResponse", answer)).toEqual([]);
		const [call] = answer.choices[0]?.message.tool_calls ?? [];
		expect(answer.choices[0]?.finish_reason).toBe("tool_calls");
		expect(call?.type === "function" && JSON.parse(call.function.arguments)).toEqual({
			city: "mock",
			days: 1,
			unit: "C",
		});
	});

	test("a tool call is streamed in pieces that join to the same arguments", async () => {
		const stream = client.chat.completions.stream({ model: "tool", messages: MESSAGES, tools });
		const chunks = await all(stream);
		expect(chunks.flatMap((chunk) => schemaFaults("CreateChatCompletionStreamResponse", chunk))).toEqual([]);
		const message = (await stream.finalChatCompletion()).choices[0]?.message;
		const [call] = message?.tool_calls ?? [];
		expect(call?.type === "function" && JSON.parse(call.function.arguments)).toEqual({
			city: "mock",
			days: 1,
			unit: "C",
		});
	});

	test("after the tool's result the conversation ends", async () => {
		const call = { id: "call_1", type: "function" as const, function: { name: "weather", arguments: "{}" } };
		const answer = await client.chat.completions.create({
			model: "tool",
			tools,
			messages: [
				...MESSAGES,
				{ role: "assistant", tool_calls: [call] },
				{ role: "tool", tool_call_id: "call_1", content: "22 degrees" },
			],
		});
		expect(answer.choices[0]).toMatchObject({ finish_reason: "stop", message: { content: "22 degrees" } });
	});

	test("tool without tools, and with tool_choice none, answers with text", async () => {
		const bare = await client.chat.completions.create({ model: "tool", messages: MESSAGES });
		const none = await client.chat.completions.create({
			model: "tool",
			messages: MESSAGES,
			tools,
			tool_choice: "none",
		});
		expect([bare, none].map((answer) => answer.choices[0]?.finish_reason)).toEqual(["stop", "stop"]);
	});

	test("reasoning thinks first, and its tokens are part of the completion", async () => {
		const answer = await client.chat.completions.create({ model: "reasoning", messages: MESSAGES });
		expect(answer.choices[0]?.message).toMatchObject({
			content: "Say hello to the world",
			reasoning_content: "The user asked for something. I will think about it, then answer.",
		});
		expect(answer.usage).toMatchObject({
			completion_tokens: 17,
			completion_tokens_details: { reasoning_tokens: 12 },
		});
	});

	test("no-usage tells none, streamed or not", async () => {
		const answer = await client.chat.completions.create({ model: "no-usage", messages: MESSAGES });
		const chunks = await all(
			await client.chat.completions.create({
				model: "no-usage",
				messages: MESSAGES,
				stream: true,
				stream_options: { include_usage: true },
			}),
		);
		expect(answer.usage).toBeUndefined();
		expect(chunks.filter((chunk) => chunk.usage !== undefined)).toEqual([]);
	});
});

describe("completions", () => {
	test("one choice for each prompt and n", async () => {
		const answer = await client.completions.create({ model: "echo", prompt: ["one two", "three"], n: 2 });
		expect(schemaFaults("CreateCompletionResponse", answer)).toEqual([]);
		expect(answer.choices.map(({ index, text }) => [index, text])).toEqual([
			[0, "one two"],
			[1, "one two"],
			[2, "three"],
			[3, "three"],
		]);
		expect(answer.usage).toMatchObject({ prompt_tokens: 3, completion_tokens: 6 });
	});

	test("a stream joins to the same text", async () => {
		const chunks = await all(
			await client.completions.create({
				model: "echo",
				prompt: "a b c",
				stream: true,
				stream_options: { include_usage: true },
			}),
		);
		expect(chunks.map((chunk) => chunk.choices[0]?.text ?? "").join("")).toBe("a b c");
		expect(chunks.at(-1)?.usage).toMatchObject({ prompt_tokens: 3, completion_tokens: 3 });
	});
});

describe("responses", () => {
	test("an answer is whole and valid", async () => {
		const answer = await client.responses.create({ model: "echo", input: "Say hello", instructions: "Be brief" });
		expect(schemaFaults("Response", answer)).toEqual([]);
		expect(answer.output_text).toBe("Say hello");
		expect(answer.usage).toMatchObject({ input_tokens: 4, output_tokens: 2, total_tokens: 6 });
	});

	test.each(["echo", "echo+reasoning", "tool"])("%s streams the full typed sequence, in order", async (model) => {
		const tools = [{ type: "function" as const, name: "weather", strict: false, parameters: WEATHER }];
		const events = await all(await client.responses.create({ model, input: "Say hello", tools, stream: true }));
		expect(events.flatMap(responseEventFaults)).toEqual([]);
		expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, index) => index));
		expect(events.map(({ type }) => type).slice(0, 3)).toEqual([
			"response.created",
			"response.in_progress",
			"response.output_item.added",
		]);
		const last = events.at(-1);
		expect(last?.type).toBe("response.completed");
		expect(last?.type === "response.completed" && schemaFaults("Response", last.response)).toEqual([]);
	});

	test("the SDK puts a stream together", async () => {
		const answer = await client.responses.stream({ model: "echo+reasoning", input: "Say hello" }).finalResponse();
		expect(answer.output_text).toBe("Say hello");
		expect(answer.output.map(({ type }) => type)).toEqual(["reasoning", "message"]);
		expect(answer.usage?.output_tokens_details.reasoning_tokens).toBe(12);
	});

	test("a bound that is too small leaves the response incomplete", async () => {
		const events = await all(
			await client.responses.create({ model: "lorem", input: "x", max_output_tokens: 3, stream: true }),
		);
		const last = events.at(-1);
		expect(last).toMatchObject({
			type: "response.incomplete",
			response: {
				status: "incomplete",
				incomplete_details: { reason: "max_output_tokens" },
				usage: { output_tokens: 3 },
			},
		});
		expect(last && responseEventFaults(last)).toEqual([]);
	});

	test("a stored response can be read, its input listed, continued and deleted", async () => {
		const first = await client.responses.create({ model: "echo", input: "one two" });
		expect(await client.responses.retrieve(first.id)).toMatchObject({ id: first.id, output_text: "one two" });
		const items = await client.responses.inputItems.list(first.id);
		expect(items.data).toMatchObject([{ role: "user", content: [{ type: "input_text", text: "one two" }] }]);
		const second = await client.responses.create({ model: "echo", input: "three", previous_response_id: first.id });
		expect(second.usage?.input_tokens).toBe(5);
		await client.responses.delete(first.id);
		const gone = client.responses.retrieve(first.id);
		expect(await gone.then(String, (error: unknown) => error)).toMatchObject({ status: 404 });
	});

	test("what is not to be stored cannot be read or continued", async () => {
		const answer = await client.responses.create({ model: "echo", input: "x", store: false });
		const read = await client.responses.retrieve(answer.id).then(String, (error: unknown) => error);
		expect(read).toMatchObject({ status: 404 });
		const next = client.responses.create({ model: "echo", input: "y", previous_response_id: answer.id });
		expect(await next.then(String, (error: unknown) => error)).toMatchObject({
			status: 400,
			code: "previous_response_not_found",
		});
	});

	test("a background response is queued, then finished, or cancelled in between", async () => {
		const queued = await client.responses.create({ model: "echo", input: "x", background: true });
		expect(queued.status).toBe("queued");
		expect((await client.responses.retrieve(queued.id)).status).toBe("completed");
		const other = await client.responses.create({ model: "echo", input: "x", background: true });
		expect((await client.responses.cancel(other.id)).status).toBe("cancelled");
		expect((await client.responses.retrieve(other.id)).status).toBe("cancelled");
	});
});

describe("embeddings", () => {
	const cosine = (left: number[] = [], right: number[] = []) =>
		left.reduce((sum, value, index) => sum + value * (right[index] ?? 0), 0);

	test("the same text gives the same unit vector, with the dimensions asked for", async () => {
		const ask = () => client.embeddings.create({ model: "echo", input: ["hello world", "other"], dimensions: 256 });
		const [one, two] = [await ask(), await ask()];
		expect(schemaFaults("CreateEmbeddingResponse", one)).toEqual([]);
		expect(one.data).toEqual(two.data);
		expect(one.data.map(({ embedding }) => embedding.length)).toEqual([256, 256]);
		expect(cosine(one.data[0]?.embedding, one.data[0]?.embedding)).toBeCloseTo(1, 5);
		expect(one.usage).toEqual({ prompt_tokens: 3, total_tokens: 3 });
	});

	test("base64 and floats are the same numbers", async () => {
		const ask = async (encoding_format: "float" | "base64") => {
			const response = await fetch(`${mock.url}/embeddings`, {
				method: "POST",
				body: JSON.stringify({ model: "echo", input: "hello world", encoding_format }),
			});
			return (await response.json()) as { data: [{ embedding: number[] | string }] };
		};
		const floats = (await ask("float")).data[0].embedding;
		const packed = Buffer.from(String((await ask("base64")).data[0].embedding), "base64");
		expect(floats.length).toBe(1_536);
		expect([...new Float32Array(new Uint8Array(packed).buffer)]).toEqual([...floats].map(Number));
	});

	test("texts that share words are nearer than texts that do not", async () => {
		const { data } = await client.embeddings.create({
			model: "echo",
			input: ["the quick brown fox", "the quick brown dog", "nothing alike here whatsoever"],
		});
		const [fox, dog, other] = data.map(({ embedding }) => embedding);
		expect(cosine(fox, dog)).toBeGreaterThan(0.6);
		expect(cosine(fox, other)).toBeLessThan(0.3);
	});
});

describe("moderations, images, audio", () => {
	test("a text is flagged for the category it names", async () => {
		const answer = await client.moderations.create({ model: "echo", input: ["some violence", "a flower"] });
		expect(schemaFaults("CreateModerationResponse", answer)).toEqual([]);
		expect(answer.results.map(({ flagged, categories }) => [flagged, categories.violence])).toEqual([
			[true, true],
			[false, false],
		]);
	});

	test("images are one-pixel PNGs, generated or edited", async () => {
		const made = await client.images.generate({ model: "echo", prompt: "a red pixel", n: 2 });
		const image = await toFile(new Uint8Array([1, 2, 3]), "in.png", { type: "image/png" });
		const edited = await client.images.edit({ model: "echo", prompt: "a blue pixel", image, n: 3 });
		expect([made, edited].flatMap((answer) => schemaFaults("ImagesResponse", answer))).toEqual([]);
		expect([made.data?.length, edited.data?.length]).toEqual([2, 3]);
		expect(
			Buffer.from(made.data?.[0]?.b64_json ?? "", "base64")
				.subarray(1, 4)
				.toString(),
		).toBe("PNG");
		expect(made.usage).toMatchObject({ input_tokens: 3, output_tokens: 32 });
	});

	test("speech is a WAV file as long as the words, and can be heard again", async () => {
		const spoken = await client.audio.speech.create({
			model: "echo",
			voice: "alloy",
			input: "one two three four five",
		});
		const bytes = new Uint8Array(await spoken.arrayBuffer());
		expect(spoken.headers.get("content-type")).toBe("audio/wav");
		expect(Buffer.from(bytes.subarray(0, 4)).toString()).toBe("RIFF");
		expect(bytes.length).toBe(44 + 5 * 1_600);
		const file = await toFile(bytes, "speech.wav");
		const heard = await client.audio.transcriptions.create({ model: "echo", file, prompt: "one two" });
		expect(schemaFaults("CreateTranscriptionResponseJson" as "Response", heard)).toEqual([]);
		expect(heard).toMatchObject({
			text: "one two",
			usage: { type: "tokens", input_tokens: 5, output_tokens: 2, total_tokens: 7 },
		});
		const translated = await client.audio.translations.create({ model: "echo", file });
		expect(translated.text).toBe("This is what the mock provider heard.");
	});

	test("a transcription is streamed, or written as the format asked for", async () => {
		const file = await toFile(new Uint8Array(100), "a.wav");
		const events = await all(
			await client.audio.transcriptions.create({ model: "echo", file, prompt: "one two", stream: true }),
		);
		expect(events.map(({ type }) => type)).toEqual([
			"transcript.text.delta",
			"transcript.text.delta",
			"transcript.text.done",
		]);
		const srt = await client.audio.transcriptions.create({ model: "echo", file, prompt: "x", response_format: "srt" });
		expect(srt).toStartWith("1\n00:00:00,000");
	});
});

test("the models are the words, and any sentence of them is one", async () => {
	const list = await client.models.list();
	expect(schemaFaults("ListModelsResponse", { object: "list", data: list.data })).toEqual([]);
	expect(list.data.map(({ id }) => id)).toContain("echo");
	expect(await client.models.retrieve("echo+delay-5")).toMatchObject({ id: "echo+delay-5", object: "model" });
});

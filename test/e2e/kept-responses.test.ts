import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { APIError } from "openai";
import type { Response } from "openai/resources/responses/responses";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { chatReply, chatStream } from "../support/openai-answers.ts";
import { json } from "../support/replies.ts";
import { createSdkClient } from "../support/sdk-client.ts";
import { type ReceivedRequest, startUpstream, type Upstream } from "../support/upstream.ts";

/*
 * The state of the Responses API with providers that have none of it: one speaks chat alone, one speaks Responses and
 * keeps nothing. What an app sees is what it would see of OpenAI.
 */
let upstream: Upstream;
let gateway: TestGateway;

beforeAll(async () => {
	upstream = await startUpstream(answer);
	gateway = await startTestGateway({
		aliases: {
			chat: { upstream, provider: "deepseek", model: "deepseek-chat" },
			native: { upstream, provider: "groq", model: "openai/gpt-oss-20b" },
			both: {
				deployments: [{ upstream }, { upstream, provider: "deepseek", model: "deepseek-chat" }],
				// Each has its turn, also within one conversation.
				router: { sticky_for: "0s" },
			},
		},
		router: { retries: 0 },
	});
});
afterEach(() => upstream.forget());
afterAll(async () => {
	await gateway?.stop();
	await upstream?.[Symbol.asyncDispose]();
});

let answers = 0;

/** Answers "echo: " and the last thing it was told, in the words it was asked in. */
function answer(request: ReceivedRequest) {
	const body = bodyOf(request);
	const text = `echo: ${toldTo(request).at(-1)}`;
	if (request.target.endsWith("/chat/completions")) {
		return body.stream === true ? chatStream(["echo: ", String(toldTo(request).at(-1))]) : chatReply({ content: text });
	}
	answers += 1;
	const content = [{ type: "output_text", text, annotations: [] }];
	return json(200, {
		id: `resp_native${answers}`,
		object: "response",
		created_at: 1,
		status: "completed",
		model: "m",
		previous_response_id: null,
		output: [{ id: `msg_native${answers}`, type: "message", status: "completed", role: "assistant", content }],
		usage: { input_tokens: 1, output_tokens: 1, total_tokens: 2 },
	});
}

function bodyOf(request: ReceivedRequest): Record<string, unknown> {
	// Bodies of these tests are objects.
	return request.json() as Record<string, unknown>;
}

/** Every text that a provider was told, oldest first, in chat or in Responses. */
function toldTo(request: ReceivedRequest | undefined): readonly string[] {
	const body = request === undefined ? {} : bodyOf(request);
	const said = body.messages ?? body.input ?? [];
	const texts =
		typeof said === "string"
			? [said]
			: [...JSON.stringify(said).matchAll(/"(?:text|content)":"([^"]*)"/g)].map(([, text]) => text);
	return texts.map(String);
}

async function clientOf(settings: Readonly<Record<string, unknown>> = {}) {
	const { key } = await gateway.mint(settings);
	return createSdkClient(gateway, key).openai;
}

async function failureOf(call: PromiseLike<unknown>): Promise<unknown> {
	try {
		return await call;
	} catch (error) {
		expect(error).toBeInstanceOf(APIError);
		return error;
	}
}

describe.each(["chat", "native"])("with a provider of %s that keeps nothing", (model) => {
	test("previous_response_id goes on where the last answer ended, and the answer says so", async () => {
		const openai = await clientOf();
		const first = await openai.responses.create({ model, input: "one" });
		const second = await openai.responses.create({ model, input: "two", previous_response_id: first.id });
		expect(second.previous_response_id).toBe(first.id);
		const third = await openai.responses.create({ model, input: "three", previous_response_id: second.id });
		expect(third.output_text).toBe("echo: three");
		expect(toldTo(upstream.requests.at(-1))).toEqual(["one", "echo: one", "two", "echo: two", "three"]);
		expect(upstream.requests.at(-1)?.text()).not.toContain("previous_response_id");
	});

	test("a response is read, its input listed, and it is deleted", async () => {
		const openai = await clientOf();
		const made = await openai.responses.create({ model, input: "one", metadata: { a: "b" } });
		const { output_text: _helper, ...response } = made;
		const read: Partial<Response> = await openai.responses.retrieve(made.id);
		expect(read).toMatchObject(JSON.parse(JSON.stringify(response)));
		const listed = await openai.responses.inputItems.list(made.id);
		expect(listed.data).toMatchObject([
			{ type: "message", role: "user", content: [{ type: "input_text", text: "one" }] },
		]);
		expect(await failureOf(openai.responses.cancel(made.id))).toMatchObject({ status: 400 });
		await openai.responses.delete(made.id);
		expect(await failureOf(openai.responses.retrieve(made.id))).toMatchObject({
			status: 404,
			code: "response_not_found",
		});
		expect(
			await failureOf(openai.responses.create({ model, input: "two", previous_response_id: made.id })),
		).toMatchObject({
			status: 404,
			code: "previous_response_not_found",
		});
		// Nothing of all this was asked of the provider.
		expect(upstream.requests.length).toBe(1);
	});

	test("a conversation remembers what was said in it", async () => {
		const openai = await clientOf();
		const { id } = await openai.conversations.create({ items: [{ type: "message", role: "user", content: "zero" }] });
		const first = await openai.responses.create({ model, input: "one", conversation: id });
		expect(first.conversation).toEqual({ id });
		await openai.responses.create({ model, input: "two", conversation: { id }, store: false });
		expect(toldTo(upstream.requests.at(-1))).toEqual(["zero", "one", "echo: one", "two"]);
		const items = await openai.conversations.items.list(id, { order: "asc" });
		expect(toldTexts(items.data)).toEqual(["zero", "one", "echo: one", "two", "echo: two"]);
	});

	test("store: false keeps nothing", async () => {
		const openai = await clientOf();
		const made = await openai.responses.create({ model, input: "one", store: false });
		expect(await failureOf(openai.responses.retrieve(made.id))).toMatchObject({ status: 404 });
	});

	test("items of earlier answers may be referred to, as the AI SDK does", async () => {
		const openai = await clientOf();
		const made = await openai.responses.create({ model, input: "one" });
		const input = [
			{ role: "user" as const, content: "one" },
			...made.output.map((item) => ({ type: "item_reference" as const, id: String(item.id) })),
			{ role: "user" as const, content: "two" },
		];
		await openai.responses.create({ model, input });
		expect(toldTo(upstream.requests.at(-1))).toEqual(["one", "echo: one", "two"]);
	});

	test("a response belongs to its key and its team", async () => {
		const maker = await clientOf({ team: "blue" });
		const mate = await clientOf({ team: "blue" });
		const stranger = await clientOf({ team: "red" });
		const { id } = await maker.responses.create({ model, input: "secret" });
		expect((await mate.responses.retrieve(id)).id).toBe(id);
		const unknown = await failureOf(stranger.responses.retrieve("resp_unknown"));
		const foreign = await failureOf(stranger.responses.retrieve(id));
		const words = (error: unknown) =>
			error instanceof APIError ? [error.status, error.code, error.message.replace(/'resp_\w+'/, "ID")] : [];
		expect(words(foreign)).toEqual(words(unknown));
		expect(
			await failureOf(stranger.responses.create({ model, input: "and?", previous_response_id: id })),
		).toMatchObject({
			status: 404,
			code: "previous_response_not_found",
		});
		expect(upstream.requests.length).toBe(1);
	});
});

function toldTexts(items: unknown): readonly string[] {
	return [...JSON.stringify(items).matchAll(/"text":"([^"]*)"/g)].map(([, text]) => String(text));
}

test("a streamed answer is there to build upon the moment it is complete", async () => {
	const openai = await clientOf();
	let id = "";
	for await (const event of await openai.responses.create({ model: "chat", input: "one", stream: true })) {
		if (event.type === "response.completed") {
			id = event.response.id;
		}
	}
	const stream = await openai.responses.create({ model: "chat", input: "two", previous_response_id: id, stream: true });
	const seen: (string | null | undefined)[] = [];
	for await (const event of stream) {
		if ("response" in event) {
			seen.push(event.response.previous_response_id);
		}
	}
	expect(new Set(seen)).toEqual(new Set([id]));
	expect(toldTo(upstream.requests.at(-1))).toEqual(["one", "echo: one", "two"]);
});

test("a conversation goes on with whichever provider serves it, and with one that keeps responses itself", async () => {
	const openai = await clientOf();
	const { id } = await openai.conversations.create();
	for (const input of ["one", "two", "three", "four"]) {
		await openai.responses.create({ model: "both", input, conversation: id });
	}
	const targets = new Set(upstream.requests.map(({ target }) => target));
	expect([...targets].sort()).toEqual(["/v1/chat/completions", "/v1/responses"]);
	expect(toldTo(upstream.requests.at(-1))).toEqual([
		"one",
		"echo: one",
		"two",
		"echo: two",
		"three",
		"echo: three",
		"four",
	]);
	expect(upstream.requests.every((request) => !request.text().includes(id))).toBe(true);
});

test("a gateway that is told to keep nothing keeps nothing, and says what it cannot do", async () => {
	await using forgetful = await startTestGateway({
		aliases: { chat: { upstream, provider: "deepseek", model: "deepseek-chat" } },
		more: { responses: { retention: "0s" } },
	});
	const { key } = await forgetful.mint();
	const { openai } = createSdkClient(forgetful, key);
	const { id } = await openai.responses.create({ model: "chat", input: "one" });
	expect(await failureOf(openai.responses.retrieve(id))).toMatchObject({ status: 404 });
	expect(
		await failureOf(openai.responses.create({ model: "chat", input: "two", previous_response_id: id })),
	).toMatchObject({
		status: 404,
		code: "previous_response_not_found",
	});
	expect(await failureOf(openai.conversations.create())).toMatchObject({ status: 400, code: "unsupported_operation" });
	expect(forgetful.logs().join("\n")).toContain("responses.retention is 0s");
});

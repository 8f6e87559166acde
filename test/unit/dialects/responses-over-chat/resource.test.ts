import { describe, expect, test } from "bun:test";
import type { JsonObject } from "../../../../src/lib/json-types.ts";
import { call, chunk, finish, responseFaults, streamed, streamFaults, translate, USAGE_CHUNK } from "./rig.ts";

const ANSWER = {
	model: "their-model",
	choices: [{ message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }],
	usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
};

function respond(request: JsonObject, answer: JsonObject = ANSWER): JsonObject {
	return translate(request).whole(answer) ?? {};
}

describe("the response object", () => {
	test("says everything that Open Responses requires, with OpenAI's defaults", () => {
		expect(respond({})).toEqual({
			id: "resp_01ANSWER",
			object: "response",
			created_at: 1_700_000_000,
			completed_at: 1_700_000_000,
			status: "completed",
			incomplete_details: null,
			model: "their-model",
			previous_response_id: null,
			instructions: null,
			output: [
				{
					id: "msg_01ANSWER_0",
					type: "message",
					status: "completed",
					role: "assistant",
					content: [{ type: "output_text", text: "Hi", annotations: [], logprobs: [] }],
				},
			],
			error: null,
			tools: [],
			tool_choice: "auto",
			truncation: "disabled",
			parallel_tool_calls: true,
			text: { format: { type: "text" }, verbosity: "medium" },
			top_p: 1,
			temperature: 1,
			presence_penalty: 0,
			frequency_penalty: 0,
			top_logprobs: 0,
			reasoning: { effort: null, summary: null },
			user: null,
			usage: {
				input_tokens: 3,
				input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
				output_tokens: 2,
				output_tokens_details: { reasoning_tokens: 0 },
				total_tokens: 5,
			},
			max_output_tokens: null,
			max_tool_calls: null,
			store: true,
			background: false,
			service_tier: "auto",
			metadata: {},
			safety_identifier: null,
			prompt_cache_key: null,
		});
	});

	test("repeats what was asked", () => {
		const request = {
			instructions: "Be kind.",
			previous_response_id: "resp_0",
			max_output_tokens: 50,
			max_tool_calls: 2,
			metadata: { a: "b" },
			parallel_tool_calls: false,
			presence_penalty: 0.5,
			frequency_penalty: 0.25,
			prompt_cache_key: "k",
			reasoning: { effort: "low", summary: "auto" },
			safety_identifier: "s",
			store: false,
			temperature: 0,
			text: { format: { type: "json_object" }, verbosity: "low" },
			top_logprobs: 2,
			top_p: 0.5,
			truncation: "auto",
			user: "u",
			tool_choice: "required",
		};
		const tools = [{ type: "function", name: "f", parameters: { type: "object" } }];
		const response = respond({ ...request, tools });
		expect(response).toMatchObject({
			...request,
			tools: [{ type: "function", name: "f", description: null, parameters: { type: "object" }, strict: false }],
		});
		expect(responseFaults(response)).toEqual([]);
	});

	test.each([
		[{ conversation: "conv_1" }, { conversation: { id: "conv_1" } }],
		[{ conversation: { id: "conv_1" } }, { conversation: { id: "conv_1" } }],
		[{ service_tier: "flex" }, { service_tier: "flex" }],
		[
			{ text: { format: { type: "json_schema", name: "n", schema: {} } } },
			{ text: { format: { type: "json_schema", name: "n", schema: {}, strict: false, description: null } } },
		],
	])("%j", (request, expected) => {
		const response = respond(request);
		expect(response).toMatchObject(expected);
		expect(responseFaults(response)).toEqual([]);
	});

	test("names the model that was asked for where the provider names none", () => {
		expect(respond({}, { ...ANSWER, model: "" }).model).toBe("the-model");
	});

	test("the tier that the answer was given in wins", () => {
		expect(respond({ service_tier: "flex" }, { ...ANSWER, service_tier: "default" }).service_tier).toBe("default");
	});

	test("without a usable count the usage is null", () => {
		expect(respond({}, { ...ANSWER, usage: null }).usage).toBeNull();
	});

	const NO_ANSWERS: readonly JsonObject[] = [{}, { choices: [] }, { choices: "x" }, { object: "list", data: [] }];
	test.each(NO_ANSWERS)("%j is no answer", (answer) => {
		expect(translate({}).whole(answer)).toBeUndefined();
	});

	test.each([
		[{ error: { message: "Boom", code: 429 } }, { message: "Boom", status: 429 }],
		[
			{ choices: [{ finish_reason: "error", error: { message: "Away", code: 503 }, message: {} }] },
			{ message: "Away", status: 503 },
		],
		[{ choices: [{ finish_reason: "error", message: {} }] }, { status: 502 }],
	])("the failure in %j is told as one", (answer, expected) => {
		expect(translate({}).whole(answer)?.error).toMatchObject(expected);
	});
});

/** The seven cases of https://github.com/openresponses/openresponses/blob/main/src/lib/compliance-tests.ts */
describe("the compliance suite of Open Responses", () => {
	const TOOL = {
		type: "function",
		name: "get_weather",
		description: "Get the current weather for a location",
		parameters: { type: "object", properties: { location: { type: "string" } }, required: ["location"] },
	};
	const CALLED = {
		choices: [
			{
				message: {
					content: null,
					tool_calls: [
						{ id: "c", type: "function", function: { name: "get_weather", arguments: '{"location":"SF"}' } },
					],
				},
				finish_reason: "tool_calls",
			},
		],
		usage: ANSWER.usage,
	};
	const user = (content: string | JsonObject[]) => ({ type: "message", role: "user", content });
	const CASES: readonly [string, JsonObject, JsonObject, string][] = [
		["basic response", { input: [user("Say hello.")] }, ANSWER, "message"],
		[
			"system prompt",
			{ input: [{ type: "message", role: "system", content: "Be a pirate." }, user("Hello.")] },
			ANSWER,
			"message",
		],
		["tool calling", { input: [user("Weather?")], tools: [TOOL] }, CALLED, "function_call"],
		[
			"image input",
			{
				input: [
					user([
						{ type: "input_text", text: "What?" },
						{ type: "input_image", image_url: "data:image/png;base64,AA==" },
					]),
				],
			},
			ANSWER,
			"message",
		],
		[
			"multi-turn",
			{
				input: [
					user("I am Alice."),
					{ type: "message", role: "assistant", content: "Hello Alice!" },
					user("Who am I?"),
				],
			},
			ANSWER,
			"message",
		],
	];
	test.each(CASES)("%s", (_, request, answer, type) => {
		const response = respond(request, answer);
		expect(responseFaults(response)).toEqual([]);
		expect(response).toMatchObject({ status: "completed", output: [{ type }] });
	});

	test("streaming response", () => {
		const said = streamed([chunk({ content: "1" }), chunk({ content: " 2" }), finish("stop"), USAGE_CHUNK], {
			input: [user("Count.")],
		});
		expect(streamFaults(said)).toEqual([]);
		expect(said.response.status).toBe("completed");
	});

	test("tool calling in a stream", () => {
		const said = streamed([call(0, { id: "c", name: "get_weather" }), finish("tool_calls"), USAGE_CHUNK], {
			tools: [TOOL],
		});
		expect(streamFaults(said)).toEqual([]);
		expect(said.types).toContain("response.function_call_arguments.delta");
		expect(said.types).toContain("response.function_call_arguments.done");
	});
});

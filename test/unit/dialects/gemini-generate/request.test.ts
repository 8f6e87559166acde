import { describe, expect, test } from "bun:test";
import type { JsonObject } from "../../../../src/lib/json-types.ts";
import { bodyOf, configOf, droppedOf, FLASH_3, FLASH_25, HELLO, obj, translate } from "./support.ts";

const NEW_FLASH = "gemini-3.8-flash";

describe("the settings of a generation", () => {
	const rules: readonly (readonly [string, JsonObject, JsonObject])[] = [
		["max_tokens", { max_tokens: 9 }, { maxOutputTokens: 9 }],
		["max_completion_tokens wins", { max_tokens: 9, max_completion_tokens: 8 }, { maxOutputTokens: 8 }],
		["temperature", { temperature: 0 }, { temperature: 0 }],
		["top_p and top_k", { top_p: 0.5, top_k: 7 }, { topP: 0.5, topK: 7 }],
		["stop as text", { stop: "END" }, { stopSequences: ["END"] }],
		["stop as a list, empty ones left out", { stop: ["a", "", "b"] }, { stopSequences: ["a", "b"] }],
		["seed", { seed: 42 }, { seed: 42 }],
		["n", { n: 3 }, { candidateCount: 3 }],
		["logprobs", { logprobs: true }, { responseLogprobs: true }],
		["top_logprobs", { logprobs: true, top_logprobs: 4 }, { responseLogprobs: true, logprobs: 4 }],
		["top_logprobs without logprobs", { logprobs: false, top_logprobs: 0 }, {}],
		["json_object", { response_format: { type: "json_object" } }, { responseMimeType: "application/json" }],
		["text format", { response_format: { type: "text" } }, {}],
		["modalities with an image", { modalities: ["text", "image"] }, { responseModalities: ["TEXT", "IMAGE"] }],
		["modalities of text", { modalities: ["text"] }, {}],
		[
			"speech",
			{ modalities: ["text", "audio"], audio: { voice: "Kore", format: "pcm16" } },
			{
				responseModalities: ["AUDIO"],
				speechConfig: { voiceConfig: { prebuiltVoiceConfig: { voiceName: "Kore" } } },
			},
		],
		["nothing asked", {}, {}],
		["nulls", { temperature: null, seed: null, stop: null, max_tokens: null, n: null }, {}],
	];
	test.each(rules)("%s", (_name, fields, expected) => {
		expect(configOf(fields, FLASH_25)).toEqual(expected);
		expect(droppedOf(fields, FLASH_25)).toEqual([]);
	});

	test("a schema is sent as JSON schema with its description", () => {
		const schema = { type: "object", properties: { a: { type: ["string", "null"] } }, additionalProperties: false };
		const json_schema = { name: "thing", description: "A thing", strict: true, schema };
		expect(configOf({ response_format: { type: "json_schema", json_schema } })).toEqual({
			responseMimeType: "application/json",
			responseJsonSchema: { ...schema, description: "A thing" },
		});
	});

	test("a seed beyond 32 bits is left out by name", () => {
		for (const seed of [2 ** 31 - 1, -(2 ** 31), 0]) {
			expect(configOf({ seed })).toEqual({ seed });
		}
		for (const seed of [2 ** 31, -(2 ** 31) - 1, 2 ** 40, 2 ** 63]) {
			expect(configOf({ seed })).toEqual({});
			expect(droppedOf({ seed })).toEqual(["seed"]);
		}
	});

	test("sound that is not raw is named, and a voice without sound too", () => {
		expect(droppedOf({ modalities: ["audio"], audio: { voice: "Kore", format: "mp3" } }, FLASH_25)).toEqual([
			"audio.format",
		]);
		expect(droppedOf({ audio: { voice: "Kore", format: "mp3" } }, FLASH_25)).toEqual(["audio"]);
	});

	test("later models have fixed sampling: named, not sent", () => {
		const fields = { temperature: 0.2, top_p: 0.9, top_k: 3 };
		expect(configOf(fields, NEW_FLASH)).toEqual({});
		expect(droppedOf(fields, NEW_FLASH)).toEqual(["temperature", "top_p", "top_k"]);
		expect(droppedOf({ temperature: 1, top_p: 1 }, NEW_FLASH)).toEqual([]);
		expect(droppedOf(fields, "gemini-flash-latest")).toEqual(["temperature", "top_p", "top_k"]);
		expect(configOf(fields, FLASH_3)).toEqual({ temperature: 0.2, topP: 0.9, topK: 3 });
	});

	test.each([
		["gemini-2.0-flash", { presencePenalty: 0.5, frequencyPenalty: -0.5 }, []],
		["tunedModels/ours-1", { presencePenalty: 0.5, frequencyPenalty: -0.5 }, []],
		["gemini-2.5-pro", {}, ["presence_penalty", "frequency_penalty"]],
		["gemini-3.1-pro-preview", {}, ["presence_penalty", "frequency_penalty"]],
	] as const)("penalties for %s", (model, expected, dropped) => {
		const fields = { presence_penalty: 0.5, frequency_penalty: -0.5 };
		expect(configOf(fields, model)).toEqual(expected);
		expect(droppedOf(fields, model)).toEqual([...dropped]);
		expect(droppedOf({ presence_penalty: 0, frequency_penalty: 0 }, model)).toEqual([]);
	});
});

describe("what cannot be said is refused by name", () => {
	const refused: readonly (readonly [string, JsonObject, string, string])[] = [
		["more stops than Gemini takes", { stop: ["1", "2", "3", "4", "5", "6"] }, FLASH_25, "stop"],
		["several answers of a model that makes one", { n: 2 }, NEW_FLASH, "n"],
		["a format of another vendor", { response_format: { type: "grammar" } }, FLASH_3, "response_format"],
		["a modality that is none", { modalities: ["smell"] }, FLASH_3, "modalities"],
		[
			"functions and a format for an older model",
			{
				response_format: { type: "json_object" },
				tools: [{ type: "function", function: { name: "f" } }],
			},
			FLASH_25,
			"response_format",
		],
		[
			"a search and a format for an older model",
			{ response_format: { type: "json_object" }, web_search_options: {} },
			FLASH_25,
			"response_format",
		],
		["a tool of another vendor", { tools: [{ type: "computer_20250124" }] }, FLASH_3, "tools[0]"],
		[
			"a search in OpenAI's own stores",
			{ tools: [{ type: "file_search", vector_store_ids: ["vs_1"] }] },
			FLASH_3,
			"tools[0]",
		],
		[
			"forcing a tool that Google runs",
			{ tools: [{ type: "google_search" }], tool_choice: "required" },
			FLASH_3,
			"tool_choice",
		],
		[
			"content of another vendor",
			{ messages: [{ role: "user", content: [{ type: "search_result", source: "x" }] }] },
			FLASH_3,
			"messages[0].content[0]",
		],
		[
			"an image among the instructions",
			{
				messages: [
					{ role: "system", content: [{ type: "image_url", image_url: { url: "https://e.org/a.png" } }] },
					{ role: "user", content: "x" },
				],
			},
			FLASH_3,
			"messages[0].content[0]",
		],
		[
			"a file of unknown kind",
			{ messages: [{ role: "user", content: [{ type: "file", file: { file_data: "AAAA" } }] }] },
			FLASH_3,
			"messages[0].content[0]",
		],
	];
	test.each(refused)("%s", (_name, fields, model, param) => {
		expect(() => translate({ ...HELLO, ...fields }, model)).toThrow(expect.objectContaining({ status: 400, param }));
	});

	test("an older model that may not call is given the format and no tools", () => {
		const body = bodyOf(
			{
				response_format: { type: "json_object" },
				tools: [{ type: "function", function: { name: "f" } }],
				tool_choice: "none",
			},
			FLASH_25,
		);
		expect(body).toMatchObject({ generationConfig: { responseMimeType: "application/json" } });
		expect(Object.keys(body)).not.toContain("tools");
		expect(Object.keys(body)).not.toContain("toolConfig");
	});

	test("Gemini 3 takes functions and a format together", () => {
		const body = bodyOf({
			response_format: { type: "json_object" },
			tools: [{ type: "function", function: { name: "f" } }],
		});
		expect(body).toMatchObject({
			generationConfig: { responseMimeType: "application/json" },
			tools: [{ functionDeclarations: [{ name: "f" }] }],
		});
	});
});

describe("the other fields", () => {
	test("every field without an equal is named", () => {
		const fields: JsonObject = {
			logit_bias: { "1": 2 },
			metadata: { a: "b" },
			user: "u",
			store: true,
			prediction: { type: "content", content: "x" },
			prompt_cache_key: "k",
			safety_identifier: "s",
			verbosity: "low",
			parallel_tool_calls: false,
			something_new: 1,
		};
		expect([...droppedOf(fields)].sort()).toEqual(Object.keys(fields).sort());
	});

	test("defaults are not named", () => {
		const fields = {
			n: 1,
			parallel_tool_calls: true,
			store: false,
			logit_bias: {},
			service_tier: "auto",
			stream: true,
		};
		expect(droppedOf(fields)).toEqual([]);
	});

	test("Google's own settings go through in either spelling", () => {
		const safety = [{ category: "HARM_CATEGORY_HARASSMENT", threshold: "BLOCK_NONE" }];
		expect(bodyOf({ safety_settings: safety, cached_content: "cachedContents/1" })).toMatchObject({
			safetySettings: safety,
			cachedContent: "cachedContents/1",
		});
		const google = { cached_content: "cachedContents/1", thinking_config: { include_thoughts: true }, other: 1 };
		const translation = translate({ ...HELLO, extra_body: { google, another: 2 } });
		expect(translation.body).toMatchObject({
			cachedContent: "cachedContents/1",
			generationConfig: { thinkingConfig: { include_thoughts: true } },
		});
		expect(translation.dropped).toEqual(["extra_body.another", "extra_body.google.other"]);
	});

	test("a service tier is a field of the Gemini API and a header of Vertex", () => {
		expect(bodyOf({ service_tier: "flex" }).serviceTier).toBe("flex");
		const vertex = translate({ ...HELLO, service_tier: "priority" }, FLASH_3, "vertex");
		expect(vertex.body.serviceTier).toBeUndefined();
		expect(vertex.headers).toEqual({ "x-vertex-ai-llm-shared-request-type": "priority" });
		expect(droppedOf({ service_tier: "scale" })).toEqual(["service_tier"]);
		expect(droppedOf({ service_tier: "default" })).toEqual([]);
	});

	test("a wish to search adds Google's search, and names its settings", () => {
		const fields = { web_search_options: { search_context_size: "low" } };
		expect(bodyOf(fields).tools).toEqual([{ googleSearch: {} }]);
		expect(droppedOf(fields)).toEqual(["web_search_options.search_context_size"]);
	});

	test("the client's request is never changed", () => {
		const request = {
			messages: [{ role: "user", content: [{ type: "text", text: "Hi", cache_control: { type: "ephemeral" } }] }],
			tools: [
				{ type: "function", function: { name: "f", parameters: { $schema: "x", properties: { a: { const: 1 } } } } },
			],
		};
		const before = structuredClone(request);
		translate(request);
		expect(request).toEqual(before);
		expect(obj(translate(request)).dropped).toEqual(["messages[].content[].cache_control"]);
	});
});

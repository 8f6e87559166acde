import { describe, expect, test } from "bun:test";
import { geminiImage } from "../../../../src/dialects/gemini-image/translator.ts";
import { imagesAnswer } from "../../../../src/dialects/openai-images/answer.ts";
import type { JsonObject } from "../../../../src/lib/json-types.ts";
import { completionTokens, promptTokens } from "../../../../src/lib/usage.ts";
import { schemaFaults } from "../../../support/openai-schema.ts";
import { refusal, TARGET } from "./harness.ts";

const translated = (fields: JsonObject = {}) =>
	geminiImage.translate({ model: "alias", prompt: "A cat", ...fields }, TARGET);

const image = (data: string, mimeType = "image/png") => ({ inlineData: { mimeType, data } });
const answer = (parts: JsonObject[], rest: JsonObject = {}): JsonObject => ({
	candidates: [{ content: { role: "model", parts }, finishReason: "STOP", index: 0 }],
	...rest,
});

describe("requests", () => {
	const table: readonly (readonly [sent: JsonObject, config: JsonObject, dropped?: readonly string[]])[] = [
		[{}, {}],
		[{ n: 1, response_format: "b64_json", size: "auto" }, {}],
		[{ size: "1024x1024" }, { imageConfig: { aspectRatio: "1:1" } }],
		[{ size: "2048x2048" }, { imageConfig: { aspectRatio: "1:1", imageSize: "2K" } }],
		[{ size: "4096x4096" }, { imageConfig: { aspectRatio: "1:1", imageSize: "4K" } }],
		[{ size: "1536x1024" }, { imageConfig: { aspectRatio: "3:2" } }, ["size"]],
		[{ size: "1024x1536" }, { imageConfig: { aspectRatio: "2:3" } }, ["size"]],
		[{ size: "1792x1024" }, { imageConfig: { aspectRatio: "16:9" } }, ["size"]],
		[{ size: "1024x1792" }, { imageConfig: { aspectRatio: "9:16" } }, ["size"]],
		[{ size: "512x512" }, { imageConfig: { aspectRatio: "1:1" } }, ["size"]],
		[{ size: "2100x900" }, { imageConfig: { aspectRatio: "21:9", imageSize: "2K" } }, ["size"]],
		[{ seed: 4 }, { seed: 4 }],
		[{ seed: 2 ** 31 }, {}, ["seed"]],
		[
			{ output_format: "webp", quality: "hd", user: "me", style: "natural" },
			{},
			["output_format", "quality", "user", "style"],
		],
	];
	test.each(table)("%j", (sent, config, dropped = []) => {
		const translation = translated(sent);
		expect(translation.body).toEqual({
			contents: [{ role: "user", parts: [{ text: "A cat" }] }],
			generationConfig: { responseModalities: ["IMAGE"], ...config },
		});
		expect(translation.dropped).toEqual(dropped);
	});

	test.each([
		[{ n: 2 }, "n"],
		[{ response_format: "url" }, "response_format"],
		[{ stream: true }, "stream"],
		[{ partial_images: 1 }, "partial_images"],
		[{ background: "transparent" }, "background"],
	] as const)("%j is refused by name", (sent, param) => {
		expect(refusal(() => translated(sent))).toEqual({ status: 400, param, code: "unsupported_parameter" });
	});
});

test("a key that Google refuses with a 400 is the gateway's fault, not the client's", () => {
	const error = { code: 400, message: "API key not valid. Please pass a valid API key.", status: "INVALID_ARGUMENT" };
	expect(translated().readFault({ error }, 400)).toMatchObject({ status: 401, code: "invalid_api_key" });
});

describe("answers", () => {
	const usageMetadata = {
		promptTokenCount: 1_156,
		candidatesTokenCount: 1_488,
		thoughtsTokenCount: 483,
		totalTokenCount: 3_127,
		promptTokensDetails: [
			{ modality: "IMAGE", tokenCount: 1_120 },
			{ modality: "TEXT", tokenCount: 36 },
		],
		candidatesTokensDetails: [{ modality: "IMAGE", tokenCount: 1_120 }],
	};

	test("are OpenAI's images, without the drafts of the thinking and the words beside them", () => {
		const parts = [{ ...image("DRAFT"), thought: true }, { text: "Here it is" }, image("AAAA"), { executableCode: {} }];
		const images = translated().whole(answer(parts, { usageMetadata }));
		expect(images).toEqual({
			created: TARGET.createdAtSeconds,
			data: [{ b64_json: "AAAA" }],
			output_format: "png",
			usage: {
				input_tokens: 1_156,
				output_tokens: 1_971,
				total_tokens: 3_127,
				input_tokens_details: { text_tokens: 36, image_tokens: 1_120 },
				output_tokens_details: { text_tokens: 851, image_tokens: 1_120, reasoning_tokens: 483 },
			},
		});
		expect(schemaFaults("ImagesResponse", images)).toEqual([]);
	});

	test("are charged for every token that Gemini counted", () => {
		const images = translated().whole(answer([image("AAAA")], { usageMetadata }));
		const usage = imagesAnswer("images.generations").usage(images ?? {});
		expect(usage).toMatchObject({ images: 1, reasoning: 483 });
		expect(usage === undefined ? [] : [promptTokens(usage), completionTokens(usage)]).toEqual([1_156, 1_971]);
	});

	test("without a count have none", () => {
		expect(translated().whole(answer([image("AAAA", "image/gif")]))).toEqual({
			created: TARGET.createdAtSeconds,
			data: [{ b64_json: "AAAA" }],
		});
	});

	const filtered = (finishReason: string): JsonObject => ({ candidates: [{ content: {}, finishReason, index: 0 }] });
	const heldBack: readonly (readonly [given: JsonObject, words: string])[] = [
		[{ promptFeedback: { blockReason: "PROHIBITED_CONTENT" } }, "PROHIBITED_CONTENT"],
		[filtered("IMAGE_SAFETY"), "IMAGE_SAFETY"],
		[filtered("SAFETY"), "SAFETY"],
		[{ candidates: [{ finishReason: "SAFETY", finishMessage: "No cats" }] }, "No cats"],
	];
	test.each(heldBack)("are an error where the image was held back: %j", (given, words) => {
		const error = JSON.parse(JSON.stringify(translated().whole(given))).error;
		expect(error).toMatchObject({ status: 400, code: "content_policy_violation" });
		expect(error.message).toContain(words);
	});

	test.each([
		[filtered("NO_IMAGE"), "without an image"],
		[answer([{ text: "I would rather not" }]), "I would rather not"],
		[answer([{ inlineData: {} }, { new_part: 1 }]), "without an image"],
	] as const)("are a failure of the provider where there is none: %j", (given, words) => {
		const error = JSON.parse(JSON.stringify(translated().whole(given))).error;
		expect(error).toMatchObject({ status: 502, code: "no_image" });
		expect(error.message).toContain(words);
	});

	test("of another wire are none, and are never streamed", () => {
		expect(translated().whole({ data: [] })).toBeUndefined();
		expect(() => translated().openStream()).toThrow("never streamed");
	});
});

import { describe, expect, test } from "bun:test";
import { imagenPredict } from "../../../../src/dialects/imagen-predict/translator.ts";
import type { JsonObject } from "../../../../src/lib/json-types.ts";
import { schemaFaults } from "../../../support/openai-schema.ts";
import { refusal, TARGET } from "./harness.ts";

const translated = (fields: JsonObject = {}) =>
	imagenPredict.translate({ model: "alias", prompt: "A cat", ...fields }, TARGET);

describe("requests", () => {
	const table: readonly (readonly [sent: JsonObject, parameters: JsonObject, dropped?: readonly string[]])[] = [
		[{}, {}],
		[{ n: 3, response_format: "b64_json" }, { sampleCount: 3 }],
		[{ size: "auto", quality: "auto", background: "opaque", moderation: "auto" }, {}],
		[{ size: "1024x1024" }, { aspectRatio: "1:1" }],
		[{ size: "2048x2048" }, { aspectRatio: "1:1", sampleImageSize: "2K" }],
		[{ size: "1408x768" }, { aspectRatio: "16:9" }],
		[{ size: "1536x2816" }, { aspectRatio: "9:16", sampleImageSize: "2K" }],
		[{ size: "256x256" }, { aspectRatio: "1:1" }, ["size"]],
		[{ size: "1536x1024" }, { aspectRatio: "4:3" }, ["size"]],
		[{ size: "1024x1536" }, { aspectRatio: "3:4" }, ["size"]],
		[{ size: "1792x1024" }, { aspectRatio: "16:9" }, ["size"]],
		[{ size: "1024x1792" }, { aspectRatio: "9:16" }, ["size"]],
		[{ size: "3840x2160" }, { aspectRatio: "16:9", sampleImageSize: "2K" }, ["size"]],
		[{ output_format: "png" }, { outputOptions: { mimeType: "image/png" } }],
		[
			{ output_format: "jpeg", output_compression: 60 },
			{ outputOptions: { mimeType: "image/jpeg", compressionQuality: 60 } },
		],
		[{ output_compression: 60 }, {}, ["output_compression"]],
		[{ quality: "high", style: "vivid", user: "me" }, {}, ["quality", "style", "user"]],
		[
			{ negative_prompt: "dogs", seed: 5, add_watermark: false, person_generation: "dont_allow" },
			{ negativePrompt: "dogs", seed: 5, addWatermark: false, personGeneration: "dont_allow" },
		],
		[{ made_up: 1 }, {}, ["made_up"]],
	];
	test.each(table)("%j", (sent, parameters, dropped = []) => {
		const translation = translated(sent);
		expect(translation.body).toEqual({
			instances: [{ prompt: "A cat" }],
			parameters: { sampleCount: 1, includeRaiReason: true, ...parameters },
		});
		expect(translation.dropped).toEqual(dropped);
	});

	test.each([
		[{ response_format: "url" }, "response_format"],
		[{ stream: true }, "stream"],
		[{ partial_images: 2 }, "partial_images"],
		[{ background: "transparent" }, "background"],
		[{ output_format: "webp" }, "output_format"],
	] as const)("%j is refused by name", (sent, param) => {
		expect(refusal(() => translated(sent))).toEqual({ status: 400, param, code: "unsupported_parameter" });
	});
});

describe("answers", () => {
	test("are OpenAI's images", () => {
		const predictions = [
			{ mimeType: "image/png", bytesBase64Encoded: "AAAA", prompt: "A fluffy cat" },
			{ mimeType: "image/png", bytesBase64Encoded: "BBBB" },
		];
		const images = translated({ n: 2 }).whole({ predictions, deployedModelId: "7", metadata: {} });
		expect(images).toEqual({
			created: TARGET.createdAtSeconds,
			data: [{ b64_json: "AAAA", revised_prompt: "A fluffy cat" }, { b64_json: "BBBB" }],
			output_format: "png",
		});
		expect(schemaFaults("ImagesResponse", images)).toEqual([]);
	});

	test("leave out what was held back", () => {
		const predictions = [
			{ raiFilteredReason: "Blocked 42" },
			{ bytesBase64Encoded: "AAAA", mimeType: "image/jpeg" },
			5,
		];
		expect(translated({ n: 3 }).whole({ predictions })).toEqual({
			created: TARGET.createdAtSeconds,
			data: [{ b64_json: "AAAA" }],
			output_format: "jpeg",
		});
	});

	const heldBack: readonly (readonly [given: JsonObject, words: string])[] = [
		[{ predictions: [{ raiFilteredReason: "Blocked 42" }] }, "Blocked 42"],
		[{ predictions: [{ safetyAttributes: { categories: [] } }] }, "held back"],
		[{ predictions: [] }, "held back"],
		[{}, "held back"],
	];
	test.each(heldBack)("are an error where everything was held back: %j", (answer, words) => {
		const error = JSON.parse(JSON.stringify(translated().whole(answer))).error;
		expect(error).toMatchObject({ status: 400, type: "invalid_request_error", code: "content_policy_violation" });
		expect(error.message).toContain(words);
	});

	test("of another wire are none", () => {
		expect(translated().whole({ data: [] })).toBeUndefined();
		expect(translated().whole({ predictions: "odd" })).toBeUndefined();
	});

	test("tell a failure inside a success, and are never streamed", () => {
		const failed = { error: { code: 429, message: "Quota", status: "RESOURCE_EXHAUSTED" } };
		expect(translated().whole(failed)).toMatchObject({ error: { status: 429, type: "rate_limit_error" } });
		expect(translated().readFault(failed, 429)).toMatchObject({ status: 429, message: "Quota" });
		expect(() => translated().openStream()).toThrow("never streamed");
	});
});

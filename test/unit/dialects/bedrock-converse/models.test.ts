import { describe, expect, test } from "bun:test";
import { forcedTools, readModel, takesSchema } from "../../../../src/dialects/bedrock-converse/models.ts";

describe("a model's id", () => {
	test.each([
		["anthropic.claude-3-sonnet-20240229-v1:0", "anthropic"],
		["us.anthropic.claude-opus-4-8", "anthropic"],
		["us-gov.anthropic.claude-3-5-sonnet-20240620-v1:0", "anthropic"],
		["anthropic.claude", "anthropic"],
		[
			"arn:aws:bedrock:us-east-1:012345678901:inference-profile/us.anthropic.claude-3-7-sonnet-20250219-v1:0",
			"anthropic",
		],
		["arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0", "nova"],
		["arn:aws:bedrock:us-east-1:012345678901:default-prompt-router/anthropic.claude:1", "anthropic"],
		["global.amazon.nova-2-lite-v1:0", "nova"],
		["amazon.titan-text-express-v1", "titan"],
		["us.meta.llama4-scout-17b-instruct-v1:0", "meta"],
		["eu.mistral.pixtral-large-2502-v1:0", "mistral"],
		["cohere.command-r-v1:0", "cohere"],
		["ai21.jamba-1-5-large-v1:0", "ai21"],
		["us.deepseek.r1-v1:0", "deepseek"],
		["deepseek.v3.2", "deepseek"],
		["openai.gpt-oss-20b-1:0", "openai"],
		["qwen.qwen3-next-80b-a3b", "qwen"],
		["moonshotai.kimi-k2.5", "open-weight"],
		["google.gemma-3-27b-it", "open-weight"],
		["somebody.new-model-v1:0", "unknown"],
		["arn:aws:bedrock:us-east-1:012345678901:application-inference-profile/a1b2c3d4e5f6", "unknown"],
		["arn:aws:bedrock:us-east-1:012345678901:provisioned-model/abc", "unknown"],
		["", "unknown"],
	])("%s tells its family: %s", (id, family) => {
		expect(readModel(id).family).toBe(family as never);
	});

	test.each([
		["claude-v2:1", "none", true],
		["claude-instant-v1", "none", true],
		["claude-3-5-haiku-20241022-v1:0", "none", true],
		["claude-3-7-sonnet-20250219-v1:0", "budget", true],
		["claude-opus-4-20250514-v1:0", "budget", true],
		["claude-opus-4-1-20250805-v1:0", "budget", true],
		["claude-haiku-4-5-20251001-v1:0", "budget", true],
		["claude-sonnet-4-6", "adaptive", true],
		["claude-opus-4-8", "adaptive", false],
		["claude-sonnet-5", "adaptive", false],
		["claude-haiku-5-5", "adaptive", false],
		["claude-opus-5-5", "adaptive", false],
		["claude-mythos-preview", "adaptive", false],
		["claude-opus-7", "adaptive", false],
	])("%s tells its generation: thinking %s, sampling %p", (name, thinking, takesSampling) => {
		expect(readModel(`us.anthropic.${name}`).claude).toMatchObject({ thinking, takesSampling } as never);
	});

	test("every model can be bound to a schema, made to call a tool, or asked in words", () => {
		const table = [
			"anthropic.claude-opus-5-5",
			"anthropic.claude-sonnet-5",
			"deepseek.r1-v1:0",
			"deepseek.v3-v1:0",
			"meta.llama3-3-70b-instruct-v1:0",
			"mistral.mistral-large-2402-v1:0",
			"qwen.qwen3-32b-v1:0",
		];
		expect(table.map((id) => [takesSchema(readModel(id)), forcedTools(readModel(id))])).toEqual([
			[true, "none"],
			[false, "named"],
			[false, "none"],
			[true, "any"],
			[false, "none"],
			[false, "any"],
			[true, "named"],
		]);
	});
});

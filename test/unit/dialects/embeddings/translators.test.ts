import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { bedrockCohereEmbed } from "../../../../src/dialects/bedrock-cohere-embed/translator.ts";
import { cohereEmbed } from "../../../../src/dialects/cohere-embed/translator.ts";
import { geminiEmbed } from "../../../../src/dialects/gemini-embed/translator.ts";
import { embeddingsAnswer } from "../../../../src/dialects/openai-embeddings/answer.ts";
import { titanEmbed } from "../../../../src/dialects/titan-embed/translator.ts";
import type { Target, Translator } from "../../../../src/dialects/translation.ts";
import { vertexEmbedContent } from "../../../../src/dialects/vertex-embed/embed-content.ts";
import { vertexEmbed } from "../../../../src/dialects/vertex-embed/translator.ts";
import { GatewayError } from "../../../../src/lib/errors.ts";
import type { JsonObject } from "../../../../src/lib/json-types.ts";
import { schemaFaults } from "../../../support/openai-schema.ts";

const TARGET: Target = {
	model: "embed-1",
	stream: false,
	outputTokensMax: 0,
	answerId: "01J",
	createdAtSeconds: 1_700_000_000,
};

interface Wire {
	readonly translator: Translator;
	/** The provider's answer to so many texts, of these vectors. */
	answer(vectors: readonly (readonly number[])[]): JsonObject;
	/** Headers of such an answer. */
	headers?(vectors: readonly (readonly number[])[]): Headers;
	/** Default: no. */
	readonly oneTextACall?: boolean;
	/** Tokens that the answer states for each text; undefined = none. */
	readonly tokensEach: number | undefined;
}

const WIRES: Readonly<Record<string, Wire>> = {
	gemini: {
		translator: geminiEmbed,
		answer: (vectors) => ({ embeddings: vectors.map((values) => ({ values: [...values] })) }),
		tokensEach: undefined,
	},
	vertex: {
		translator: vertexEmbed,
		answer: (vectors) => ({
			predictions: vectors.map((values) => ({
				embeddings: { values: [...values], statistics: { token_count: 3, truncated: false } },
			})),
			metadata: { billableCharacterCount: 9 },
		}),
		tokensEach: 3,
	},
	cohere: {
		translator: cohereEmbed,
		answer: (vectors) => ({
			embeddings: { float: vectors.map((values) => [...values]) },
			meta: { billed_units: { input_tokens: 3 * vectors.length } },
		}),
		tokensEach: 3,
	},
	"cohere on bedrock": {
		translator: bedrockCohereEmbed,
		answer: (vectors) => ({ embeddings: vectors.map((values) => [...values]), response_type: "embeddings_floats" }),
		headers: (vectors) => new Headers({ "X-Amzn-Bedrock-Input-Token-Count": String(3 * vectors.length) }),
		tokensEach: 3,
	},
	titan: {
		translator: titanEmbed,
		answer: ([values = []]) => ({ embedding: [...values], inputTextTokenCount: 3 }),
		tokensEach: 3,
		oneTextACall: true,
	},
	"vertex, embedContent": {
		translator: vertexEmbedContent,
		answer: ([values = []]) => ({ embedding: { values: [...values] }, usageMetadata: { promptTokenCount: 3 } }),
		tokensEach: 3,
		oneTextACall: true,
	},
};
const NAMES = Object.keys(WIRES);
const ONE_TEXT = NAMES.filter((name) => WIRES[name]?.oneTextACall);

function wireOf(name: string): Wire {
	const wire = WIRES[name];
	if (wire === undefined) {
		throw new Error(name);
	}
	return wire;
}

function translated(name: string, fields: JsonObject) {
	return wireOf(name).translator.translate({ model: "alias", ...fields }, TARGET);
}

function refusal(name: string, fields: JsonObject): { param: string | undefined; code: string | undefined } {
	try {
		translated(name, fields);
	} catch (error) {
		if (error instanceof GatewayError && error.status === 400) {
			return { param: error.param, code: error.code };
		}
		throw error;
	}
	throw new Error("nothing was refused");
}

describe("requests", () => {
	const table: readonly (readonly [name: string, sent: JsonObject, body: JsonObject, dropped?: readonly string[]])[] = [
		["gemini", { input: "a" }, { requests: [{ model: "models/embed-1", content: { parts: [{ text: "a" }] } }] }],
		[
			"gemini",
			{ input: ["a", "b"], dimensions: 8, input_type: "search_query", user: "me" },
			{
				requests: ["a", "b"].map((text) => ({
					model: "models/embed-1",
					content: { parts: [{ text }] },
					outputDimensionality: 8,
					taskType: "RETRIEVAL_QUERY",
				})),
			},
			["user"],
		],
		["vertex", { input: "a" }, { instances: [{ content: "a" }], parameters: { autoTruncate: false } }],
		[
			"vertex",
			{ input: ["a"], dimensions: 8, task_type: "code_retrieval_query" },
			{
				instances: [{ content: "a", task_type: "CODE_RETRIEVAL_QUERY" }],
				parameters: { autoTruncate: false, outputDimensionality: 8 },
			},
		],
		[
			"cohere",
			{ input: "a", user: "me" },
			{
				model: "embed-1",
				texts: ["a"],
				input_type: "search_document",
				embedding_types: ["float"],
				truncate: "NONE",
			},
			["user"],
		],
		[
			"cohere",
			{ input: ["a", "b"], dimensions: 256, input_type: "clustering", truncate: "END", encoding_format: "base64" },
			{
				model: "embed-1",
				texts: ["a", "b"],
				input_type: "clustering",
				embedding_types: ["float"],
				truncate: "END",
				output_dimension: 256,
			},
		],
		[
			"cohere on bedrock",
			{ input: ["a"], dimensions: 256, made_up: true },
			{
				texts: ["a"],
				input_type: "search_document",
				embedding_types: ["float"],
				truncate: "NONE",
				output_dimension: 256,
			},
			["made_up"],
		],
		[
			"vertex, embedContent",
			{ input: ["a"], dimensions: 8, task_type: "clustering", user: "me" },
			{ content: { parts: [{ text: "a" }] }, autoTruncate: false, outputDimensionality: 8 },
			["task_type", "user"],
		],
		["titan", { input: "a" }, { inputText: "a" }],
		[
			"titan",
			{ input: ["a"], dimensions: 256, normalize: false },
			{ inputText: "a", dimensions: 256, normalize: false },
		],
	];
	test.each(table)("%s %j", (name, sent, body, dropped = []) => {
		const translation = translated(name, sent);
		expect(translation.body).toEqual(body);
		expect(translation.dropped).toEqual(dropped);
	});

	test("a model that is a resource name already keeps it", () => {
		const { body } = geminiEmbed.translate({ input: "a" }, { ...TARGET, model: "models/gemini-embedding-001" });
		expect(body).toMatchObject({ requests: [{ model: "models/gemini-embedding-001" }] });
	});

	test.each(NAMES)("token numbers are refused by %s", (name) => {
		for (const input of [[1, 2, 3], [[1, 2]]]) {
			expect(refusal(name, { input })).toEqual({ param: "input", code: "unsupported_parameter" });
		}
	});

	test.each(ONE_TEXT)("%s takes one text a call", (name) => {
		expect(refusal(name, { input: ["a", "b"] })).toEqual({ param: "input", code: "unsupported_parameter" });
	});

	test.each(["gemini-embedding-2", "models/gemini-embedding-2-preview", "gemini-embedding-3"])(
		"%s is not told a task, of which it knows nothing",
		(model) => {
			const request = { input: "a", task_type: "clustering", input_type: "document" };
			const { body, dropped } = geminiEmbed.translate(request, { ...TARGET, model });
			expect(JSON.stringify(body)).not.toContain("taskType");
			expect(dropped).toEqual(["task_type", "input_type"]);
		},
	);
});

describe("answers", () => {
	test.each(NAMES)("the list of %s is OpenAI's", (name) => {
		const { answer, headers, tokensEach } = wireOf(name);
		const vectors = [
			[0.5, -1],
			[0.25, 2],
			[3, 4],
		].slice(0, ONE_TEXT.includes(name) ? 1 : undefined);
		const input = vectors.map((_, index) => `text ${index}`);
		const list = translated(name, { input }).whole(answer(vectors), headers?.(vectors));
		const tokens = tokensEach === undefined ? undefined : tokensEach * vectors.length;
		expect(list).toEqual({
			object: "list",
			data: vectors.map((embedding, index) => ({ object: "embedding", index, embedding })),
			model: "embed-1",
			...(tokens === undefined ? {} : { usage: { prompt_tokens: tokens, total_tokens: tokens } }),
		});
		const counted = { usage: { prompt_tokens: 0, total_tokens: 0 }, ...list };
		expect(schemaFaults("CreateEmbeddingResponse", counted)).toEqual([]);
	});

	test.each(NAMES)("base64 from %s decodes to the very floats", (name) => {
		fc.assert(
			fc.property(fc.array(fc.double({ noNaN: true, min: -1e38, max: 1e38 }), { minLength: 1 }), (vector) => {
				const translation = translated(name, { input: "a", encoding_format: "base64" });
				const list = translation.whole(JSON.parse(JSON.stringify(wireOf(name).answer([vector]))));
				// As the SDKs of OpenAI read it.
				const bytes = Buffer.from(JSON.parse(JSON.stringify(list)).data[0].embedding, "base64");
				const decoded = Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readFloatLE(index * 4));
				expect(decoded.map((value) => value + 0)).toEqual(vector.map((value) => Math.fround(value) + 0));
			}),
		);
	});

	test.each(NAMES)("what is no list of vectors is no answer of %s", (name) => {
		const { answer } = wireOf(name);
		const translation = translated(name, { input: "a" });
		for (const odd of [{}, { data: [] }, answer([]), answer([[]])]) {
			expect(translation.whole(odd)).toBeUndefined();
		}
	});

	test.each(NAMES.filter((name) => !ONE_TEXT.includes(name)))("%s may not leave a text without its vector", (name) => {
		const { answer } = wireOf(name);
		const translation = translated(name, { input: ["a", "b"] });
		expect(translation.whole(answer([[1]]))).toBeUndefined();
		expect(translation.whole(answer([[1], []]))).toBeUndefined();
	});

	test("both shapes of Titan and of Cohere are read", () => {
		const titan = { embeddingsByType: { float: [1, 2], binary: [0, 1] }, inputTextTokenCount: 2 };
		const embedding = (list: JsonObject | undefined) => JSON.parse(JSON.stringify(list)).data[0].embedding;
		expect(embedding(translated("titan", { input: "a" }).whole(titan))).toEqual([1, 2]);
		const byType = { embeddings: { float: [[1, 2]] }, response_type: "embeddings_by_type" };
		expect(embedding(translated("cohere on bedrock", { input: "a" }).whole(byType))).toEqual([1, 2]);
		expect(embedding(translated("cohere", { input: "a" }).whole({ embeddings: [[1, 2]] }))).toEqual([1, 2]);
	});

	test("Gemini's count is told where it tells one", () => {
		const answer = { embedding: { values: [1] }, usageMetadata: { promptTokenCount: 7 } };
		expect(translated("gemini", { input: "a" }).whole(answer)?.usage).toEqual({ prompt_tokens: 7, total_tokens: 7 });
	});

	test.each([undefined, "", "-1", "3.5", "many", "1e3", "9".repeat(20)])("%j is no count of Bedrock's", (told) => {
		const { answer } = wireOf("cohere on bedrock");
		const headers = told === undefined ? undefined : new Headers({ "x-amzn-bedrock-input-token-count": told });
		expect(translated("cohere on bedrock", { input: "a" }).whole(answer([[1]]), headers)?.usage).toBeUndefined();
	});

	test("a count that nobody told can be put in", () => {
		const list = translated("gemini", { input: "a" }).whole(wireOf("gemini").answer([[1]])) ?? {};
		const counted = embeddingsAnswer.withUsage?.(list, 7);
		expect(counted).toEqual({ ...list, usage: { prompt_tokens: 7, total_tokens: 7 } });
		expect(list.usage).toBeUndefined();
		expect(schemaFaults("CreateEmbeddingResponse", counted)).toEqual([]);
		expect(embeddingsAnswer.usage(counted ?? {})?.input).toBe(7);
	});

	test("Vertex' count is none where a text was not counted", () => {
		const half = {
			predictions: [
				{ embeddings: { values: [1], statistics: { token_count: 3 } } },
				{ embeddings: { values: [2], statistics: {} } },
			],
		};
		const list = translated("vertex", { input: ["a", "b"] }).whole(half);
		expect(list?.data).toHaveLength(2);
		expect(list?.usage).toBeUndefined();
	});

	test.each(NAMES)("a failure inside a success of %s is told", (name) => {
		const list = translated(name, { input: "a" }).whole({ error: { message: "boom", code: 503 } });
		expect(list).toMatchObject({ error: { message: "boom", status: 503 } });
	});

	test.each(NAMES)("%s is never streamed", (name) => {
		expect(() => translated(name, { input: "a" }).openStream()).toThrow("never streamed");
	});
});

describe("faults", () => {
	const google = {
		error: { code: 429, message: "Quota", status: "RESOURCE_EXHAUSTED", details: [{ retryDelay: "17.5s" }] },
	};
	const wrongKey = { error: { code: 400, message: "API key not valid. Please pass one.", status: "INVALID_ARGUMENT" } };
	const table: readonly (readonly [
		name: string,
		body: JsonObject,
		status: number | undefined,
		expected: JsonObject,
	])[] = [
		[
			"gemini",
			google,
			429,
			{ status: 429, type: "rate_limit_error", code: "rate_limit_exceeded", retryAfterMs: 17_500 },
		],
		["gemini", google, undefined, { status: 429 }],
		["gemini", wrongKey, 400, { status: 401, type: "authentication_error", code: "invalid_api_key" }],
		["vertex", { error: { code: 404, message: "No model", status: "NOT_FOUND" } }, 404, { type: "not_found_error" }],
		["vertex", { error: { message: "oops" } }, 500, { status: 500, type: "server_error" }],
		[
			"cohere",
			{ id: "x", message: "invalid api token" },
			401,
			{ code: "invalid_api_key", message: "invalid api token" },
		],
		["titan", { message: "Too many input tokens. Max input tokens: 8192" }, 400, { code: "context_length_exceeded" }],
		["cohere on bedrock", { message: "Too many requests" }, 429, { status: 429, message: "Too many requests" }],
	];
	test.each(table)("%s %j %j", (name, body, status, expected) => {
		expect(translated(name, { input: "a" }).readFault(body, status)).toMatchObject(expected);
	});
});

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { BadRequestError } from "openai";
import { nanoOf } from "../support/cost-formula.ts";
import { expectValid } from "../support/faithful.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { PROVIDER_KEY } from "../support/gateway-config.ts";
import { NATIVE_PRICE } from "../support/native-cost.ts";
import { type NativeWire, nativeDeployment, providerOf } from "../support/native-deployment.ts";
import { json } from "../support/replies.ts";
import { createSdkClient, type SdkClient } from "../support/sdk-client.ts";
import { type Reply, startUpstream, type Upstream } from "../support/upstream.ts";

/*
 * Embeddings of every provider that has words of its own for them, asked for by the real `openai` package, which asks for
 * base64 unless it is told otherwise.
 */

/** 32-bit floats can hold these, so that they must come back as they are. */
const VECTORS = [
	[0.5, -1, 0.15625],
	[0.25, 2, -0.0078125],
] as const;
const TEXTS = ["The first text.", "Ein zweiter Text, mit Ümläuten."];
const TOKENS_EACH = 7;
/** A field that is not OpenAI's. */
const CLUSTERING = { input_type: "clustering" };
const NANO_PER_TOKEN = NATIVE_PRICE.input_per_million * 1_000;
const VERTEX = "/v1beta1/projects/test-project/locations/us-east5/publishers/google/models";

type Vectors = readonly (readonly number[])[];

interface Service {
	readonly wire: NativeWire;
	readonly model: string;
	readonly target: string;
	/** How many texts a call may hold. */
	readonly texts: 1 | 2;
	/** What the provider is asked for these texts, with and without a length. */
	body(texts: readonly string[], dimensions: number | undefined): unknown;
	reply(vectors: Vectors): Reply;
	/** Whether `reply` counts TOKENS_EACH for each text. */
	readonly counts: boolean;
	/** Of `input_type` and `user`. */
	readonly dropped: string;
}

const SERVICES: Readonly<Record<string, Service>> = {
	gemini: {
		wire: "gemini",
		model: "gemini-embedding-001",
		target: "/v1beta/models/gemini-embedding-001:batchEmbedContents",
		texts: 2,
		body: (texts, dimensions) => ({
			requests: texts.map((text) => ({
				model: "models/gemini-embedding-001",
				content: { parts: [{ text }] },
				...(dimensions === undefined ? {} : { outputDimensionality: dimensions }),
				taskType: "CLUSTERING",
			})),
		}),
		reply: (vectors) => json(200, { embeddings: vectors.map((values) => ({ values })) }),
		counts: false,
		dropped: "user",
	},
	"gemini, second generation": {
		wire: "gemini",
		model: "gemini-embedding-2",
		target: "/v1beta/models/gemini-embedding-2:batchEmbedContents",
		texts: 2,
		body: (texts, dimensions) => ({
			requests: texts.map((text) => ({
				model: "models/gemini-embedding-2",
				content: { parts: [{ text }] },
				...(dimensions === undefined ? {} : { outputDimensionality: dimensions }),
			})),
		}),
		reply: (vectors) =>
			json(200, {
				embeddings: vectors.map((values) => ({ values })),
				usageMetadata: { promptTokenCount: TOKENS_EACH * vectors.length },
			}),
		counts: true,
		dropped: "input_type, user",
	},
	vertex: {
		wire: "vertex",
		model: "text-embedding-005",
		target: `${VERTEX}/text-embedding-005:predict`,
		texts: 2,
		body: (texts, dimensions) => ({
			instances: texts.map((content) => ({ content, task_type: "CLUSTERING" })),
			parameters: {
				autoTruncate: false,
				...(dimensions === undefined ? {} : { outputDimensionality: dimensions }),
			},
		}),
		reply: (vectors) =>
			json(200, {
				predictions: vectors.map((values) => ({
					embeddings: { values, statistics: { token_count: TOKENS_EACH, truncated: false } },
				})),
				metadata: { billableCharacterCount: 40 },
			}),
		counts: true,
		dropped: "user",
	},
	"vertex, second generation": {
		wire: "vertex",
		model: "gemini-embedding-2-preview",
		target: `${VERTEX}/gemini-embedding-2-preview:embedContent`,
		texts: 1,
		body: ([text], dimensions) => ({
			content: { parts: [{ text }] },
			autoTruncate: false,
			...(dimensions === undefined ? {} : { outputDimensionality: dimensions }),
		}),
		reply: ([values]) =>
			json(200, { embedding: { values }, truncated: false, usageMetadata: { promptTokenCount: TOKENS_EACH } }),
		counts: true,
		dropped: "input_type, user",
	},
	cohere: {
		wire: "cohere",
		model: "embed-v4.0",
		target: "/v2/embed",
		texts: 2,
		body: (texts, dimensions) => ({
			model: "embed-v4.0",
			texts,
			input_type: "clustering",
			embedding_types: ["float"],
			truncate: "NONE",
			...(dimensions === undefined ? {} : { output_dimension: dimensions }),
		}),
		reply: (vectors) =>
			json(200, {
				id: "e-1",
				embeddings: { float: vectors },
				texts: vectors.map((_, index) => TEXTS[index]),
				meta: { api_version: { version: "2" }, billed_units: { input_tokens: TOKENS_EACH * vectors.length } },
			}),
		counts: true,
		dropped: "user",
	},
	titan: {
		wire: "bedrock",
		model: "amazon.titan-embed-text-v2:0",
		target: "/model/amazon.titan-embed-text-v2%3A0/invoke",
		texts: 1,
		body: ([inputText], dimensions) => ({ inputText, ...(dimensions === undefined ? {} : { dimensions }) }),
		reply: ([embedding]) => json(200, { embedding, inputTextTokenCount: TOKENS_EACH }),
		counts: true,
		dropped: "input_type, user",
	},
	"cohere on bedrock": {
		wire: "bedrock",
		model: "cohere.embed-multilingual-v3",
		target: "/model/cohere.embed-multilingual-v3/invoke",
		texts: 2,
		body: (texts, dimensions) => ({
			texts,
			input_type: "clustering",
			embedding_types: ["float"],
			truncate: "NONE",
			...(dimensions === undefined ? {} : { output_dimension: dimensions }),
		}),
		reply: (vectors) =>
			json(
				200,
				{ id: "e-1", embeddings: { float: vectors }, response_type: "embeddings_by_type" },
				{ headers: { "X-Amzn-Bedrock-Input-Token-Count": String(TOKENS_EACH * vectors.length) } },
			),
		counts: true,
		dropped: "user",
	},
};

const entries = Object.entries(SERVICES).map(([name, service]) => ({
	name,
	alias: name.replaceAll(/\W+/g, "-"),
	service,
}));
type Entry = (typeof entries)[number];

let upstream: Upstream;
let gateway: TestGateway;
let key: string;
let client: SdkClient;

beforeAll(async () => {
	upstream = await startUpstream(() => json(500, {}));
	gateway = await startTestGateway({
		aliases: Object.fromEntries(
			entries.map(({ alias, service }) => [
				alias,
				nativeDeployment(service.wire, upstream, { model: service.model, price: NATIVE_PRICE }),
			]),
		),
	});
	({ key } = await gateway.mint());
	client = createSdkClient(gateway, key);
});

afterAll(async () => {
	await gateway?.stop();
	await upstream?.[Symbol.asyncDispose]();
});

beforeEach(() => upstream.forget());

/** As many texts as a call of the provider takes, and their vectors. */
function asked({ service }: Entry) {
	const input = TEXTS.slice(0, service.texts);
	const vectors = VECTORS.slice(0, service.texts);
	upstream.script(() => service.reply(vectors));
	return { input, vectors: vectors.map((vector) => [...vector]) };
}

/** What left for the provider: to the right address, with its key and without the client's. */
function expectSent({ service }: Entry, body: unknown): void {
	const [received, ...more] = upstream.requests;
	expect(more).toEqual([]);
	expect(received?.target).toBe(service.target);
	expect(received?.json()).toEqual(body);
	const isGemini = service.wire === "gemini";
	const presented = received?.header(isGemini ? "x-goog-api-key" : "authorization");
	expect(presented).toBe(isGemini ? PROVIDER_KEY : `Bearer ${PROVIDER_KEY}`);
	expect(`${received?.target} ${JSON.stringify(received?.headers)} ${received?.text()}`).not.toContain(key);
}

async function trailOf(headers: Headers) {
	const trail = await gateway.admin("GET", `/requests/${headers.get("x-request-id")}`);
	const { attempts } = trail.json<{
		attempts: readonly { readonly usage_source: string; readonly usage: { readonly prompt_tokens: number } }[];
	}>();
	return attempts.map(({ usage_source: source, usage }) => ({ source, tokens: usage.prompt_tokens }));
}

describe("embeddings by way of a provider's own words", () => {
	test.each(entries)("$name: base64, as the client asks unasked, decodes to the provider's floats", async (entry) => {
		const { input, vectors } = asked(entry);
		const list = await client.openai.embeddings.create({ model: entry.alias, input, ...CLUSTERING, user: "user-1" });
		const { status, headers, text } = await client.wire();
		const onTheWire = JSON.parse(text);
		expect(status).toBe(200);
		expect(headers.get("content-type")).toStartWith("application/json");
		expect(list.data.map(({ embedding, index }) => [index, [...embedding]])).toEqual([...vectors.entries()]);
		expect(onTheWire.data.map(({ embedding }: { embedding: unknown }) => typeof embedding)).toEqual(
			vectors.map(() => "string"),
		);
		expect(list.model).toBe(entry.service.model);
		expect(headers.get("x-gateway-dropped")).toBe(entry.service.dropped);
		expect(decodeURIComponent(headers.get("x-gateway-decision") ?? "")).toBe(
			`${providerOf(entry.service.wire)}/${entry.service.model}`,
		);
		expectSent(entry, entry.service.body(input, undefined));
	});

	test.each(entries)(
		"$name: floats on request, of the length asked for, as OpenAI's document has them",
		async (entry) => {
			const { input, vectors } = asked(entry);
			const list = await client.openai.embeddings.create({
				model: entry.alias,
				input,
				encoding_format: "float",
				dimensions: 3,
				...CLUSTERING,
			});
			const { text } = await client.wire();
			expectValid("CreateEmbeddingResponse", [JSON.parse(text)]);
			expect(list.data.map(({ embedding }) => embedding)).toEqual(vectors);
			expectSent(entry, entry.service.body(input, 3));
		},
	);

	test.each(entries)("$name: one text, not in a list, is one vector", async (entry) => {
		asked(entry);
		upstream.script(() => entry.service.reply(VECTORS.slice(0, 1)));
		const list = await client.openai.embeddings.create({ model: entry.alias, input: "Hello" });
		expect(list.data.map(({ embedding }) => [...embedding])).toEqual([[...VECTORS[0]]]);
	});

	test.each(entries)("$name: the tokens told are the tokens paid", async (entry) => {
		const { input } = asked(entry);
		const list = await client.openai.embeddings.create({ model: entry.alias, input });
		const { headers } = await client.wire();
		const tokens = list.usage.prompt_tokens;
		expect(list.usage).toEqual({ prompt_tokens: tokens, total_tokens: tokens });
		if (entry.service.counts) {
			expect(tokens).toBe(TOKENS_EACH * input.length);
		} else {
			// The gateway's own bound: no less than the words there are, and no more than the bytes of a request.
			expect(tokens).toBeGreaterThanOrEqual(input.join(" ").split(" ").length);
			expect(tokens).toBeLessThanOrEqual(Buffer.byteLength(JSON.stringify({ model: entry.alias, input })));
		}
		expect(nanoOf(headers.get("x-gateway-cost-usd"))).toBe(tokens * NANO_PER_TOKEN);
		expect(await trailOf(headers)).toEqual([{ source: entry.service.counts ? "provider" : "estimated", tokens }]);
	});

	test.each(entries.filter(({ service }) => service.texts === 1))(
		"$name: more texts than a call takes are refused before anything is sent",
		async (entry) => {
			asked(entry);
			const raised = await client.openai.embeddings
				.create({ model: entry.alias, input: TEXTS })
				.catch((error: unknown) => error);
			expect(raised).toBeInstanceOf(BadRequestError);
			expect(raised).toMatchObject({ status: 400, param: "input", code: "unsupported_parameter" });
			expect(upstream.requests.length).toBe(0);
		},
	);

	test("a count that Bedrock left out is the gateway's own", async () => {
		const entry = entries.find(({ name }) => name === "cohere on bedrock");
		if (entry === undefined) {
			throw new Error("no such service");
		}
		const { input, vectors } = asked(entry);
		upstream.script(() => json(200, { id: "e-1", embeddings: { float: vectors } }));
		const list = await client.openai.embeddings.create({ model: entry.alias, input, encoding_format: "float" });
		const { headers, text } = await client.wire();
		expectValid("CreateEmbeddingResponse", [JSON.parse(text)]);
		expect(await trailOf(headers)).toEqual([{ source: "estimated", tokens: list.usage.prompt_tokens }]);
	});

	test.each(entries)("$name: an answer without its vectors is a failure of the provider", async (entry) => {
		const { input } = asked(entry);
		upstream.script(() => json(200, { embeddings: [] }));
		const raised = await client.openai.embeddings
			.create({ model: entry.alias, input })
			.catch((error: unknown) => error);
		expect(raised).toMatchObject({ status: 502 });
	});
});

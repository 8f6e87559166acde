import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { BadRequestError } from "openai";
import { nanoOf } from "../support/cost-formula.ts";
import { expectValid } from "../support/faithful.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { PROVIDER_KEY } from "../support/gateway-config.ts";
import { NATIVE_PRICE } from "../support/native-cost.ts";
import { type NativeWire, nativeDeployment } from "../support/native-deployment.ts";
import { json } from "../support/replies.ts";
import { createSdkClient, type SdkClient } from "../support/sdk-client.ts";
import { type Reply, startUpstream, type Upstream } from "../support/upstream.ts";

/* Images of Google's models, asked for by the real `openai` package. */

const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const VERTEX = "/v1beta1/projects/test-project/locations/us-east5/publishers/google/models";
const PER_IMAGE = 0.04;
const NANO_PER_DOLLAR = 1_000_000_000;
const COUNTED = {
	promptTokenCount: 12,
	candidatesTokenCount: 1_300,
	thoughtsTokenCount: 40,
	totalTokenCount: 1_352,
	promptTokensDetails: [{ modality: "TEXT", tokenCount: 12 }],
	candidatesTokensDetails: [
		{ modality: "IMAGE", tokenCount: 1_290 },
		{ modality: "TEXT", tokenCount: 10 },
	],
};
const { input_per_million: INPUT, output_per_million: OUTPUT } = NATIVE_PRICE;
const { image_output_per_million: DRAWN, reasoning_per_million: THOUGHT } = NATIVE_PRICE;
const NANO_PER_TOKEN_AT_ONE_DOLLAR = 1_000;
const GEMINI_NANO = (12 * INPUT + 1_290 * DRAWN + 10 * OUTPUT + 40 * THOUGHT) * NANO_PER_TOKEN_AT_ONE_DOLLAR;

interface Service {
	readonly wire: NativeWire;
	readonly model: string;
	readonly target: string;
	readonly kind: "imagen" | "gemini";
}

const SERVICES: readonly Service[] = [
	{
		wire: "gemini",
		model: "imagen-4.0-generate-001",
		target: "/v1beta/models/imagen-4.0-generate-001:predict",
		kind: "imagen",
	},
	{
		wire: "vertex",
		model: "imagen-4.0-fast-generate-001",
		target: `${VERTEX}/imagen-4.0-fast-generate-001:predict`,
		kind: "imagen",
	},
	{
		wire: "gemini",
		model: "gemini-2.5-flash-image",
		target: "/v1beta/models/gemini-2.5-flash-image:generateContent",
		kind: "gemini",
	},
	{
		wire: "vertex",
		model: "gemini-3-pro-image-preview",
		target: `${VERTEX}/gemini-3-pro-image-preview:generateContent`,
		kind: "gemini",
	},
];
const imagen = SERVICES.filter(({ kind }) => kind === "imagen");
const drawing = SERVICES.filter(({ kind }) => kind === "gemini");

function imagenReply(images: number): Reply {
	return json(200, {
		predictions: Array.from({ length: images }, () => ({ mimeType: "image/png", bytesBase64Encoded: PIXEL })),
	});
}

function geminiReply(candidate: Record<string, unknown> = {}): Reply {
	const parts = [
		{ text: "A draft.", thought: true },
		{ inlineData: { mimeType: "image/png", data: "ZHJhZnQ=" }, thought: true },
		{ text: "Here it is." },
		{ inlineData: { mimeType: "image/png", data: PIXEL } },
	];
	return json(200, {
		candidates: [{ content: { role: "model", parts }, finishReason: "STOP", index: 0, ...candidate }],
		usageMetadata: COUNTED,
		modelVersion: "gemini",
		responseId: "r-1",
	});
}

let upstream: Upstream;
let gateway: TestGateway;
let key: string;
let client: SdkClient;

beforeAll(async () => {
	upstream = await startUpstream(() => json(500, {}));
	const price = { ...NATIVE_PRICE, per_image: PER_IMAGE };
	gateway = await startTestGateway({
		aliases: Object.fromEntries(
			SERVICES.map(({ wire, model, kind }) => [
				model,
				nativeDeployment(wire, upstream, { model, price: kind === "imagen" ? price : NATIVE_PRICE }),
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

/** What left for the provider: to the right address, with its key and without the client's. */
function expectSent({ wire, target }: Service, body: unknown): void {
	expect(upstream.requests.map((received) => received.target)).toEqual([target]);
	const [received] = upstream.requests;
	expect(received?.json()).toEqual(body);
	const isGemini = wire === "gemini";
	const presented = received?.header(isGemini ? "x-goog-api-key" : "authorization");
	expect(presented).toBe(isGemini ? PROVIDER_KEY : `Bearer ${PROVIDER_KEY}`);
	expect(`${received?.target} ${JSON.stringify(received?.headers)} ${received?.text()}`).not.toContain(key);
}

describe("images by way of Imagen", () => {
	test.each(imagen)("$wire: as many as asked for, each paid once", async (service) => {
		upstream.script(() => imagenReply(2));
		const made = await client.openai.images.generate({
			model: service.model,
			prompt: "A lighthouse",
			n: 2,
			size: "1024x1024",
			response_format: "b64_json",
			quality: "hd",
			user: "user-1",
		});
		const { headers, text } = await client.wire();
		expectValid("ImagesResponse", [JSON.parse(text)]);
		expect(made.data?.map(({ b64_json: image }) => image)).toEqual([PIXEL, PIXEL]);
		expect(made.output_format).toBe("png");
		expect(headers.get("x-gateway-dropped")).toBe("quality, user");
		expect(nanoOf(headers.get("x-gateway-cost-usd"))).toBe(2 * PER_IMAGE * NANO_PER_DOLLAR);
		expectSent(service, {
			instances: [{ prompt: "A lighthouse" }],
			parameters: { sampleCount: 2, includeRaiReason: true, aspectRatio: "1:1" },
		});
	});

	test.each(imagen)("$wire: those that the filters held back are not paid", async (service) => {
		const reason = "Unable to show some of the generated images.";
		upstream.script(() =>
			json(200, {
				predictions: [{ mimeType: "image/png", bytesBase64Encoded: PIXEL }, { raiFilteredReason: reason }],
			}),
		);
		const made = await client.openai.images.generate({ model: service.model, prompt: "x", n: 2 });
		const { headers } = await client.wire();
		expect(made.data?.length).toBe(1);
		expect(nanoOf(headers.get("x-gateway-cost-usd"))).toBe(PER_IMAGE * NANO_PER_DOLLAR);
		upstream.script(() => json(200, { predictions: [{ raiFilteredReason: reason }] }));
		const raised = await client.openai.images
			.generate({ model: service.model, prompt: "x" })
			.catch((error: unknown) => error);
		expect(raised).toBeInstanceOf(BadRequestError);
		expect(raised).toMatchObject({ code: "content_policy_violation", error: { message: reason } });
		expect(nanoOf((await client.wire()).headers.get("x-gateway-cost-usd"))).toBe(0);
	});
});

describe("images by way of Gemini", () => {
	test.each(drawing)("$wire: the one that is no draft, with its tokens paid by kind", async (service) => {
		upstream.script(() => geminiReply());
		const made = await client.openai.images.generate({
			model: service.model,
			prompt: "A lighthouse",
			size: "1536x1024",
			output_format: "png",
			user: "user-1",
		});
		const { headers, text } = await client.wire();
		expectValid("ImagesResponse", [JSON.parse(text)]);
		expect(made.data?.map(({ b64_json: image }) => image)).toEqual([PIXEL]);
		expect(made.usage).toMatchObject({
			input_tokens: 12,
			output_tokens: 1_340,
			total_tokens: 1_352,
			input_tokens_details: { text_tokens: 12, image_tokens: 0 },
			output_tokens_details: { image_tokens: 1_290, text_tokens: 50 },
		});
		expect(headers.get("x-gateway-dropped")?.split(", ").toSorted()).toEqual(["output_format", "size", "user"]);
		expect(nanoOf(headers.get("x-gateway-cost-usd"))).toBe(GEMINI_NANO);
		expectSent(service, {
			contents: [{ role: "user", parts: [{ text: "A lighthouse" }] }],
			generationConfig: { responseModalities: ["IMAGE"], imageConfig: { aspectRatio: "3:2" } },
		});
	});

	test.each(drawing)("$wire: more than one is refused before anything is sent", async ({ model }) => {
		const raised = await client.openai.images.generate({ model, prompt: "x", n: 2 }).catch((error: unknown) => error);
		expect(raised).toMatchObject({ status: 400, param: "n", code: "unsupported_parameter" });
		expect(upstream.requests.length).toBe(0);
	});

	test.each(drawing)("$wire: an image held back is the request's own fault", async ({ model }) => {
		upstream.script(() => geminiReply({ content: {}, finishReason: "IMAGE_SAFETY" }));
		const raised = await client.openai.images.generate({ model, prompt: "x" }).catch((error: unknown) => error);
		expect(raised).toMatchObject({ status: 400, code: "content_policy_violation" });
	});
});

describe("what none of Google's models can do is refused by name", () => {
	test.each(SERVICES)("$model", async ({ model }) => {
		for (const [param, value] of [
			["response_format", "url"],
			["background", "transparent"],
		] as const) {
			const raised = await client.openai.images
				.generate({ model, prompt: "x", [param]: value })
				.catch((error: unknown) => error);
			expect(raised).toMatchObject({ status: 400, param, code: "unsupported_parameter" });
		}
		expect(upstream.requests.length).toBe(0);
	});
});

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import OpenAI, { APIError } from "openai";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { type RecordedCase, recordedCases, replay } from "../support/recorded.ts";
import { clientRequest, REPLAYED_APIS } from "../support/recorded-request.ts";
import { parseSse } from "../support/sse-events.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

/* The real `openai` package, pointed at the gateway, gets what it would have got from the provider. */
const cases = recordedCases(({ api }) => REPLAYED_APIS.has(api))
	.filter(({ sure }) => sure)
	.map((recorded, index) => ({ name: recorded.id, alias: `case-${index}`, recorded }));

let upstream: Upstream;
let gateway: TestGateway;
let client: OpenAI;
let current: RecordedCase;

beforeAll(async () => {
	upstream = await startUpstream(() => replay(current));
	gateway = await startTestGateway({ aliases: Object.fromEntries(cases.map(({ alias }) => [alias, { upstream }])) });
	const { key } = await gateway.mint();
	client = new OpenAI({ apiKey: key, baseURL: `${gateway.url}/v1`, maxRetries: 0 });
});

afterAll(async () => {
	await gateway?.stop();
	await upstream?.[Symbol.asyncDispose]();
});

/** The SDK's own method for a path. The bodies are recorded JSON, so the parameter types are asserted away. */
async function call(path: string, body: Record<string, unknown>, form: FormData | undefined): Promise<unknown> {
	const file = form?.get("file") ?? form?.get("image");
	const upload = { model: String(form?.get("model")), file, image: file, prompt: "A cat" };
	switch (path) {
		case "/v1/chat/completions":
			return client.chat.completions.create(body as never);
		case "/v1/completions":
			return client.completions.create(body as never);
		case "/v1/embeddings":
			return client.embeddings.create(body as never);
		case "/v1/images/generations":
			return client.images.generate(body as never);
		case "/v1/moderations":
			return client.moderations.create(body as never);
		case "/v1/responses":
			return client.responses.create(body as never);
		case "/v1/audio/transcriptions":
			return client.audio.transcriptions.create(upload as never);
		case "/v1/audio/translations":
			return client.audio.translations.create(upload as never);
		case "/v1/images/edits":
			return client.images.edit(upload as never);
		default:
			throw new Error(`no SDK method for ${path}`);
	}
}

function bodyFor(recorded: RecordedCase, alias: string): Record<string, unknown> {
	const body = clientRequest(recorded, alias).json ?? {};
	// Without a format the SDK asks for base64 and decodes it, which a recorded list of floats is not.
	return recorded.api === "openai.embeddings" ? { encoding_format: "float", ...body } : body;
}

describe("the openai package gets the recorded answer", () => {
	const whole = cases.filter(({ recorded }) => recorded.status === 200 && !recorded.stream);
	test.each(whole)("$name", async ({ alias, recorded }) => {
		current = recorded;
		const { path, form } = clientRequest(recorded, alias);
		const answer = await call(path, bodyFor(recorded, alias), form);
		const expected = JSON.parse(recorded.response.body.toString());
		// The SDK adds `output_text`, joined from the items, to Responses.
		expect(answer).toEqual(recorded.api === "openai.responses" ? expect.objectContaining(expected) : expected);
	});
});

describe("the openai package gets the recorded stream", () => {
	const streams = cases.filter(({ recorded }) => recorded.status === 200 && recorded.stream);
	test.each(streams)("$name", async ({ alias, recorded }) => {
		current = recorded;
		const body = bodyFor(recorded, alias);
		const asked = recorded.api === "openai.responses" ? {} : { stream_options: { include_usage: true } };
		const stream = (await call(
			clientRequest(recorded, alias).path,
			{ ...body, ...asked },
			undefined,
		)) as AsyncIterable<unknown>;
		const got: unknown[] = [];
		for await (const chunk of stream) {
			got.push(chunk);
		}
		const expected = parseSse(recorded.response.body.toString()).data.filter((data) => !data.startsWith("[DONE]"));
		expect(got).toEqual(expected.map((data) => JSON.parse(data)));
	});
});

describe("the openai package raises the provider's refusal", () => {
	const refused = cases.filter(({ recorded }) => recorded.status === 400 || recorded.status === 404);
	test.each(refused)("$name", async ({ alias, recorded }) => {
		current = recorded;
		const { path, form } = clientRequest(recorded, alias);
		const error = await call(path, bodyFor(recorded, alias), form).catch((raised: unknown) => raised);
		expect(error).toBeInstanceOf(APIError);
		const { message } = JSON.parse(recorded.response.body.toString()).error;
		expect(error).toMatchObject({ status: recorded.status, message: `${recorded.status} ${message}` });
	});
});

test("the openai package lists the aliases", async () => {
	const { data } = await client.models.list();
	expect(data.map(({ id }) => id).sort()).toEqual(cases.map(({ alias }) => alias).sort());
	const one = await client.models.retrieve("case-0");
	expect(one).toMatchObject({ id: "case-0", object: "model" });
});

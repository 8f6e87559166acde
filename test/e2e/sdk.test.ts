import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import OpenAI, { APIError } from "openai";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { type RecordedCase, recordedCases, replay } from "../support/recorded.ts";
import { clientRequest, REPLAYED_APIS } from "../support/recorded-request.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

/*
 * The real `openai` package, pointed at the gateway, makes of each recorded answer exactly what it makes of it when it is
 * pointed at the provider: values, streams and errors.
 */
const cases = recordedCases(({ api }) => REPLAYED_APIS.has(api))
	// One recording is an error object under the status 200: see replay.test.ts.
	.filter(({ sure, id }) => sure && !id.includes("prompt_content_filtering"))
	.map((recorded, index) => ({ name: recorded.id, alias: `case-${index}`, recorded }));

let upstream: Upstream;
let gateway: TestGateway;
let client: OpenAI;
let direct: OpenAI;
let current: RecordedCase;

beforeAll(async () => {
	upstream = await startUpstream(() => replay(current));
	gateway = await startTestGateway({ aliases: Object.fromEntries(cases.map(({ alias }) => [alias, { upstream }])) });
	const { key } = await gateway.mint();
	client = new OpenAI({ apiKey: key, baseURL: `${gateway.url}/v1`, maxRetries: 0 });
	direct = new OpenAI({ apiKey: "none", baseURL: `${upstream.url}/v1`, maxRetries: 0 });
});

afterAll(async () => {
	await gateway?.stop();
	await upstream?.[Symbol.asyncDispose]();
});

/** The SDK's own method for a path. The bodies are recorded JSON, so the parameter types are asserted away. */
async function call(
	from: OpenAI,
	path: string,
	body: Record<string, unknown>,
	form: FormData | undefined,
): Promise<unknown> {
	const file = form?.get("file") ?? form?.get("image");
	const upload = { model: String(form?.get("model")), file, image: file, prompt: "A cat" };
	switch (path) {
		case "/v1/chat/completions":
			return from.chat.completions.create(body as never);
		case "/v1/completions":
			return from.completions.create(body as never);
		case "/v1/embeddings":
			return from.embeddings.create(body as never);
		case "/v1/images/generations":
			return from.images.generate(body as never);
		case "/v1/moderations":
			return from.moderations.create(body as never);
		case "/v1/responses":
			return from.responses.create(body as never);
		case "/v1/audio/transcriptions":
			return from.audio.transcriptions.create(upload as never);
		case "/v1/audio/translations":
			return from.audio.translations.create(upload as never);
		case "/v1/images/edits":
			return from.images.edit(upload as never);
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
		const answer = await call(client, path, bodyFor(recorded, alias), form);
		expect(answer).toEqual(await call(direct, path, bodyFor(recorded, alias), form));
		expect(answer).toBeTruthy();
	});
});

async function collect(from: OpenAI, path: string, body: Record<string, unknown>): Promise<unknown[]> {
	// With `stream: true` every method of the SDK returns an async iterable.
	const stream = (await call(from, path, body, undefined)) as AsyncIterable<unknown>;
	return Array.fromAsync(stream);
}

describe("the openai package gets the recorded stream", () => {
	const streams = cases.filter(({ recorded }) => recorded.status === 200 && recorded.stream);
	test.each(streams)("$name", async ({ alias, recorded }) => {
		current = recorded;
		const asked = recorded.api === "openai.responses" ? {} : { stream_options: { include_usage: true } };
		const body = { ...bodyFor(recorded, alias), ...asked };
		const { path } = clientRequest(recorded, alias);
		const got = await collect(client, path, body);
		expect(got).toEqual(await collect(direct, path, body));
		expect(got.length).toBeGreaterThan(1);
	});
});

describe("the openai package raises the provider's refusal", () => {
	const refused = cases.filter(({ recorded }) => recorded.status === 400 || recorded.status === 404);
	test.each(refused)("$name", async ({ alias, recorded }) => {
		current = recorded;
		const { path, form } = clientRequest(recorded, alias);
		const raised = (from: OpenAI) => call(from, path, bodyFor(recorded, alias), form).catch((error: unknown) => error);
		const error = await raised(client);
		expect(error).toBeInstanceOf(APIError);
		const { status, message, type, code, param } = (await raised(direct)) as APIError;
		expect(error).toMatchObject({ status, message, type, code, param });
	});
});

test("the openai package lists the aliases", async () => {
	const { data } = await client.models.list();
	expect(data.map(({ id }) => id).sort()).toEqual(cases.map(({ alias }) => alias).sort());
	const one = await client.models.retrieve("case-0");
	expect(one).toMatchObject({ id: "case-0", object: "model" });
});

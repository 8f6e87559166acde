import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { costByHand, nanoOf, TELLING_PRICE } from "../support/cost-formula.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import type { MintedKey } from "../support/gateway-client.ts";
import { type RecordedCase, recordedCases, replay } from "../support/recorded.ts";
import { clientRequest, isUsageChunk, REPLAYED_APIS } from "../support/recorded-request.ts";
import { finalCost, parseSse, withoutGatewayComments } from "../support/sse-events.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

/*
 * Every recorded answer of an OpenAI-compatible provider goes through the gateway and must come out as it went in.
 * Each case has an alias, and so a deployment, of its own: a recorded 401 or 429 rests only its own.
 */
const cases = recordedCases(({ api }) => REPLAYED_APIS.has(api)).map((recorded, index) => ({
	name: recorded.id,
	alias: `case-${index}`,
	recorded,
}));
/** Recordings whose status says less than their body. */
const FAILURES_UNDER_200: ReadonlyMap<string, number> = new Map([
	// Azure's content filter says 400 inside a 200: the request's own fault, passed on as it was said.
	["azure/openllmetry.test_azure_test_prompt_content_filtering.0", 200],
	// The first words of the stream say that the quota is exhausted, so there is still time to say so by status.
	["openai/ai.openai_responses_openai-error.1.chunks.0", 429],
]);
/** Its recorder cut the last event in two: to the gateway, as to any client, a broken stream. */
const CUT_BY_ITS_RECORDER = "openai/ai.openai_responses_parallel-tool-call-wrapper.1.chunks.0";

const ok = cases.filter(
	({ name, recorded }) => recorded.status === 200 && !FAILURES_UNDER_200.has(name) && name !== CUT_BY_ITS_RECORDER,
);
const whole = ok.filter(({ recorded }) => !recorded.stream);
const streams = ok.filter(({ recorded }) => recorded.stream);
const refused = cases.filter(({ recorded }) => recorded.status !== 200);
const failures = cases.filter(({ name }) => FAILURES_UNDER_200.has(name));

let upstream: Upstream;
let gateway: TestGateway;
let key: MintedKey;
let seenNano = 0;
let seenRequests = 0;

beforeAll(async () => {
	upstream = await startUpstream(() => replay(current));
	gateway = await startTestGateway({
		aliases: Object.fromEntries(
			cases.map(({ alias, recorded }) => [
				alias,
				{ upstream, model: recorded.model ?? "recorded-model", price: TELLING_PRICE },
			]),
		),
	});
	key = await gateway.mint({ name: "replay" });
});

afterAll(async () => {
	await gateway?.stop();
	await upstream?.[Symbol.asyncDispose]();
});

/** Cases run one after the other: this is what the upstream answers now. */
let current: RecordedCase;

async function send(recorded: RecordedCase, alias: string, patch: Record<string, unknown> = {}): Promise<Response> {
	current = recorded;
	upstream.forget();
	const request = clientRequest(recorded, alias);
	return fetch(`${gateway.url}${request.path}`, {
		method: "POST",
		headers: {
			authorization: `Bearer ${key.key}`,
			...(request.form === undefined ? { "content-type": "application/json" } : {}),
		},
		body: request.form ?? JSON.stringify({ ...request.json, ...patch }),
	});
}

function expectGatewayHeaders(response: Response, recorded: RecordedCase): void {
	expect(Object.fromEntries(response.headers)).toMatchObject({
		"x-gateway-decision": expect.stringMatching(/^openai\/./),
		"x-gateway-route-bucket": expect.stringMatching(/^(simple|medium|complex)$/),
		"x-gateway-route-score": expect.stringMatching(/^(0\.\d\d|1\.00)$/),
		"x-gateway-cost-usd": expect.stringMatching(/^\d+\.\d{6,}$/),
		"x-gateway-retries": "0",
		"x-request-id": expect.stringMatching(/^req_[0-9A-HJKMNP-TV-Z]{26}$/),
	});
	expect(decodeURIComponent(response.headers.get("x-gateway-decision") ?? "")).toBe(
		`openai/${recorded.model ?? "recorded-model"}`,
	);
}

/** What left for the provider: the client's bytes, with the model's name and (chat streams) the wish for usage spliced in. */
function expectForwarded(recorded: RecordedCase, alias: string): void {
	expect(upstream.requests.length).toBe(1);
	const received = upstream.requests[0];
	const request = clientRequest(recorded, alias);
	if (request.json === undefined) {
		expect(received?.header("content-type")).toStartWith("multipart/form-data; boundary=");
		expect(received?.text()).toContain(recorded.model ?? "recorded-model");
		return;
	}
	const model = JSON.stringify(recorded.model ?? "recorded-model");
	const sent = JSON.stringify(request.json).replace(`"model":${JSON.stringify(alias)}`, `"model":${model}`);
	const asked = /"stream_options":\{[^}]*"include_usage":true/.test(sent);
	if (!recorded.stream || recorded.api === "openai.responses" || asked) {
		expect(received?.text()).toBe(sent);
		return;
	}
	const options = { ...(request.json.stream_options as object | undefined), include_usage: true };
	expect(received?.json()).toEqual({ ...JSON.parse(sent), stream_options: options });
	const spliced = received?.text().replace(/,?"stream_options":\{[^}]*\},?/, "");
	expect(spliced?.replaceAll(",", "")).toBe(sent.replace(/,?"stream_options":\{[^}]*\}/, "").replaceAll(",", ""));
}

function book(costText: string | null | undefined): number {
	const cost = nanoOf(costText);
	seenNano += cost;
	seenRequests += 1;
	return cost;
}

describe("an answer comes back byte for byte, with its cost", () => {
	test.each(whole)("$name", async ({ alias, recorded }) => {
		const response = await send(recorded, alias);
		const body = Buffer.from(await response.arrayBuffer());
		expect(response.status).toBe(200);
		expect(body.equals(recorded.response.body)).toBe(true);
		expect(response.headers.get("content-type")).toBe(
			recorded.response.headers["content-type"] ?? response.headers.get("content-type"),
		);
		expectGatewayHeaders(response, recorded);
		expectForwarded(recorded, alias);
		const cost = book(response.headers.get("x-gateway-cost-usd"));
		const byHand = isJson(recorded) ? costByHand(JSON.parse(body.toString()).usage) : undefined;
		expect(cost).toBe(byHand ?? cost);
	});
});

function isJson(recorded: RecordedCase): boolean {
	return recorded.response.headers["content-type"]?.includes("json") === true;
}

/** The usage a client library would end up with: the last one told. */
function lastUsage(data: readonly string[]): unknown {
	let usage: unknown;
	for (const text of data) {
		const event = parsed(text) as Record<string, Record<string, unknown> | undefined> | undefined;
		usage = event?.usage ?? event?.response?.usage ?? event?.x_groq?.usage ?? usage;
	}
	return usage;
}

function parsed(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		// [DONE], and one recording with an event cut in two.
		return undefined;
	}
}

function expectStreamEnd(response: Response, text: string, data: readonly string[]): void {
	expect(response.headers.get("x-gateway-cost-final")).toBe("false");
	const told = finalCost(parseSse(text));
	const cost = book(told?.cost_usd);
	const byHand = costByHand(lastUsage(data));
	expect(cost).toBe(byHand ?? cost);
	const done = text.indexOf("data: [DONE]");
	if (done >= 0) {
		expect(text.indexOf(": gateway {")).toBeLessThan(done);
	}
}

describe("a stream comes back event for event, with its cost before the end", () => {
	test.each(streams)("$name", async ({ alias, recorded }) => {
		const response = await send(recorded, alias);
		const text = await response.text();
		const original = recorded.response.body.toString();
		expect(response.status).toBe(200);
		expect(response.headers.get("content-type")).toStartWith("text/event-stream");
		expect(parseSse(text).data).toEqual(expectedData(recorded, alias));
		const names = parseSse(original).names.slice(0, expectedData(recorded, alias).length);
		expect(parseSse(text).names.filter(Boolean)).toEqual(names.filter(Boolean));
		if (expectedData(recorded, alias).length === parseSse(original).data.length) {
			expect(withoutComments(text).trimEnd()).toBe(withoutComments(original).trimEnd());
		}
		expectGatewayHeaders(response, recorded);
		expectForwarded(recorded, alias);
		expectStreamEnd(response, text, untilEnd(parseSse(original).data));
	});
});

/** Comments are no events: a provider's may be forwarded or not, and the gateway adds its own. */
function withoutComments(text: string): string {
	return withoutGatewayComments(text).replace(/^:[^\n]*\n\n?/gm, "");
}

/** Two recordings hold two answers of an agent loop one after the other: a stream is over with the event that ends it. */
function untilEnd(data: readonly string[]): readonly string[] {
	const last = data.findIndex((text) => /^\{"type":"response\.(completed|failed|incomplete)"/.test(text));
	return last < 0 ? data : data.slice(0, last + 1);
}

/** The recorded events, less the usage chunk that this client did not ask for. */
function expectedData(recorded: RecordedCase, alias: string): string[] {
	const { json } = clientRequest(recorded, alias);
	const options = json?.stream_options as { include_usage?: boolean } | undefined;
	const data = untilEnd(parseSse(recorded.response.body.toString()).data);
	return options?.include_usage === true || recorded.api === "openai.responses"
		? [...data]
		: data.filter((text) => !isUsageChunk(text));
}

describe("a client that did not ask for the usage chunk does not see it, and the cost is told all the same", () => {
	const asked = streams.filter(({ recorded, alias }) => {
		const options = clientRequest(recorded, alias).json?.stream_options;
		return recorded.api !== "openai.responses" && options !== undefined && recorded.sure;
	});
	test.each(asked)("$name", async ({ alias, recorded }) => {
		const response = await send(recorded, alias, { stream_options: undefined });
		const text = await response.text();
		const original = parseSse(recorded.response.body.toString()).data;
		expect(parseSse(text).data).toEqual(original.filter((data) => !isUsageChunk(data)));
		expect(upstream.requests[0]?.json()).toMatchObject({ stream_options: { include_usage: true } });
		expectStreamEnd(response, text, original);
	});
});

/** What a client sees of a provider's refusal: its own fault passes, the provider's credentials and limits are the gateway's. */
const REFUSALS: Record<number, { status: number; error: Record<string, unknown> }> = {
	400: { status: 400, error: {} },
	401: { status: 502, error: { type: "upstream_error", kind: "provider_auth" } },
	404: { status: 404, error: {} },
	429: {
		status: 429,
		error: { type: "rate_limit_exceeded", kind: "upstream", retry_after_seconds: expect.any(Number) },
	},
};

describe("a provider's refusal keeps its status and message, unless it is about the gateway's own credentials", () => {
	test.each(refused)("$name", async ({ alias, recorded }) => {
		const response = await send(recorded, alias);
		const expected = REFUSALS[recorded.status];
		const body = (await response.json()) as { error: { message: string } };
		const original = JSON.parse(recorded.response.body.toString());
		expect({ status: response.status, error: body.error }).toMatchObject(expected ?? {});
		if (response.status === recorded.status && recorded.status < 429) {
			expect(body.error.message).toBe(original.error?.message ?? original.detail);
		} else {
			expect(JSON.stringify(body)).not.toContain(original.error?.message ?? original.detail);
		}
		expect(response.headers.get("content-type")).toStartWith("application/json");
		expect(response.headers.get("x-request-id")).toStartWith("req_");
		seenRequests += 1;
	});
});

test.each(failures)(
	"a failure under the status 200 is passed on or told by status, and costs nothing: $name",
	async ({ name, alias, recorded }) => {
		const response = await send(recorded, alias);
		expect(response.status).toBe(FAILURES_UNDER_200.get(name) ?? 0);
		expect(await response.json()).toHaveProperty("error");
		expect(nanoOf(response.headers.get("x-gateway-cost-usd") ?? "0.000000")).toBe(0);
		seenRequests += 1;
	},
);

test("the books say what the answers said, to the nano-dollar", async () => {
	const spend = await gateway.admin("GET", "/spend");
	const { total } = spend.json<{ total: { cost_usd: string; requests: number } }>();
	expect(nanoOf(total.cost_usd)).toBe(seenNano);
	expect(total.requests).toBe(seenRequests);
	expect(seenRequests).toBeGreaterThan(600);
});

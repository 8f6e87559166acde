import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { chatBody } from "../support/gateway-client.ts";
import { chatFor, chatReply } from "../support/openai-answers.ts";
import { schemaFaults } from "../support/openai-schema.ts";
import { errorJson, json, respond } from "../support/replies.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

const CHAT = "/v1/chat/completions";
let one: Upstream;
let two: Upstream;
let gateway: TestGateway;
let key: string;

beforeAll(async () => {
	one = await startUpstream((request) => chatFor(request));
	two = await startUpstream((request) => chatFor(request));
	gateway = await startTestGateway({
		aliases: {
			even: { deployments: [{ upstream: one }, { upstream: two }] },
			weighted: {
				deployments: [
					{ upstream: one, weight: 3 },
					{ upstream: two, weight: 1 },
				],
			},
			ranked: {
				deployments: [
					{ upstream: two, priority: 2 },
					{ upstream: one, priority: 1 },
				],
			},
			small: { deployments: [{ upstream: one, max_context_tokens: 50 }, { upstream: two }] },
			falling: { deployments: [{ upstream: one, model: "falling" }], fallbacks: ["safe"], router: { retries: 2 } },
			safe: { upstream: two, model: "safe" },
			leaning: { deployments: [{ upstream: one }], fallbacks: ["even"] },
			able: {
				deployments: [
					{ upstream: one, model: "blind", priority: 1, supports: ["tools", "json_schema"] },
					{ upstream: two, model: "seeing", priority: 2 },
				],
			},
			growing: {
				deployments: [
					{ upstream: one, model: "small", priority: 1, max_context_tokens: 1_000 },
					{ upstream: two, model: "medium", priority: 2, max_context_tokens: 1_000 },
					{ upstream: two, model: "large", priority: 3, max_context_tokens: 100_000 },
				],
			},
			blind: { upstream: one, model: "blind", supports: [] },
			chatonly: { upstream: one, provider: "groq" },
		},
	});
	key = (await gateway.mint()).key;
});
afterEach(() => {
	for (const upstream of [one, two]) {
		upstream.script((request) => chatFor(request));
		upstream.forget();
	}
});
afterAll(async () => {
	await gateway?.stop();
	await Promise.all([one, two].map((upstream) => upstream?.[Symbol.asyncDispose]()));
});

async function ask(alias: string, count: number, secret = key): Promise<[number, number]> {
	for (let index = 0; index < count; index += 1) {
		expect((await gateway.post(CHAT, secret, chatBody(alias))).status).toBe(200);
	}
	return [one.requests.length, two.requests.length];
}

describe("where a request goes", () => {
	test("requests that only name an alias as their fallback do not shift its turns", async () => {
		for (let round = 0; round < 4; round += 1) {
			expect((await gateway.post(CHAT, key, chatBody("leaning"))).status).toBe(200);
			expect((await gateway.post(CHAT, key, chatBody("even"))).status).toBe(200);
		}
		// Four by `leaning` at the first, and two each of the four by `even`.
		expect([one.requests.length, two.requests.length]).toEqual([6, 2]);
	});

	test("round robin shares evenly, and by weight", async () => {
		expect(await ask("even", 20)).toEqual([10, 10]);
		one.forget();
		two.forget();
		expect(await ask("weighted", 40)).toEqual([30, 10]);
	});

	test("the lower priority number goes first, always", async () => {
		expect(await ask("ranked", 6)).toEqual([6, 0]);
	});

	test("a disabled deployment gets nothing until it is enabled again", async () => {
		const { data } = (await gateway.admin("GET", "/deployments")).json<{
			data: { id: string; model_alias: string }[];
		}>();
		const [first] = data.filter((entry) => entry.model_alias === "even");
		await gateway.admin("POST", "/deployments/disable", { id: first?.id });
		const counts = await ask("even", 4);
		expect([...counts].sort()).toEqual([0, 4]);
		await gateway.admin("POST", "/deployments/enable", { id: first?.id });
		expect((await ask("even", 4)).every((count) => count > 0)).toBe(true);
	});

	test("a prompt too long for one deployment goes to the other", async () => {
		const body = chatBody("small", { messages: [{ role: "user", content: "word ".repeat(400) }] });
		for (let count = 0; count < 4; count += 1) {
			expect((await gateway.post(CHAT, key, body)).status).toBe(200);
		}
		expect([one.requests.length, two.requests.length]).toEqual([0, 4]);
	});

	const picture = [
		{ role: "user", content: [{ type: "image_url", image_url: { url: "data:image/png;base64,iVBORw0KGgo=" } }] },
	];

	test("a request goes where the model can do what it asks for, one that nobody can do is 400 and names it", async () => {
		expect((await gateway.post(CHAT, key, chatBody("able"))).headers.get("x-gateway-decision")).toBe("openai/blind");
		const answer = await gateway.post(CHAT, key, chatBody("able", { messages: picture }));
		expect(answer.headers.get("x-gateway-decision")).toBe("openai/seeing");
		one.forget();
		const refused = await gateway.post(CHAT, key, chatBody("blind", { messages: picture }));
		expect([refused.status, refused.error()]).toMatchObject([
			400,
			{
				type: "invalid_request_error",
				code: "unsupported_feature",
				message: "No model behind 'blind' supports images.",
			},
		]);
		expect(one.requests.length).toBe(0);
	});

	test("U29: a prompt that is too long for one model goes on to one that is known to read more", async () => {
		one.script(() =>
			errorJson(400, { message: "too long", type: "invalid_request_error", code: "context_length_exceeded" }),
		);
		const larger = await gateway.post(CHAT, key, chatBody("growing"));
		expect([larger.status, larger.headers.get("x-gateway-decision"), larger.headers.get("x-gateway-retries")]).toEqual([
			200,
			"openai/large",
			"0",
		]);
		two.forget();
		const alike = await gateway.post(CHAT, key, chatBody("even"));
		expect([alike.status, alike.error()?.code, two.requests.length]).toEqual([400, "context_length_exceeded", 0]);
		const safe = await gateway.post(CHAT, key, chatBody("falling"));
		expect([safe.status, safe.headers.get("x-gateway-decision")]).toEqual([200, "openai/safe"]);
	});

	test("when an alias has failed its fallbacks are tried, and the headers say so", async () => {
		one.script(() => errorJson(500, {}));
		const answer = await gateway.post(CHAT, key, chatBody("falling"));
		expect(answer.status).toBe(200);
		expect(answer.headers.get("x-gateway-decision")).toBe("openai/safe");
		expect(Number(answer.headers.get("x-gateway-retries"))).toBeGreaterThan(0);
	});

	test("a fallback that the key may not use is not used", async () => {
		one.script(() => errorJson(500, {}));
		const narrow = await gateway.mint({ models: ["falling"] });
		expect((await gateway.post(CHAT, narrow.key, chatBody("falling"))).status).toBe(502);
		expect(two.requests.length).toBe(0);
	});

	test("an operation that no deployment has is 400, names provider and endpoint, and calls nobody", async () => {
		const answer = await gateway.post("/v1/images/generations", key, { model: "chatonly", prompt: "a cat" });
		expect({ status: answer.status, code: answer.error()?.code }).toEqual({
			status: 400,
			code: "unsupported_operation",
		});
		expect(answer.error()?.message).toMatch(/groq/i);
		expect(one.requests.length).toBe(0);
	});
});

describe("binary answers", () => {
	test("speech comes back byte for byte, with the gateway's headers", async () => {
		const audio = crypto.getRandomValues(new Uint8Array(60_000));
		one.script(() =>
			respond({ body: audio, headers: { "content-type": "audio/mpeg" }, framing: "chunked", cuts: [1, 777, 30_000] }),
		);
		two.script(() => respond({ body: audio, headers: { "content-type": "audio/mpeg" } }));
		for (let count = 0; count < 2; count += 1) {
			const response = await gateway.open("/v1/audio/speech", key, { model: "even", input: "hello", voice: "alloy" });
			expect(response.status).toBe(200);
			expect(response.headers.get("content-type")).toBe("audio/mpeg");
			expect(response.headers.get("x-gateway-decision")).toBe("openai/gpt-4o-mini");
			expect(Buffer.from(await response.arrayBuffer()).equals(Buffer.from(audio))).toBe(true);
		}
	});

	test("text transcriptions stay text", async () => {
		two.script(() => respond({ body: "hello world\n", headers: { "content-type": "text/plain; charset=utf-8" } }));
		one.script(() => respond({ body: "hello world\n", headers: { "content-type": "text/plain; charset=utf-8" } }));
		const form = new FormData();
		form.set("model", "even");
		form.set("response_format", "text");
		form.set("file", new File(["RIFF"], "a.wav"));
		const response = await fetch(`${gateway.url}/v1/audio/transcriptions`, {
			method: "POST",
			headers: { authorization: `Bearer ${key}` },
			body: form,
		});
		expect({ status: response.status, text: await response.text() }).toEqual({ status: 200, text: "hello world\n" });
	});
});

describe("stored responses are asked for where they were made", () => {
	const stored = (id: string) => ({
		id,
		object: "response",
		created_at: 1,
		status: "completed",
		model: "m",
		output: [],
		usage: { input_tokens: 1, output_tokens: 1, total_tokens: 2 },
	});

	test("GET, input_items, cancel, DELETE and previous_response_id go to the deployment that made the id", async () => {
		one.script(() => json(200, stored("resp_one")));
		two.script(() => json(200, stored("resp_two")));
		const ids = [];
		for (let count = 0; count < 2; count += 1) {
			const made = await gateway.post("/v1/responses", key, { model: "even", input: "hi" });
			ids.push(made.json<{ id: string }>().id);
		}
		expect(ids.sort()).toEqual(["resp_one", "resp_two"]);
		one.forget();
		two.forget();
		const call = (method: string, path: string) =>
			fetch(`${gateway.url}/v1/responses/${path}`, { method, headers: { authorization: `Bearer ${key}` } });
		const statuses = [
			(await call("GET", "resp_two")).status,
			(await call("GET", "resp_two/input_items?limit=3")).status,
			(await call("POST", "resp_two/cancel")).status,
			(await gateway.post("/v1/responses", key, { model: "even", input: "and?", previous_response_id: "resp_two" }))
				.status,
			(await call("DELETE", "resp_two")).status,
		];
		expect(statuses).toEqual([200, 200, 200, 200, 200]);
		expect(one.requests.length).toBe(0);
		expect(two.requests.map(({ method, target }) => `${method} ${target}`)).toEqual([
			"GET /v1/responses/resp_two",
			"GET /v1/responses/resp_two/input_items?limit=3",
			"POST /v1/responses/resp_two/cancel",
			"POST /v1/responses",
			"DELETE /v1/responses/resp_two",
		]);
	});
});

describe("the gateway's own answers are valid by OpenAI's document", () => {
	test("models", async () => {
		const list = (await gateway.get("/v1/models", key)).json();
		expect(schemaFaults("ListModelsResponse", list)).toEqual([]);
		const model = (await gateway.get("/v1/models/even", key)).json();
		expect(schemaFaults("Model", model)).toEqual([]);
		const again = (await gateway.get("/v1/models/even", key)).json();
		expect(again).toEqual(model);
	});

	test("errors", async () => {
		one.script(() => chatReply());
		const answers = [
			await gateway.post(CHAT, "wrong", chatBody("even")),
			await gateway.post(CHAT, key, chatBody("nope")),
			await gateway.post(CHAT, key, "{"),
			await gateway.get("/v1/nothing", key),
		];
		for (const answer of answers) {
			expect(schemaFaults("ErrorResponse", answer.json())).toEqual([]);
		}
	});
});

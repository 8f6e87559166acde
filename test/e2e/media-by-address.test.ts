import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { type Answer, chatBody } from "../support/gateway-client.ts";
import { file, INSIDE, type MediaServer, PDF, PNG, startMediaServer } from "../support/media-server.ts";
import { nativeError, nativeReply } from "../support/native/answers.ts";
import { nativeDeployment } from "../support/native-deployment.ts";
import { asksForStream } from "../support/native-rig.ts";
import { chatReply } from "../support/openai-answers.ts";
import { type ReceivedRequest, startUpstream, type Upstream } from "../support/upstream.ts";
import { until } from "../support/wait.ts";

/*
 * An app written for OpenAI names its pictures and files by address. Bedrock takes bytes only, and the app must not
 * notice. RELIABILITY §1: what a client names must not lead inside.
 */
let media: MediaServer;
let bedrock: Upstream;
let failing: Upstream;
let openai: Upstream;
let gateway: TestGateway;
let key: string;

const SECRET_PATH = "/private-path-canary.png?signature=query-canary";
const OK = { text: "I see." };

beforeAll(async () => {
	[media, bedrock, failing, openai] = await Promise.all([
		startMediaServer(),
		startUpstream((request) => nativeReply("bedrock", OK, asksForStream(request))),
		startUpstream(() => nativeError("bedrock", 500, "no")),
		startUpstream(() => chatReply({ content: OK.text })),
	]);
	const one = nativeDeployment("bedrock", bedrock);
	gateway = await startTestGateway(
		{
			aliases: {
				bedrock: { deployments: [one] },
				twice: {
					deployments: [
						nativeDeployment("bedrock", failing, { priority: 1 }),
						nativeDeployment("bedrock", bedrock, { priority: 2 }),
					],
				},
				openai: { upstream: openai },
				either: {
					deployments: [
						{ ...one, priority: 1 },
						{ upstream: openai, priority: 2 },
					],
				},
			},
			router: { retries: 1 },
		},
		media.surroundings,
	);
	key = (await gateway.mint()).key;
	media.at(SECRET_PATH, file("image/png", PNG));
	media.at("/a.pdf", file("application/pdf", PDF));
	media.at("/a.txt", file("text/plain", "Twelve words."));
});
afterEach(() => {
	for (const upstream of [bedrock, failing, openai]) {
		upstream.forget();
	}
});
afterAll(async () => {
	await gateway?.stop();
	await Promise.all([media, bedrock, failing, openai].map((server) => server?.[Symbol.asyncDispose]()));
});

const picture = (url: string) => ({ type: "image_url", image_url: { url } });
const ask = (model: string, content: unknown, more = {}) =>
	gateway.post("/v1/chat/completions", key, chatBody(model, { messages: [{ role: "user", content }], ...more }));

/** What the ledger holds of a request. */
const rowsOf = ({ headers }: Answer) => gateway.get(`/v1/requests/${headers.get("x-request-id")}`, key);

/** The turns of a Converse body. */
function turns(request: ReceivedRequest | undefined): { role: string; content: Record<string, unknown>[] }[] {
	// A body of these tests is of this shape.
	const body = request?.json() as { messages: { role: string; content: Record<string, unknown>[] }[] } | undefined;
	return body?.messages ?? [];
}

const PICTURE_BLOCK = { image: { format: "png", source: { bytes: PNG.toString("base64") } } };
const pdfBlock = (name: string) => ({
	document: { format: "pdf", name, source: { bytes: PDF.toString("base64") } },
});

describe("the bytes arrive in the words of Converse", () => {
	test.each([false, true])("chat, stream: %p", async (stream) => {
		const content = [
			{ type: "text", text: "Compare." },
			picture(media.url(SECRET_PATH)),
			{ type: "file", file: { filename: "a.pdf", file_url: media.url("/a.pdf") } },
		];
		const answer = await ask("bedrock", content, { stream });
		expect([answer.status, answer.text]).toEqual([200, expect.stringContaining("I ")]);
		expect(turns(bedrock.requests[0])[0]?.content).toEqual([{ text: "Compare." }, PICTURE_BLOCK, pdfBlock("a")]);
		expect((await rowsOf(answer)).status).toBe(200);
	});

	test("chat, in the result of a tool", async () => {
		const call = { id: "call_1", type: "function", function: { name: "look", arguments: "{}" } };
		const answer = await ask("bedrock", "", {
			messages: [
				{ role: "user", content: "Look." },
				{ role: "assistant", content: null, tool_calls: [call] },
				{ role: "tool", tool_call_id: "call_1", content: [picture(media.url(SECRET_PATH))] },
			],
			tools: [{ type: "function", function: { name: "look", parameters: { type: "object", properties: {} } } }],
		});
		expect(answer.status).toBe(200);
		expect(turns(bedrock.requests[0]).at(-1)?.content).toMatchObject([{ toolResult: { content: [PICTURE_BLOCK] } }]);
	});

	test("Responses, by way of chat; what is kept for the next turn is the address", async () => {
		const input = [
			{
				role: "user",
				content: [
					{ type: "input_text", text: "Compare." },
					{ type: "input_image", image_url: media.url(SECRET_PATH), detail: "auto" },
					{ type: "input_file", filename: "a.pdf", file_url: media.url("/a.pdf") },
				],
			},
		];
		const first = await gateway.post("/v1/responses", key, { model: "bedrock", input });
		expect(first.status).toBe(200);
		const expected = [{ text: "Compare." }, PICTURE_BLOCK, pdfBlock("a")];
		expect(turns(bedrock.requests[0])[0]?.content).toEqual(expected);

		const { id } = first.json<{ id: string }>();
		const items = await gateway.get(`/v1/responses/${id}/input_items`, key);
		expect(items.text).toContain(media.url(SECRET_PATH));
		expect(items.text).not.toContain("base64");

		const again = { model: "bedrock", input: "And now?", previous_response_id: id };
		expect((await gateway.post("/v1/responses", key, again)).status).toBe(200);
		expect(turns(bedrock.requests[1])[0]?.content).toEqual(expected);
	});

	test("fetched once for a request, however many deployments are tried and however often it is named", async () => {
		const seen = media.requests.length;
		const answer = await ask("twice", [picture(media.url(SECRET_PATH)), picture(media.url(SECRET_PATH))]);
		expect(answer.status).toBe(200);
		expect(media.requests.length - seen).toBe(1);
		for (const upstream of [failing, bedrock]) {
			expect(turns(upstream.requests[0])[0]?.content.slice(-2)).toEqual([PICTURE_BLOCK, PICTURE_BLOCK]);
		}
	});

	test("the log names the host and nothing else of the address", async () => {
		await ask("bedrock", [picture(media.url(SECRET_PATH))]);
		const line = gateway.logs().findLast((entry) => entry.includes("media_fetched"));
		expect(line).toContain('"hosts":"media.example.com"');
		expect(gateway.logs().join("\n")).not.toContain("canary.png");
		expect(gateway.logs().join("\n")).not.toContain("query-canary");
	});
});

test("what a long document may cost is reserved once it is known how long it is", async () => {
	// Twenty thousand words cost six cents here; unseen, a document counts as a few pages.
	media.at("/long.txt", file("text/plain", "word ".repeat(20_000)));
	const { key: poor } = await gateway.mint({ monthly_budget_usd: "0.03" });
	const about = (path: string) => [{ type: "file", file: { filename: "a.txt", file_url: media.url(path) } }];
	const body = (path: string) =>
		chatBody("bedrock", { messages: [{ role: "user", content: about(path) }], max_tokens: 16 });
	expect((await gateway.post("/v1/chat/completions", poor, body("/a.txt"))).status).toBe(200);
	const answer = await gateway.post("/v1/chat/completions", poor, body("/long.txt"));
	expect([answer.status, answer.error()?.type]).toEqual([429, "budget_exceeded"]);
	expect(bedrock.requests.length).toBe(1);
});

test("a provider that fetches for itself gets the address as it is", async () => {
	const seen = media.requests.length;
	const content = [picture(media.url(SECRET_PATH))];
	expect((await ask("openai", content)).status).toBe(200);
	expect(openai.requests[0]?.json()).toMatchObject({ messages: [{ role: "user", content }] });
	expect(media.requests.length).toBe(seen);
});

test("and is tried where a file cannot be had for one that does not", async () => {
	const content = [picture(media.url("/missing.png"))];
	expect((await ask("either", content)).status).toBe(200);
	expect([bedrock.requests.length, openai.requests.length]).toEqual([0, 1]);
});

/** A request that was refused for its address: no provider was called, nothing was written down, nobody is to blame. */
async function expectRefused(answer: Answer, field: { code: string; param: string }): Promise<string> {
	const { status } = answer;
	const { message = "", code, param, type } = answer.error() ?? {};
	expect({ status, code, param, type }).toEqual({ status: 400, type: "invalid_request_error", ...field });
	expect(bedrock.requests.length).toBe(0);
	expect((await rowsOf(answer)).json()).toMatchObject({ status: "unserved", attempts: [] });
	return message;
}

describe("an address that cannot be had is the client's fault", () => {
	const image = { code: "invalid_image_url", param: "messages[0].content[1].image_url.url" };
	const refusedFor = async (url: string) =>
		expectRefused(await ask("bedrock", [{ type: "text", text: "?" }, picture(url)]), image);

	test("private, unknown, closed and silent addresses are told apart by nobody", async () => {
		media.name("inside.example.com", () => [INSIDE]);
		media.name("closed.example.com", () => ["127.0.0.3"]);
		const messages = new Set<string>();
		for (const host of ["inside.example.com", "unknown.example.com", "closed.example.com"]) {
			messages.add(await refusedFor(media.url("/a.png", host)));
		}
		media.at("/to-inside", (response) => {
			response.writeHead(302, { location: "https://169.254.169.254/" }).end();
		});
		messages.add(await refusedFor(media.url("/to-inside")));
		expect(messages.size).toBe(1);
		expect([...messages][0]).not.toMatch(/private|127|169|inside|ENOTFOUND|ECONN/);
	});

	const wrong: readonly (readonly [string, () => string, RegExp])[] = [
		["http", () => media.url("/a.png").replace("https", "http"), /https/],
		["another port", () => "https://media.example.com:8443/a.png", /port/],
		["a user name", () => media.url("/a.png").replace("//", "//me@"), /user name/],
		["nothing there", () => media.url("/missing.png"), /status 404/],
		["no picture", () => media.url("/a.txt"), /PNG, JPEG/],
	];
	test.each(wrong)("%s: says what to do", async (_what, url, words) => {
		expect(await refusedFor(url())).toMatch(words);
	});

	test("the field is named in Responses too", async () => {
		const content = [{ type: "input_file", file_url: media.url("/missing.pdf"), filename: "a.pdf" }];
		const answer = await gateway.post("/v1/responses", key, { model: "bedrock", input: [{ role: "user", content }] });
		await expectRefused(answer, { code: "invalid_file_url", param: "input[0].content[0].file_url" });
	});

	test("more than twenty are refused before one is fetched", async () => {
		const seen = media.requests.length;
		const many = Array.from({ length: 21 }, (_, index) => picture(media.url(`${SECRET_PATH}&n=${index}`)));
		await expectRefused(await ask("bedrock", many), { ...image, param: "messages[0].content[20].image_url.url" });
		expect(media.requests.length).toBe(seen);
	});

	test("one large file cannot be made many by naming it again and again", async () => {
		media.at("/large.png", file("image/png", Buffer.concat([PNG], 6 * 1_048_576)));
		const nine = Array.from({ length: 9 }, () => picture(media.url("/large.png")));
		const message = await expectRefused(await ask("bedrock", nine), {
			...image,
			param: "messages[0].content[0].image_url.url",
		});
		expect(message).toContain("50 MB together");
	});

	test("the deployment's health knows nothing of it", async () => {
		const health = async () => {
			const { deployments } = (await gateway.admin("GET", "/deployments")).json<{ deployments: unknown[] }>();
			return JSON.stringify(deployments);
		};
		const before = await health();
		await refusedFor(media.url("/missing.png"));
		expect(await health()).toBe(before);
	});

	test("a client that leaves ends the fetch", async () => {
		let [arrived, gone] = [false, false];
		media.at("/mute.png", (_response, request) => {
			arrived = true;
			request.socket.on("close", () => {
				gone = true;
			});
		});
		const controller = new AbortController();
		const body = chatBody("bedrock", { messages: [{ role: "user", content: [picture(media.url("/mute.png"))] }] });
		const left = gateway.open("/v1/chat/completions", key, body, { signal: controller.signal }).catch(() => "left");
		await until("the fetch to begin", () => arrived);
		controller.abort();
		expect(await left).toBe("left");
		await until("the fetch to end", () => gone);
		expect(bedrock.requests.length).toBe(0);
	});
});

test("a private address in the request itself is refused at the door, whoever would fetch it", async () => {
	const resolved = media.resolved.length;
	for (const model of ["bedrock", "openai"]) {
		for (const host of ["127.0.0.1", "169.254.169.254", "[::ffff:10.0.0.1]", "localhost", "metadata.google.internal"]) {
			const answer = await ask(model, [picture(`https://${host}/a.png`)]);
			expect([answer.status, answer.error()?.code]).toEqual([400, "invalid_url"]);
		}
	}
	expect(media.resolved.length).toBe(resolved);
});

test("server.fetch_media: false leaves the refusal to the dialect", async () => {
	await using off = await startTestGateway(
		{ aliases: { bedrock: nativeDeployment("bedrock", bedrock) }, server: { fetch_media: false } },
		media.surroundings,
	);
	const seen = media.requests.length;
	const { key: other } = await off.mint();
	const content = [picture(media.url(SECRET_PATH))];
	const answer = await off.post(
		"/v1/chat/completions",
		other,
		chatBody("bedrock", { messages: [{ role: "user", content }] }),
	);
	expect([answer.status, answer.error()?.code]).toEqual([400, "unsupported_content"]);
	expect(media.requests.length).toBe(seen);
});

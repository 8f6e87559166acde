import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
	type BadInput,
	type BadInputRig,
	CHAT_PATH,
	chat,
	chatText,
	expectVerdict,
	post,
	startBadInputRig,
} from "../support/bad-input.ts";
import { chatBody } from "../support/gateway-client.ts";

/* RELIABILITY §4, "Body/JSON" and "Fields": B1–B58. */
let rig: BadInputRig;
beforeAll(async () => {
	rig = await startBadInputRig();
});
afterAll(async () => {
	await rig?.[Symbol.asyncDispose]();
});

const REFUSED = { status: 400, type: "invalid_request_error" } as const;
const PASSES = { status: 200 } as const;
const EITHER = { status: [200, 400] } as const;
const VALID = JSON.stringify(chatBody("gpt-4o"));
const withField = (text: string) => `${VALID.slice(0, -1)},${text}}`;
const nested = (depth: number) => withField(`"x":${"[".repeat(depth)}${"]".repeat(depth)}`);

const body: readonly BadInput[] = [
	{ id: "B1", what: "empty body", send: chatText(""), expected: { ...REFUSED, code: "json_invalid" } },
	{ id: "B2", what: "cut JSON", send: chatText('{"a":'), expected: { ...REFUSED, code: "json_invalid" } },
	{
		id: "B3",
		what: "trailing comma",
		send: chatText(`${VALID.slice(0, -1)},}`),
		expected: { ...REFUSED, code: "json_invalid" },
	},
	{
		id: "B4",
		what: "NaN",
		send: chatText(withField('"temperature":NaN')),
		expected: { ...REFUSED, code: "json_invalid" },
	},
	{ id: "B4", what: "Infinity", send: chatText(withField('"temperature":Infinity')), expected: REFUSED },
	{
		id: "B5",
		what: "a comment in JSON",
		send: chatText(`/* hi */${VALID}`),
		expected: { ...REFUSED, code: "json_invalid" },
	},
	{ id: "B6", what: "a UTF-8 byte order mark", send: chatText(`\uFEFF${VALID}`), expected: PASSES },
	{ id: "B7", what: "UTF-16", send: chatText(Buffer.from(VALID, "utf16le")), expected: REFUSED },
	{
		id: "B8",
		what: "invalid UTF-8",
		send: chatText(
			Buffer.concat([Buffer.from(`${VALID.slice(0, -1)},"user":"`), Buffer.from([0xff]), Buffer.from('"}')]),
		),
		expected: { ...REFUSED, code: "json_invalid_utf8" },
	},
	{
		id: "B9",
		what: "overlong UTF-8",
		send: chatText(
			Buffer.concat([Buffer.from(`${VALID.slice(0, -1)},"user":"`), Buffer.from([0xc0, 0xaf]), Buffer.from('"}')]),
		),
		expected: { ...REFUSED, code: "json_invalid_utf8" },
	},
	{
		id: "B10",
		what: "a lone surrogate in content",
		send: chatText('{"model":"gpt-4o","messages":[{"role":"user","content":"\\ud800"}]}'),
		expected: EITHER,
	},
	{ id: "B11", what: "a raw NUL", send: chatText(`${VALID.slice(0, -1)},"user":"\0"}`), expected: REFUSED },
	{
		id: "B12",
		what: "an escaped NUL in content",
		send: chatText('{"model":"gpt-4o","messages":[{"role":"user","content":"a\\u0000b"}]}'),
		expected: PASSES,
	},
	{
		id: "B13",
		what: "model twice",
		send: chatText(withField('"model":"other"')),
		expected: { ...REFUSED, code: "duplicate_key" },
	},
	{
		id: "B13",
		what: "model twice, once escaped",
		send: chatText(withField('"\\u006dodel":"other"')),
		expected: { ...REFUSED, code: "duplicate_key" },
	},
	{
		id: "B14",
		what: "max_tokens twice",
		send: chatText(withField('"max_tokens":1,"max_tokens":2')),
		expected: { ...REFUSED, code: "duplicate_key" },
	},
	{ id: "B15", what: "__proto__ as a key", send: chatText(withField('"__proto__":{"polluted":1}')), expected: EITHER },
	{
		id: "B16",
		what: "constructor.prototype",
		send: chatText(withField('"constructor":{"prototype":{"polluted":1}}')),
		expected: EITHER,
	},
	{ id: "B17", what: "depth 129", send: chatText(nested(129)), expected: { ...REFUSED, code: "json_too_deep" } },
	{
		id: "B17",
		what: "depth 100,000",
		send: chatText(nested(100_000)),
		expected: { ...REFUSED, code: "json_too_deep" },
	},
	{ id: "B17", what: "depth 5,000,000", send: chatText(nested(5_000_000)), expected: REFUSED },
	...["null", "[]", '"x"', "1"].map((text) => ({
		id: "B18",
		what: `body ${text}`,
		send: chatText(text),
		expected: REFUSED,
	})),
	{
		id: "B19",
		what: "a body of 10 MiB and one byte",
		send: chatText(withField(`"user":"${"u".repeat(10 * 1024 * 1024 - VALID.length - 9)}"`)),
		expected: { status: 413, type: "invalid_request_error" },
	},
	{
		id: "B20",
		what: "a million keys",
		send: chatText(withField(Array.from({ length: 999_000 }, (_, index) => `"${index.toString(36)}":1`).join(","))),
		expected: REFUSED,
	},
	{
		id: "B21",
		what: "a million messages",
		send: chatText(`{"model":"gpt-4o","messages":[${"{},".repeat(999_999)}{}]}`),
		expected: REFUSED,
	},
	{ id: "B22", what: "max_tokens 1e400", send: chatText(withField('"max_tokens":1e400')), expected: REFUSED },
	{
		id: "B22",
		what: "max_tokens of 20 digits",
		send: chatText(withField('"max_tokens":12345678901234567890')),
		expected: REFUSED,
	},
	{ id: "B23", what: "a key of 1 MB", send: chatText(withField(`"${"k".repeat(1_000_000)}":1`)), expected: REFUSED },
];

const model = (value: unknown) => ({ send: chat({ model: value }) });
const messages = (value: unknown) => ({ send: chat({ messages: value }) });
const content = (value: unknown) => ({ send: chat({ messages: [{ role: "user", content: value }] }) });
const image = (url: string) => content([{ type: "image_url", image_url: { url } }]);
const field = (name: string, value: unknown) => ({
	what: `${name} ${JSON.stringify(value)?.slice(0, 40)}`,
	send: chat({ [name]: value }),
});
const refuses = (name: string) => ({ ...REFUSED, param: name });
const notFound = { status: 404, type: "not_found_error", code: "model_not_found" } as const;

const fields: readonly BadInput[] = [
	{ id: "B24", what: "model missing", ...model(undefined), expected: refuses("model") },
	...[null, 7, ["gpt-4o"], ""].map((value) => ({
		id: "B25",
		what: `model ${JSON.stringify(value)}`,
		...model(value),
		expected: refuses("model"),
	})),
	{
		id: "B26",
		what: "model of 10 KB",
		...model("m".repeat(10_000)),
		expected: { status: 400, type: "invalid_request_error" },
	},
	{ id: "B27", what: "unknown alias", ...model("nope"), expected: notFound },
	...["../", "%00", "a\r\nX-Evil: 1", "🦊", "\u202Eabc"].map((value) => ({
		id: "B29",
		what: `model ${JSON.stringify(value)}`,
		...model(value),
		expected: notFound,
	})),
	{ id: "B30", what: "model openai/../x", ...model("openai/../x"), expected: notFound },
	...[undefined, null, {}, [], "hi"].map((value) => ({
		id: "B31",
		what: `messages ${JSON.stringify(value)}`,
		...messages(value),
		expected: refuses("messages"),
	})),
	{ id: "B32", what: "a message without role", ...messages([{ content: "hi" }]), expected: refuses("messages") },
	{ id: "B32", what: "role root", ...messages([{ role: "root", content: "hi" }]), expected: refuses("messages") },
	...[7, [["x"]], null].map((value) => ({
		id: "B33",
		what: `content ${JSON.stringify(value)}`,
		...content(value),
		expected: refuses("messages"),
	})),
	{ id: "B34", what: "an unknown content part", ...content([{ type: "hologram" }]), expected: refuses("messages") },
	{
		id: "B35",
		what: "an image at the metadata address",
		...image("http://169.254.169.254/latest"),
		expected: refuses("messages"),
	},
	{ id: "B35", what: "an image file", ...image("file:///etc/passwd"), expected: refuses("messages") },
	{ id: "B35", what: "an image by ftp", ...image("ftp://example.com/a.png"), expected: refuses("messages") },
	...[
		"http://0x7f.1/x",
		"http://2130706433/x",
		"http://[::ffff:127.0.0.1]/x",
		"http://127.0.0.1./x",
		"http://localhost/x",
	].map((url) => ({
		id: "B35",
		what: `an image at ${url}`,
		...image(url),
		expected: refuses("messages"),
	})),
	...[-1, 0, 1.5, "10", true, 2 ** 31, 2 ** 53].map((value) => ({
		id: "B36",
		...field("max_tokens", value),
		expected: refuses("max_tokens"),
	})),
	...[-1, 0, 1.5, "10", 2 ** 31].map((value) => ({
		id: "B36",
		...field("max_completion_tokens", value),
		expected: refuses("max_completion_tokens"),
	})),
	{ id: "B36", ...field("max_tokens", null), expected: PASSES },
	{
		id: "B37",
		what: "two different bounds",
		send: chat({ max_tokens: 5, max_completion_tokens: 6 }),
		expected: REFUSED,
	},
	...[0, -1, 1_000_000, "2"].map((value) => ({ id: "B38", ...field("n", value), expected: refuses("n") })),
	...[-1, 3, "hot"].map((value) => ({ id: "B39", ...field("temperature", value), expected: refuses("temperature") })),
	{ id: "B40", ...field("top_p", 2), expected: refuses("top_p") },
	...["yes", 1].map((value) => ({ id: "B41", ...field("stream", value), expected: refuses("stream") })),
	{ id: "B42", ...field("stream_options", { include_usage: true }), expected: refuses("stream_options") },
	{
		id: "B42",
		what: "stream_options a number",
		send: chat({ stream: true, stream_options: 3 }),
		expected: refuses("stream_options"),
	},
	...[["a", "b", "c", "d", "e"], [1]].map((value) => ({
		id: "B43",
		...field("stop", value),
		expected: refuses("stop"),
	})),
	{ id: "B44", ...field("tools", "hammer"), expected: refuses("tools") },
	{
		id: "B44",
		...field(
			"tools",
			Array.from({ length: 1_000 }, (_, index) => ({
				type: "function",
				function: { name: `f${index}`, parameters: {} },
			})),
		),
		expected: EITHER,
	},
	{
		id: "B44",
		what: "a tool whose schema refers to itself",
		send: chat({ tools: [{ type: "function", function: { name: "f", parameters: { $ref: "#" } } }] }),
		expected: EITHER,
	},
	{ id: "B45", ...field("tool_choice", "sometimes"), expected: refuses("tool_choice") },
	{ id: "B46", ...field("logit_bias", { 50256: 1e9 }), expected: refuses("logit_bias") },
	...["json", { type: "xml" }, { type: "json_schema" }].map((value) => ({
		id: "B47",
		...field("response_format", value),
		expected: refuses("response_format"),
	})),
	{ id: "B48", what: "seed 2^64", send: chatText(withField('"seed":18446744073709551616')), expected: EITHER },
	{ id: "B49", ...field("user", "u".repeat(1_000_000)), expected: refuses("user") },
	{
		id: "B50",
		...field("metadata", Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`k${index}`, "v"]))),
		expected: refuses("metadata"),
	},
	{ id: "B51", ...field("frobnicate", { deep: [1, 2] }), expected: PASSES },
	...["api_base", "base_url", "api_key", "extra_headers"].map((name) => ({
		id: "B52",
		...field(name, "http://127.0.0.1:1/"),
		expected: refuses(name),
	})),
	{
		id: "B58",
		what: "a prompt above the only context",
		send: chat({ model: "narrow", messages: [{ role: "user", content: "word ".repeat(2_000) }] }),
		expected: REFUSED,
	},
];

const operation = (id: string, path: string, name: string, value: unknown): BadInput => ({
	id,
	what: `${path} ${name} ${JSON.stringify(value)?.slice(0, 40)}`,
	send: (current) => post(current, path, JSON.stringify({ model: "gpt-4o", [name]: value })),
	expected: refuses(name),
});

const operations: readonly BadInput[] = [
	...[undefined, [], "", Array.from({ length: 2_049 }, () => "x"), [[-1]], 7].map((value) =>
		operation("B53", "/v1/embeddings", "input", value),
	),
	operation("B54", "/v1/moderations", "input", undefined),
	{
		id: "B55",
		what: "images size 0x0",
		send: (current) =>
			post(current, "/v1/images/generations", JSON.stringify({ model: "gpt-4o", prompt: "x", size: "0x0" })),
		expected: refuses("size"),
	},
	{
		id: "B55",
		what: "100 images",
		send: (current) =>
			post(current, "/v1/images/generations", JSON.stringify({ model: "gpt-4o", prompt: "x", n: 100 })),
		expected: refuses("n"),
	},
	operation("B55", "/v1/images/generations", "prompt", undefined),
	operation("B56", "/v1/completions", "prompt", {}),
	operation("B57", "/v1/responses", "input", null),
	{
		id: "B57",
		what: "a response id of nobody",
		send: (current) =>
			post(
				current,
				"/v1/responses",
				JSON.stringify({ model: "gpt-4o", input: "hi", previous_response_id: "resp_of_another" }),
			),
		expected: { status: [400, 404] },
	},
	operation("B57", "/v1/audio/speech", "input", undefined),
];

describe.each([
	["body", body],
	["fields", fields],
	["other operations", operations],
] as const)("%s", (_name, inputs) => {
	test.each([...inputs])("$id $what", async (input) => {
		await expectVerdict(rig, input);
	});
});

test("B15, B16: no prototype was polluted", () => {
	expect({}).not.toHaveProperty("polluted");
});

test("B17: the depth is found before anything is parsed", async () => {
	const { elapsedMs } = await expectVerdict(rig, {
		id: "B17",
		what: "",
		send: chatText(nested(100_000)),
		expected: REFUSED,
	});
	expect(elapsedMs).toBeLessThan(1_000);
});

test("B28: an alias outside the key's list is 403", async () => {
	const { key } = await rig.gateway.mint({ models: ["narrow"] });
	const answer = await rig.gateway.post(CHAT_PATH, key, chatBody("gpt-4o"));
	expect(answer.status).toBe(403);
	expect(answer.error()).toMatchObject({ type: "permission_error" });
});

test("no bad body left a row in the books", async () => {
	const spend = await rig.gateway.admin("GET", "/spend");
	expect(spend.json<{ total: { requests: number } }>().total.requests).toBe(rig.upstream.requests.length);
});

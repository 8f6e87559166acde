import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
	type BadInput,
	type BadInputRig,
	CHAT_PATH,
	expectVerdict,
	post,
	startBadInputRig,
} from "../support/bad-input.ts";
import { chatBody } from "../support/gateway-client.ts";
import { requestBytes } from "../support/raw.ts";

/* RELIABILITY §4, "Route/method" and "Host tricks": B80–B93, HT1–HT9. */
let rig: BadInputRig;
beforeAll(async () => {
	rig = await startBadInputRig();
});
afterAll(async () => {
	await rig?.[Symbol.asyncDispose]();
});

const VALID = JSON.stringify(chatBody("gpt-4o"));
const NOT_FOUND = { status: 404, type: "not_found_error" } as const;

/** A request without a body, with the virtual key. */
const request =
	(method: string, target: string, headers: Readonly<Record<string, string | null>> = {}) =>
	(current: BadInputRig) =>
		requestBytes({ method, target, headers: { Authorization: `Bearer ${current.key}`, ...headers } });

/** The same without any credential. */
const anonymous =
	(target: string, headers: Readonly<Record<string, string | null>> = {}, method = "GET") =>
	() =>
		requestBytes({ method, target, headers });

const postTo = (target: string) => (current: BadInputRig) => post(current, target, VALID);

const routes: readonly BadInput[] = [
	...["GET", "PUT", "PATCH", "DELETE"].map((method) => ({
		id: "B80",
		what: `${method} on a POST route`,
		send: request(method, CHAT_PATH),
		expected: { status: 405, type: "invalid_request_error" },
	})),
	{
		id: "B81",
		what: "HEAD on a POST route",
		send: request("HEAD", CHAT_PATH),
		expected: { status: 405 },
		options: { bodiless: true },
	},
	{ id: "B81", what: "OPTIONS", send: request("OPTIONS", CHAT_PATH), expected: { status: [204, 405] } },
	...["TRACE", "CONNECT"].map((method) => ({
		id: "B82",
		what: method,
		send: request(method, CHAT_PATH),
		expected: { status: [400, 405], byParser: true },
	})),
	...["post", "FOO"].map((method) => ({
		id: "B83",
		what: `method ${method}`,
		send: request(method, CHAT_PATH),
		expected: { status: [400, 405, 501], byParser: true },
	})),
	{ id: "B84", what: "an unknown path", send: request("GET", "/v1/nothing"), expected: NOT_FOUND },
	{ id: "B84", what: "an unknown path by POST", send: postTo("/v1/nothing"), expected: NOT_FOUND },
	...[`${CHAT_PATH}/`, `/${CHAT_PATH}`, "/v1//chat/completions"].map((target) => ({
		id: "B85",
		what: target,
		send: postTo(target),
		expected: { status: [400, 404] },
	})),
	{ id: "B86", what: "another case", send: postTo("/V1/chat/completions"), expected: NOT_FOUND },
	...["/v1/../admin/keys", "/v1/%2e%2e/admin/keys", "/v1\\..\\admin/keys"].map((target) => ({
		id: "B87",
		what: `${target} without a key`,
		send: anonymous(target),
		expected: { status: [400, 401, 404] },
	})),
	{
		id: "B87",
		what: "/v1/../admin/keys with a virtual key",
		send: request("GET", "/v1/../admin/keys"),
		expected: { status: [400, 403, 404] },
	},
	...["/admin%2fkeys", "/admin;/keys", "/%61dmin/keys"].map((target) => ({
		id: "B88",
		what: target,
		send: anonymous(target),
		expected: { status: [400, 401, 404] },
	})),
	...["%00", "%ff", "%zz", "__proto__", "..%2f..%2fx", "constructor"].flatMap((id) =>
		["/v1/models/", "/v1/requests/", "/v1/responses/"].map((prefix) => ({
			id: "B89/B90",
			what: `${prefix}${id}`,
			send: request("GET", `${prefix}${id}`),
			expected: { status: [400, 404] },
		})),
	),
	{
		id: "B90",
		what: "an id of 10 KB",
		send: request("GET", `/v1/models/${"x".repeat(10_000)}`),
		expected: { status: [400, 404, 414, 431] },
	},
	{ id: "B91", what: "a fragment", send: request("GET", "/v1/models#frag"), expected: { status: [200, 400, 404] } },
	{
		id: "B92",
		what: "absolute form",
		send: anonymous("http://evil.test/admin/keys"),
		expected: { status: [400, 401] },
	},
	{
		id: "B93",
		what: "1,000 query parameters",
		send: request("GET", `/v1/models?${Array.from({ length: 1_000 }, (_, index) => `a${index}=1`).join("&")}`),
		expected: { status: [200, 400] },
	},
	{
		id: "B93",
		what: "a prototype in the query",
		send: request("GET", "/v1/models?__proto__[x]=1"),
		expected: { status: [200, 400] },
	},
];

/** Long enough that a router which looks for the path after the eleventh character skips it. */
const PADDED = "/xxxxxxxxxxxx/admin/keys";

const hosts: readonly BadInput[] = [
	{ id: "HT1", what: "Host: a", send: anonymous("/xxx/admin/keys", { Host: "a" }), expected: { status: [400, 404] } },
	{ id: "HT1", what: "Host: ab", send: anonymous("/xx/admin/keys", { Host: "ab" }), expected: { status: [400, 404] } },
	...[
		["HT2", "evil/?"],
		["HT3", "evil/#"],
		["HT4", "a@b"],
		["HT5", "a b"],
		["HT6", ""],
	].map(([id = "", host = ""]) => ({
		id,
		what: `Host: ${host}`,
		send: anonymous(PADDED, { Host: host }),
		expected: { status: 400, byParser: false },
	})),
	{
		id: "HT7",
		what: "two Hosts",
		send: () => `GET ${PADDED} HTTP/1.1\r\nHost: gateway.test\r\nHost: evil\r\n\r\n`,
		expected: { status: 400, byParser: true },
	},
	{
		id: "HT8",
		what: "HTTP/1.0 without Host",
		send: () => `GET ${PADDED} HTTP/1.0\r\n\r\n`,
		expected: { status: [400, 404] },
	},
	{
		id: "HT9",
		what: "a Host of 300 characters",
		send: anonymous("/admin/keys", { Host: "h".repeat(300) }),
		expected: { status: 400 },
	},
];

describe("routes and methods", () => {
	test.each([...routes])("$id $what", async (input) => {
		await expectVerdict(rig, input);
	});

	test("B80: 405 says which methods there are", async () => {
		const { response } = await expectVerdict(rig, {
			id: "B80",
			what: "",
			send: request("GET", CHAT_PATH),
			expected: { status: 405 },
		});
		expect(response?.header("allow")).toContain("POST");
	});
});

describe("a Host that confuses the router opens nothing", () => {
	test.each([...hosts])("$id $what", async (input) => {
		await expectVerdict(rig, input);
	});

	const tricks = ["a", "ab", "evil/?", "evil/#", "a@b", "a b", "", "[::1", "x:99999", "a\tb", "ä"];
	test.each(
		tricks.flatMap((host) =>
			["/xxx/admin/keys", "/xx/admin/keys", PADDED, "/admin/keys"].map((target) => ({ host, target })),
		),
	)("Host $host, $target: never an admin answer", async ({ host, target }) => {
		await expectVerdict(rig, {
			id: "HT",
			what: host,
			send: anonymous(target, { Host: host }),
			expected: { status: [400, 401, 404], byParser: true },
		});
	});
});

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
	type BadInput,
	type BadInputRig,
	CHAT_PATH,
	chatText,
	expectVerdict,
	post,
	startBadInputRig,
} from "../support/bad-input.ts";
import { chatBody } from "../support/gateway-client.ts";
import { openRaw, type RawConnection, requestBytes, sendRaw } from "../support/raw.ts";
import { until } from "../support/wait.ts";

/* RELIABILITY §4, "Transport": B59–B79. Lines that Bun's parser answers itself are held to what Appendix A found. */
const READ_TIMEOUT_MS = 400;
let rig: BadInputRig;
beforeAll(async () => {
	rig = await startBadInputRig({ read_timeout: `${READ_TIMEOUT_MS}ms` });
});
afterAll(async () => {
	await rig?.[Symbol.asyncDispose]();
});

const VALID = JSON.stringify(chatBody("gpt-4o"));
const CHUNK = `${VALID.length.toString(16)}\r\n${VALID}\r\n`;
const UNSUPPORTED = { status: 415, type: "invalid_request_error" } as const;
const PARSER = { status: [400, 413, 414, 431, 501, 505], byParser: true } as const;

const contentType = (value: string | null) => chatText(VALID, { "Content-Type": value });

/** A request written line by line, for what `requestBytes` would not produce. */
function lines(current: BadInputRig, headers: readonly string[], body = ""): Buffer {
	const head = [
		`POST ${CHAT_PATH} HTTP/1.1`,
		"Host: gateway.test",
		`Authorization: Bearer ${current.key}`,
		"Content-Type: application/json",
	];
	return Buffer.from(`${[...head, ...headers].join("\r\n")}\r\n\r\n${body}`, "latin1");
}

const inputs: readonly BadInput[] = [
	{ id: "B59", what: "no content type", send: contentType(null), expected: { status: [200, 415] } },
	{ id: "B60", what: "text/plain", send: contentType("text/plain"), expected: UNSUPPORTED },
	{ id: "B61", what: "APPLICATION/JSON", send: contentType("APPLICATION/JSON"), expected: { status: 200 } },
	{
		id: "B61",
		what: "application/json; charset=utf-8",
		send: contentType("application/json; charset=utf-8"),
		expected: { status: 200 },
	},
	{ id: "B62", what: "charset utf-16", send: contentType("application/json; charset=utf-16"), expected: UNSUPPORTED },
	{ id: "B63", what: "+json", send: contentType("application/vnd.x+json"), expected: UNSUPPORTED },
	{ id: "B64", what: "a form", send: contentType("application/x-www-form-urlencoded"), expected: UNSUPPORTED },
	...["gzip", "br", "zstd", "what"].map((coding) => ({
		id: "B65",
		what: `content encoding ${coding}`,
		send: chatText(VALID, { "Content-Encoding": coding }),
		expected: UNSUPPORTED,
	})),
	{
		id: "B66",
		what: "both transfer encoding and length",
		send: (current) => lines(current, ["Transfer-Encoding: chunked", "Content-Length: 5"], `${CHUNK}0\r\n\r\n`),
		expected: PARSER,
	},
	{
		id: "B66",
		what: "two different lengths",
		send: (current) => lines(current, [`Content-Length: ${VALID.length}`, "Content-Length: 3"], VALID),
		expected: PARSER,
	},
	...["+5", "-1", "0x5", "99999999999999999999"].map((value) => ({
		id: "B66",
		what: `length ${value}`,
		send: (current: BadInputRig) => lines(current, [`Content-Length: ${value}`], VALID),
		expected: PARSER,
	})),
	{
		id: "B67",
		what: "a chunk size that is no number",
		send: (current) => lines(current, ["Transfer-Encoding: chunked"], "zz\r\nhello\r\n0\r\n\r\n"),
		expected: PARSER,
	},
	{
		id: "B67",
		what: "a tail after the last chunk size",
		send: (current) => lines(current, ["Transfer-Encoding: chunked"], `${CHUNK}0\r\nXX`),
		// Bun hands over the body at the last chunk's size and finds the tail afterwards.
		expected: { status: [400, 408], byParser: true, calls: 1 },
	},
	{
		id: "B67",
		what: "a chunk of 2^32 bytes, and silence",
		send: (current) => lines(current, ["Transfer-Encoding: chunked"], "100000005\r\nhello"),
		expected: { status: [400, 408, 413], byParser: true },
	},
	{
		id: "B68",
		what: "a trailer with another key",
		send: (current) =>
			lines(current, ["Transfer-Encoding: chunked"], `${CHUNK}0\r\nAuthorization: Bearer gw_virt_x\r\n\r\n`),
		// Bun 1.4.5 refuses trailers; ignoring them would do as well.
		expected: { status: [200, 400], byParser: true, calls: 1 },
	},
	{
		id: "B69",
		what: "a length larger than the body, and silence",
		send: (current) => lines(current, [`Content-Length: ${VALID.length + 10}`], VALID),
		expected: { status: [400, 408], byParser: true },
	},
	{
		id: "B71",
		what: "Expect: 100-continue",
		send: chatText(VALID, { Expect: "100-continue" }),
		expected: { status: 200 },
	},
	{
		id: "B71",
		what: "an unknown expectation",
		send: chatText(VALID, { Expect: "the-unexpected" }),
		expected: { status: [200, 417] },
	},
	{ id: "B73", what: "an HTTP/2 preface", send: () => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", expected: PARSER },
	{
		id: "B73",
		what: "TLS on a plain port",
		send: () => Buffer.from("160301020001000001fc0303", "hex"),
		expected: PARSER,
	},
	{ id: "B73", what: "garbage", send: () => "\x00\x01\x02 garbage\r\n\r\n", expected: PARSER },
	{ id: "B74", what: "a header of 20 KB", send: chatText(VALID, { "X-Big": "x".repeat(20_000) }), expected: PARSER },
	{
		id: "B74",
		what: "250 headers",
		send: chatText(VALID, Object.fromEntries(Array.from({ length: 250 }, (_, index) => [`X-${index}`, "1"]))),
		expected: PARSER,
	},
	{
		id: "B74",
		what: "a URL of 20 KB",
		send: (current) => post(current, `${CHAT_PATH}?${"q".repeat(20_000)}`, VALID),
		expected: PARSER,
	},
	{
		id: "B75",
		what: "a folded header",
		send: (current) => lines(current, ["X-A: 1", " folded", `Content-Length: ${VALID.length}`], VALID),
		expected: PARSER,
	},
	{
		id: "B75",
		what: "NUL in a header",
		send: (current) => lines(current, ["X-A: a\0b", `Content-Length: ${VALID.length}`], VALID),
		expected: PARSER,
	},
	{
		id: "B75",
		what: "CR in a header",
		send: (current) => lines(current, ["X-A: a\rb", `Content-Length: ${VALID.length}`], VALID),
		expected: PARSER,
	},
	{
		id: "B75",
		what: "a space before the colon",
		send: (current) => lines(current, ["X-A : 1", `Content-Length: ${VALID.length}`], VALID),
		expected: PARSER,
	},
];

describe("transport", () => {
	test.each([...inputs])("$id $what", async (input) => {
		await expectVerdict(rig, input);
	});

	test("B70: a slow upload that keeps moving is served, however long it takes", async () => {
		const body = JSON.stringify({ ...chatBody("gpt-4o"), padding: "p".repeat(300_000) });
		const request = chatText(body)(rig);
		const pieces = 8;
		const size = Math.ceil(request.length / pieces);
		await using connection = await openRaw(rig.gateway.url);
		for (let at = 0; at < request.length; at += size) {
			await connection.write(request.subarray(at, at + size));
			// The pace is the input under test: each pause is below the read timeout, their sum far above.
			await Bun.sleep(READ_TIMEOUT_MS / 3);
		}
		await until("the answer", () => connection.completeCount() === 1);
		expect(connection.response()?.status).toBe(200);
	});

	test("B72: HTTP/1.0 works and closes", async () => {
		const request = chatText(VALID)(rig).toString("latin1").replace("HTTP/1.1", "HTTP/1.0");
		const { response, closed } = await sendRaw(rig.gateway.url, request, { untilClosed: true });
		expect({ status: response?.status, closed }).toEqual({ status: 200, closed: true });
	});

	test("B77: pipelined requests are answered in order; behind an answer still in the making Bun closes", async () => {
		const health = requestBytes({ target: "/health" });
		const models = requestBytes({ target: "/v1/models", headers: { Authorization: `Bearer ${rig.key}` } });
		const both = await sendRaw(rig.gateway.url, Buffer.concat([health, models]), { answers: 2, deadlineMs: 2_000 });
		expect(both.responses.map(({ status }) => status)).toEqual([200, 200].slice(0, both.responses.length));
		const behind = await sendRaw(rig.gateway.url, Buffer.concat([post(rig, CHAT_PATH, VALID), health]), {
			deadlineMs: 2_000,
		});
		expect(behind.timedOut).toBe(false);
	});

	test("B78: idle connections do not keep others out", async () => {
		const idle: RawConnection[] = [];
		try {
			for (let count = 0; count < 400; count += 1) {
				idle.push(await openRaw(rig.gateway.url));
			}
			const answer = await rig.gateway.post(CHAT_PATH, rig.key, VALID);
			expect(answer.status).toBe(200);
		} finally {
			await Promise.all(idle.map((connection) => connection[Symbol.asyncDispose]()));
		}
	});

	test("B79: a client that resets at any byte of its request leaves nothing behind", async () => {
		const { key } = await rig.gateway.mint({ max_parallel_requests: 1 });
		const request = requestBytes({
			method: "POST",
			target: CHAT_PATH,
			headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
			body: VALID,
		});
		for (let cut = 1; cut <= request.length; cut += 23) {
			await using connection = await openRaw(rig.gateway.url);
			await connection.write(request.subarray(0, cut));
			connection.reset();
		}
		await until("the only slot to be free", async () => (await rig.gateway.post(CHAT_PATH, key, VALID)).status === 200);
	});
});

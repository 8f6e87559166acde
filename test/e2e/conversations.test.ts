import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import OpenAI, { APIError } from "openai";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { json } from "../support/replies.ts";
import { createSdkClient } from "../support/sdk-client.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

/* OpenAI's Conversations API, which the gateway answers itself: no provider is ever asked. */
let upstream: Upstream;
let gateway: TestGateway;

beforeAll(async () => {
	upstream = await startUpstream(() => json(500, {}));
	gateway = await startTestGateway({ aliases: { chat: { upstream } }, server: { max_body_bytes: 65_536 } });
});
afterAll(async () => {
	expect(upstream.requests.length).toBe(0);
	await gateway?.stop();
	await upstream?.[Symbol.asyncDispose]();
});

async function clientOf(settings: Readonly<Record<string, unknown>> = {}) {
	const { id, key } = await gateway.mint(settings);
	return { id, key, ...createSdkClient(gateway, key) };
}

/** What a call of the openai package throws. */
async function failureOf(call: PromiseLike<unknown>): Promise<unknown> {
	try {
		return await call;
	} catch (error) {
		expect(error).toBeInstanceOf(APIError);
		return error;
	}
}

const hello = { type: "message", role: "user", content: "Hello!" } as const;

describe("the openai package", () => {
	test("creates, reads, changes and deletes a conversation", async () => {
		const { openai, wire } = await clientOf();
		const made = await openai.conversations.create({ metadata: { topic: "demo" }, items: [hello] });
		expect(made).toMatchObject({ object: "conversation", metadata: { topic: "demo" } });
		expect(made.id).toMatch(/^conv_[0-9A-Z]{26}$/);
		expect(Math.abs(made.created_at - Date.now() / 1000)).toBeLessThan(60);
		expect((await wire()).headers.get("x-gateway-decision")).toBe("gateway-llm/conversations");
		expect((await wire()).headers.get("x-request-id")).toMatch(/^req_/);
		expect(await openai.conversations.retrieve(made.id)).toEqual(made);
		expect(await openai.conversations.update(made.id, { metadata: { topic: "x" } })).toEqual({
			...made,
			metadata: { topic: "x" },
		});
		expect(await openai.conversations.delete(made.id)).toEqual({
			id: made.id,
			object: "conversation.deleted",
			deleted: true,
		});
		expect(await failureOf(openai.conversations.retrieve(made.id))).toMatchObject({
			status: 404,
			code: "conversation_not_found",
		});
	});

	test("adds items, pages through them, reads and deletes one", async () => {
		const { openai } = await clientOf();
		const { id } = await openai.conversations.create();
		for (let page = 0; page < 3; page += 1) {
			const items = Array.from({ length: 20 }, (_, index) => ({ ...hello, content: `${page * 20 + index}` }));
			const added = await openai.conversations.items.create(id, { items });
			expect(added.data).toHaveLength(20);
		}
		const texts: string[] = [];
		for await (const item of openai.conversations.items.list(id, { order: "asc", limit: 7 })) {
			texts.push(item.type === "message" && item.content[0]?.type === "input_text" ? item.content[0].text : "?");
		}
		expect(texts).toEqual(Array.from({ length: 60 }, (_, index) => String(index)));
		const [newest] = (await openai.conversations.items.list(id, { limit: 1 })).data;
		const itemId = newest !== undefined && "id" in newest ? String(newest.id) : "";
		expect(await openai.conversations.items.retrieve(itemId, { conversation_id: id })).toEqual(newest as never);
		expect(await openai.conversations.items.delete(itemId, { conversation_id: id })).toMatchObject({
			id,
			object: "conversation",
		});
		expect(await failureOf(openai.conversations.items.retrieve(itemId, { conversation_id: id }))).toMatchObject({
			status: 404,
			code: "item_not_found",
		});
	});

	test("is told what is wrong with its request", async () => {
		const { openai } = await clientOf();
		const tooMany = Array.from({ length: 21 }, () => hello);
		expect(await failureOf(openai.conversations.create({ items: tooMany }))).toMatchObject({
			status: 400,
			type: "invalid_request_error",
			param: "items",
		});
	});
});

describe("a conversation", () => {
	test("is there for the team of its key, unknown to other keys, and out of reach of a revoked one", async () => {
		const maker = await clientOf({ team: "blue" });
		const mate = await clientOf({ team: "blue" });
		const stranger = await clientOf({ team: "red" });
		const { id } = await maker.openai.conversations.create({ items: [hello] });
		expect((await mate.openai.conversations.items.list(id)).data).toHaveLength(1);
		const notFound = { status: 404, code: "conversation_not_found" };
		expect(await failureOf(stranger.openai.conversations.retrieve(id))).toMatchObject(notFound);
		expect(await failureOf(stranger.openai.conversations.items.create(id, { items: [hello] }))).toMatchObject(notFound);
		expect(await failureOf(stranger.openai.conversations.delete(id))).toMatchObject(notFound);
		expect((await gateway.admin("DELETE", `/keys/${maker.id}`)).status).toBe(200);
		expect(await failureOf(maker.openai.conversations.retrieve(id))).toMatchObject({
			status: 401,
			code: "key_revoked",
		});
		// What a team has said outlives the key that said it.
		expect(await mate.openai.conversations.retrieve(id)).toMatchObject({ id });
	});

	test("cannot be reached without a key, or with the master key", async () => {
		const anonymous = new OpenAI({ apiKey: "gw_virt_wrong", baseURL: `${gateway.url}/v1`, maxRetries: 0 });
		expect(await failureOf(anonymous.conversations.create())).toMatchObject({ status: 401 });
		expect((await gateway.post("/v1/conversations", gateway.masterKey, {})).error()?.code).toBe("virtual_key_required");
	});
});

describe("the edge", () => {
	const call = async (key: string, method: string, path: string, init: RequestInit = {}) => {
		const headers = { authorization: `Bearer ${key}`, ...(init.headers as Record<string, string> | undefined) };
		const response = await fetch(`${gateway.url}/v1/conversations${path}`, { method, ...init, headers });
		// Errors have this shape or none.
		const body = (await response.json()) as { error?: { code: string; param: string | null } };
		return {
			status: response.status,
			code: body.error?.code,
			param: body.error?.param,
			allow: response.headers.get("allow"),
		};
	};

	test.each([
		["PUT", "/conv_1", "GET, POST, DELETE"],
		["GET", "", "POST"],
		["DELETE", "/conv_1/items", "GET, POST"],
		["POST", "/conv_1/items/msg_1", "GET, DELETE"],
	])("%s %s is 405 with what is allowed", async (method, path, allow) => {
		const { key } = await gateway.mint();
		expect(await call(key, method, path)).toMatchObject({ status: 405, allow });
	});

	test.each([
		["no JSON", { body: "{" }, 400, "json_invalid"],
		["a list", { body: "[]" }, 400, "json_not_object"],
		[
			"a form",
			{ body: "a=b", headers: { "content-type": "application/x-www-form-urlencoded" } },
			415,
			"unsupported_media_type",
		],
		["a compressed body", { body: "x", headers: { "content-encoding": "gzip" } }, 415, "unsupported_media_type"],
		[
			"more than the gateway reads",
			{ body: JSON.stringify({ items: [{ ...hello, content: "x".repeat(70_000) }] }) },
			413,
			"request_too_large",
		],
	])("%s is refused", async (_, init, status, code) => {
		const { key } = await gateway.mint();
		const json = { "content-type": "application/json" };
		expect(
			await call(key, "POST", "", { ...init, headers: { ...json, ...("headers" in init ? init.headers : {}) } }),
		).toMatchObject({ status, code });
	});

	test.each(["%00", "%ff", "%zz", "..%2f..%2fx", "__proto__", "x".repeat(300), "' OR 1=1 --"])(
		"the id %.20p is no conversation",
		async (id) => {
			const { key } = await gateway.mint();
			for (const path of [`/${id}`, `/${id}/items`, `/${id}/items/${id}`]) {
				expect([400, 404]).toContain((await call(key, "GET", path)).status);
			}
		},
	);
});

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { JsonObject } from "../../../src/lib/json-types.ts";
import { assistantMessage, DAY_MS, userMessage } from "../../support/kept-samples.ts";
import { openKept, principal, refusal, textsOf } from "../../support/kept-service.ts";

const alice = principal("vk_alice");
const bob = principal("vk_bob");
const red = principal("vk_red", "team");
const blue = principal("vk_blue", "team");
const NO_QUERY = new URLSearchParams();

let kept: Awaited<ReturnType<typeof openKept>>;
beforeEach(async () => {
	kept = await openKept();
});
afterEach(() => kept[Symbol.asyncDispose]());

async function created(body: JsonObject = {}, key = alice): Promise<string> {
	return String((await kept.conversations.create(body, key)).id);
}

async function said(id: string, key = alice): Promise<readonly string[]> {
	const { data } = await kept.conversations.listItems(id, new URLSearchParams("order=asc&limit=100"), key);
	return textsOf({ input: data });
}

describe("a response in a conversation", () => {
	test("reads what was said, and adds what it was asked and what it answered", async () => {
		const id = await created({ items: [{ role: "user", content: "My name is Ann." }] });
		const first = await kept.ask({ key: alice, request: { input: "Hello", conversation: id } });
		expect(textsOf(first.seen)).toEqual(["My name is Ann.", "Hello"]);
		expect(first.seen).not.toHaveProperty("conversation");
		const second = await kept.ask({ key: alice, request: { input: "Again", conversation: { id } } });
		expect(textsOf(second.seen)).toEqual(["My name is Ann.", "Hello", 'answer to "Hello"', "Again"]);
		expect(await said(id)).toEqual([...textsOf(second.seen), 'answer to "Again"']);
		expect(await kept.responses.retrieve(second.id, alice, NO_QUERY)).toMatchObject({ conversation: { id } });
	});

	test("is said in it even where it is not to be stored, or its provider keeps it", async () => {
		const id = await created();
		const unstored = await kept.ask({ key: alice, request: { input: "one", conversation: id, store: false } });
		expect(unstored.outcome).toEqual({ kept: true });
		expect(await kept.responses.retrieve(unstored.id, alice, NO_QUERY)).toBeUndefined();
		await kept.ask({ key: alice, request: { input: "two", conversation: id }, keptByProvider: true });
		expect(await said(id)).toEqual(["one", 'answer to "one"', "two", 'answer to "two"']);
	});

	test("loses nothing where a provider gives one id to every answer", async () => {
		const id = await created();
		for (const text of ["a", "b"]) {
			await kept.ask({
				key: alice,
				request: { input: text, conversation: id },
				output: [assistantMessage("msg_1", `${text}!`)],
			});
		}
		expect(await said(id)).toEqual(["a", "a!", "b", "b!"]);
	});

	test("is said in it although the response itself cannot be kept", async () => {
		const id = await created();
		const recalled = await kept.responses.recall({ input: "a", conversation: id }, alice);
		const response = { object: "response", output: [assistantMessage("msg_1", "b")] };
		const turn = { principal: alice, alias: "m", request: { input: "a" }, recalled, response, keptByProvider: false };
		expect(await kept.responses.keep(turn)).toEqual({ kept: false, reason: "no_id" });
		expect(await said(id)).toEqual(["a", "b"]);
	});

	test("whose conversation is deleted meanwhile is kept, and the loss is logged", async () => {
		const id = await created();
		const recalled = await kept.responses.recall({ input: "a", conversation: id }, alice);
		await kept.conversations.delete(id, alice);
		const response = { id: "resp_1", output: [assistantMessage("msg_1", "b")] };
		const turn = { principal: alice, alias: "m", request: { input: "a" }, recalled, response, keptByProvider: false };
		expect(await kept.responses.keep(turn)).toEqual({ kept: true });
		expect(kept.logs()).toContain("conversation_gone");
	});

	test.each(["conv_unknown", "", "../x"])("named %p, which is not there, is 404", async (conversation) => {
		expect(await refusal(kept.responses.recall({ input: "hi", conversation }, alice))).toEqual({
			status: 404,
			code: "conversation_not_found",
			param: "conversation",
			message: `Conversation with id '${conversation}' not found.`,
		});
	});

	test.each([
		[7, "conversation"],
		[{}, "conversation.id"],
		[{ id: 7 }, "conversation.id"],
		[["conv_1"], "conversation"],
	])("named %j is 400", async (conversation, param) => {
		expect(await refusal(kept.responses.recall({ input: "hi", conversation }, alice))).toMatchObject({
			status: 400,
			param,
		});
	});
});

describe("conversations", () => {
	test("have OpenAI's shapes", async () => {
		const conversation = await kept.conversations.create({ metadata: { topic: "demo" }, items: null }, alice);
		const id = String(conversation.id);
		expect(conversation).toEqual({
			id: expect.stringMatching(/^conv_[0-9A-Z]{26}$/) as never,
			object: "conversation",
			created_at: kept.clock.now() / 1000,
			metadata: { topic: "demo" },
		});
		expect(await kept.conversations.retrieve(id, alice)).toEqual(conversation);
		expect(await kept.conversations.update(id, { metadata: { a: "b" } }, alice)).toEqual({
			...conversation,
			metadata: { a: "b" },
		});
		const list = await kept.conversations.addItems(
			id,
			{
				items: [
					{ role: "user", content: "Hello!" },
					{ type: "message", role: "user", content: [{ type: "input_text", text: "How are you?" }] },
				],
			},
			NO_QUERY,
			alice,
		);
		expect(list).toMatchObject({ object: "list", has_more: false });
		const [first] = Array.isArray(list.data) ? list.data : [];
		expect(first).toEqual({
			id: list.first_id,
			type: "message",
			status: "completed",
			role: "user",
			content: [{ type: "input_text", text: "Hello!" }],
		} as never);
		expect(await kept.conversations.retrieveItem(id, String(list.first_id), NO_QUERY, alice)).toEqual(first as never);
		expect(await kept.conversations.deleteItem(id, String(list.first_id), alice)).toMatchObject({
			id,
			object: "conversation",
		});
		expect(await said(id)).toEqual(["How are you?"]);
		expect(await kept.conversations.delete(id, alice)).toEqual({ id, object: "conversation.deleted", deleted: true });
		expect((await refusal(kept.conversations.retrieve(id, alice)))?.status).toBe(404);
	});

	test("are there for their key and its team, and unknown to everybody else in the same words", async () => {
		const id = await created({ items: [{ role: "user", content: "secret" }] }, red);
		const listed = await kept.conversations.listItems(id, NO_QUERY, blue);
		const itemId = String(listed.first_id);
		expect(textsOf({ input: listed.data })).toEqual(["secret"]);
		const calls = (conversation: string, key: typeof alice) => [
			kept.conversations.retrieve(conversation, key),
			kept.conversations.update(conversation, { metadata: {} }, key),
			kept.conversations.delete(conversation, key),
			kept.conversations.listItems(conversation, NO_QUERY, key),
			kept.conversations.addItems(conversation, { items: [{ role: "user", content: "x" }] }, NO_QUERY, key),
			kept.conversations.retrieveItem(conversation, itemId, NO_QUERY, key),
			kept.conversations.deleteItem(conversation, itemId, key),
			kept.responses.recall({ input: "hi", conversation }, key),
		];
		for (const stranger of [alice, bob, principal("vk_x", "other")]) {
			const foreign = await Promise.all(calls(id, stranger).map(refusal));
			const unknown = await Promise.all(calls("conv_01ARZ3NDEKTSV4RRFFQ69G5FAV", stranger).map(refusal));
			expect(foreign.every((found) => found?.status === 404)).toBe(true);
			const words = (refusals: typeof foreign) =>
				refusals.map((found) => ({ ...found, message: found?.message.replace(/'conv_\w+'/, "ID") }));
			expect(words(foreign)).toEqual(words(unknown));
		}
		expect(await said(id, red)).toEqual(["secret"]);
	});

	test.each([
		[
			"items of more than one call",
			{ items: Array.from({ length: 21 }, () => ({ role: "user", content: "x" })) },
			"items",
		],
		["items that are none", { items: "hello" }, "items"],
		["an item that is none", { items: ["hello"] }, "items[0]"],
		["an item without content", { items: [{ role: "user" }] }, "items[0].content"],
		[
			"an image inside the network",
			{ items: [{ role: "user", content: [{ type: "input_image", image_url: "http://169.254.169.254/x" }] }] },
			"items[0].content[0].image_url",
		],
		["an unknown reference", { items: [{ type: "item_reference", id: "msg_x" }] }, "input"],
		["an id twice", { items: [userMessage("msg_1", "a"), userMessage("msg_1", "b")] }, "input"],
		["metadata that is a list", { metadata: [] }, "metadata"],
		["metadata that is no text", { metadata: { a: 1 } }, "metadata"],
		[
			"too much metadata",
			{ metadata: Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`k${index}`, "v"])) },
			"metadata",
		],
		["a long metadata value", { metadata: { a: "x".repeat(513) } }, "metadata"],
		["an unknown parameter", { title: "x" }, "title"],
	])("refuse %s", async (_, body: JsonObject, param) => {
		expect(await refusal(kept.conversations.create(body, alice))).toMatchObject({ status: 400, param });
	});

	test("refuse an id that is there already, a cursor that is not, and a change without metadata", async () => {
		const id = await created({ items: [userMessage("msg_1", "a")] });
		const again = { items: [userMessage("msg_1", "b")] };
		expect(await refusal(kept.conversations.addItems(id, again, NO_QUERY, alice))).toMatchObject({
			status: 400,
			code: "duplicate_item",
		});
		expect(await refusal(kept.conversations.listItems(id, new URLSearchParams("after=msg_2"), alice))).toMatchObject({
			status: 400,
			param: "after",
		});
		expect(await refusal(kept.conversations.update(id, {}, alice))).toMatchObject({ status: 400, param: "metadata" });
		expect(await refusal(kept.conversations.addItems(id, {}, NO_QUERY, alice))).toMatchObject({
			status: 400,
			param: "items",
		});
		expect(await refusal(kept.conversations.retrieveItem(id, "msg_2", NO_QUERY, alice))).toMatchObject({
			status: 404,
			code: "item_not_found",
		});
		expect(await kept.conversations.update(id, { metadata: null }, alice)).toMatchObject({ metadata: {} });
	});

	test("take an item of an earlier response by its id", async () => {
		await kept.ask({ key: alice, request: { input: "hi" }, output: [assistantMessage("msg_x", "Hello.")] });
		const id = await created({ items: [{ type: "item_reference", id: "msg_x" }] });
		expect(await said(id)).toEqual(["Hello."]);
	});

	test("live on with every change, end with the retention, and are not begun where nothing is kept", async () => {
		const id = await created();
		const idle = await created();
		for (let day = 0; day < 40; day += 10) {
			kept.clock.advance(10 * DAY_MS);
			await kept.ask({ key: alice, request: { input: `day ${day}`, conversation: id } });
		}
		expect(await said(id)).toHaveLength(8);
		expect((await refusal(kept.conversations.retrieve(idle, alice)))?.status).toBe(404);
		kept.settings.retentionMs = 0;
		expect((await refusal(kept.conversations.retrieve(id, alice)))?.status).toBe(404);
		expect(await refusal(kept.conversations.create({}, alice))).toMatchObject({
			status: 400,
			code: "unsupported_operation",
		});
	});

	test("hold no more than can be put in front of a request", async () => {
		const id = await created();
		const large = () => ({ items: [{ role: "user", content: "x".repeat(8_000_000) }] });
		for (let index = 0; index < 4; index += 1) {
			await kept.conversations.addItems(id, large(), NO_QUERY, alice);
		}
		expect(await refusal(kept.conversations.addItems(id, large(), NO_QUERY, alice))).toMatchObject({
			status: 400,
			code: "conversation_full",
		});
		// A turn that was paid for is still said in it; the next one is refused before it is.
		await kept.ask({ key: alice, request: { input: "x".repeat(3_000_000), conversation: id } });
		expect(await refusal(kept.responses.recall({ input: "hi", conversation: id }, alice))).toMatchObject({
			status: 400,
			code: "history_too_long",
		});
		// Too much to be read is not too much to be listed or deleted.
		expect(await kept.conversations.listItems(id, new URLSearchParams("limit=1"), alice)).toMatchObject({
			has_more: true,
		});
		expect(await kept.conversations.delete(id, alice)).toMatchObject({ deleted: true });
	});

	test("answer 503 while the disk refuses", async () => {
		const id = await created();
		await kept.close();
		expect(await refusal(kept.conversations.create({}, alice))).toMatchObject({
			status: 503,
			code: "storage_unavailable",
		});
		expect(id).toMatch(/^conv_/);
	});
});

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { JsonObject } from "../../../src/lib/json-types.ts";
import { assistantMessage, DAY_MS, responseObject, userMessage } from "../../support/kept-samples.ts";
import { openKept, principal, refusal, textsOf } from "../../support/kept-service.ts";

const alice = principal("vk_alice");
const bob = principal("vk_bob");
const red = principal("vk_red", "team");
const blue = principal("vk_blue", "team");
const NO_QUERY = new URLSearchParams();
const gone = (id: string) => ({
	status: 404,
	code: "previous_response_not_found",
	param: "previous_response_id",
	message: `Previous response with id '${id}' not found.`,
});

let kept: Awaited<ReturnType<typeof openKept>>;
beforeEach(async () => {
	kept = await openKept();
});
afterEach(() => kept[Symbol.asyncDispose]());

async function chat(key = alice, ...said: string[]): Promise<string> {
	let id: string | undefined;
	for (const input of said) {
		({ id } = await kept.ask({ key, request: { input, ...(id === undefined ? {} : { previous_response_id: id }) } }));
	}
	return id ?? "";
}

describe("previous_response_id", () => {
	test("puts every earlier turn in front of the request", async () => {
		const id = await chat(alice, "one", "two");
		const { seen } = await kept.ask({ key: alice, request: { model: "m", input: "three", previous_response_id: id } });
		expect(textsOf(seen)).toEqual(["one", 'answer to "one"', "two", 'answer to "two"', "three"]);
		expect(seen).not.toHaveProperty("previous_response_id");
		expect(seen.model).toBe("m");
	});

	test("hands tool calls and sealed reasoning back as the model made them", async () => {
		const output = [
			{ id: "rs_1", type: "reasoning", summary: [], encrypted_content: "sealed" },
			{ id: "fc_1", type: "function_call", status: "completed", call_id: "c1", name: "f", arguments: "{}" },
		];
		const { id } = await kept.ask({ key: alice, request: { input: "hi" }, output });
		const result = { type: "function_call_output", call_id: "c1", output: "42" };
		const { seen } = await kept.ask({ key: alice, request: { input: [result], previous_response_id: id } });
		expect(Array.isArray(seen.input) && seen.input.slice(1)).toEqual([...output, result]);
	});

	test("two turns may be built upon the same one", async () => {
		const id = await chat(alice, "one");
		const first = await kept.ask({ key: alice, request: { input: "left", previous_response_id: id } });
		const second = await kept.ask({ key: alice, request: { input: "right", previous_response_id: id } });
		expect([textsOf(first.seen).at(-1), textsOf(second.seen).at(-1)]).toEqual(["left", "right"]);
		expect(textsOf(second.seen)).toHaveLength(3);
	});

	test.each(["resp_unknown", "../etc", "", "x".repeat(250)])(
		"%.20p is left to whoever else may keep it",
		async (id) => {
			expect(await kept.responses.recall({ input: "hi", previous_response_id: id }, alice)).toBeUndefined();
		},
	);

	test("a response of another key is as unknown as one that never was", async () => {
		const id = await chat(alice, "secret");
		expect(await kept.responses.recall({ input: "hi", previous_response_id: id }, bob)).toBeUndefined();
		const shared = await chat(red, "ours");
		expect(
			textsOf((await kept.responses.recall({ input: "hi", previous_response_id: shared }, blue))?.json ?? {}),
		).toContain("ours");
		// A key that has left the team reads what it made itself, not what the others made.
		expect(
			await kept.responses.recall({ input: "hi", previous_response_id: shared }, principal("vk_blue")),
		).toBeUndefined();
		expect(
			await kept.responses.recall({ input: "hi", previous_response_id: shared }, principal("vk_red")),
		).toBeDefined();
	});

	test("a chain reaches no further than its reader may", async () => {
		const first = await chat(red, "of the team");
		const moved = principal("vk_red", "other");
		const { id } = await kept.ask({ key: moved, request: { input: "elsewhere", previous_response_id: first } });
		expect(
			await refusal(kept.responses.recall({ input: "hi", previous_response_id: id }, principal("vk_new", "other"))),
		).toEqual(gone(first));
		expect(await kept.responses.recall({ input: "hi", previous_response_id: id }, moved)).toBeDefined();
	});

	test("a chain whose beginning was deleted is refused, naming what is missing", async () => {
		const first = await chat(alice, "one");
		const { id } = await kept.ask({ key: alice, request: { input: "two", previous_response_id: first } });
		expect(await kept.responses.delete(first, alice)).toEqual({ id: first, object: "response", deleted: true });
		expect(await refusal(kept.responses.recall({ input: "hi", previous_response_id: id }, alice))).toEqual(gone(first));
		expect(await kept.responses.retrieve(id, alice, NO_QUERY)).toMatchObject({ id, previous_response_id: first });
	});

	test("a chain of a thousand turns is read, one more is refused", async () => {
		const { responses } = kept.store;
		for (let index = 0; index <= 1_000; index += 1) {
			const id = `resp_${index}`;
			await responses.save({
				record: {
					id,
					keyId: alice.id,
					team: undefined,
					createdAtMs: kept.clock.now(),
					expiresAtMs: kept.clock.now() + DAY_MS,
					alias: "m",
					previousResponseId: index === 0 ? undefined : `resp_${index - 1}`,
					conversationId: undefined,
					inputItems: [userMessage(`msg_${index}`, "x")],
					response: responseObject(id, []),
				},
				append: undefined,
			});
		}
		const recalled = await kept.responses.recall({ input: "hi", previous_response_id: "resp_999" }, alice);
		expect(recalled?.json.input).toHaveLength(1_001);
		expect(
			await refusal(kept.responses.recall({ input: "hi", previous_response_id: "resp_1000" }, alice)),
		).toMatchObject({
			status: 400,
			code: "history_too_long",
			param: "input",
		});
	});

	test("together with a conversation it is refused", async () => {
		const request = { input: "hi", previous_response_id: "resp_1", conversation: "conv_1" };
		expect(await refusal(kept.responses.recall(request, alice))).toMatchObject({
			status: 400,
			code: "mutually_exclusive_parameters",
			param: "conversation",
		});
	});
});

describe("item_reference", () => {
	test("finds items of any earlier response of the key, as the AI SDK refers to them", async () => {
		const output = [
			assistantMessage("msg_x", "Hello."),
			{ id: "rs_x", type: "reasoning", summary: [], encrypted_content: "s" },
		];
		await kept.ask({ key: alice, request: { input: "hi" }, output });
		const input = [
			{ role: "user", content: "hi" },
			{ type: "item_reference", id: "rs_x" },
			{ type: "item_reference", id: "msg_x" },
			{ role: "user", content: "and?" },
		];
		const { seen, id } = await kept.ask({ key: alice, request: { input } });
		expect(seen.input).toEqual([input[0], output[1], output[0], input[3]] as never);
		// Kept with its own text, so that it needs nobody else later.
		const listed = await kept.responses.inputItems(id, alice, new URLSearchParams("order=asc"));
		expect(listed?.data).toMatchObject([
			{ role: "user" },
			output[1] as JsonObject,
			output[0] as JsonObject,
			{ role: "user" },
		]);
		expect(await kept.responses.recall({ input }, bob)).toBeUndefined();
	});

	test("to items of which only some are known is refused, to unknown ones alone is left to the provider", async () => {
		await kept.ask({ key: alice, request: { input: "hi" }, output: [assistantMessage("msg_x", "Hello.")] });
		const refer = (...ids: string[]) => ({ input: ids.map((id) => ({ type: "item_reference", id })) });
		expect(await kept.responses.recall(refer("msg_a", "msg_b"), alice)).toBeUndefined();
		expect(await refusal(kept.responses.recall(refer("msg_a", "msg_x"), alice))).toMatchObject({
			status: 400,
			code: "item_not_found",
			message: "Item with id 'msg_a' not found.",
		});
	});
});

describe("what is kept of a turn", () => {
	test("is what its client saw, and what it was asked", async () => {
		const { id } = await kept.ask({ key: alice, request: { input: "hi", store: true } });
		expect(await kept.responses.retrieve(id, alice, NO_QUERY)).toMatchObject({
			id,
			object: "response",
			status: "completed",
		});
		expect(await kept.responses.inputItems(id, alice, NO_QUERY)).toMatchObject({
			object: "list",
			data: [{ type: "message", role: "user", content: [{ type: "input_text", text: "hi" }] }],
			has_more: false,
		});
	});

	test("is nothing where the client says store: false, or the provider keeps it, or nothing is kept at all", async () => {
		const notWanted = { kept: false, reason: "not_wanted" } as const;
		expect((await kept.ask({ key: alice, request: { input: "hi", store: false } })).outcome).toEqual(notWanted);
		expect((await kept.ask({ key: alice, request: { input: "hi" }, keptByProvider: true })).outcome).toEqual(notWanted);
		kept.settings.retentionMs = 0;
		const { id, outcome } = await kept.ask({ key: alice, request: { input: "hi" } });
		expect(outcome).toEqual(notWanted);
		kept.settings.retentionMs = DAY_MS;
		expect(await kept.responses.retrieve(id, alice, NO_QUERY)).toBeUndefined();
	});

	test("ends with the retention, and at once with a shorter one", async () => {
		const id = await chat(alice, "one");
		kept.clock.advance(30 * DAY_MS - 1);
		expect(await kept.responses.retrieve(id, alice, NO_QUERY)).toBeDefined();
		kept.settings.retentionMs = DAY_MS;
		expect(await kept.responses.retrieve(id, alice, NO_QUERY)).toBeUndefined();
		kept.settings.retentionMs = 365 * DAY_MS;
		expect(await kept.responses.retrieve(id, alice, NO_QUERY)).toBeDefined();
		kept.clock.advance(1);
		expect(await kept.responses.retrieve(id, alice, NO_QUERY)).toBeUndefined();
		expect(await kept.responses.recall({ input: "hi", previous_response_id: id }, alice)).toBeUndefined();
	});

	test.each([
		["too large", { input: "x".repeat(8 * 1024 * 1024) }, undefined, "too_large"],
		["without an id of its own", { input: "hi" }, { output: [] }, "no_id"],
		["with an id that is a path", { input: "hi" }, { id: "../x", output: [] }, "no_id"],
	])("is nothing where it is %s, which is said and logged", async (_, request, response, reason) => {
		const turn = { principal: alice, alias: "m", request, recalled: undefined, keptByProvider: false };
		const answer: JsonObject = response ?? responseObject("resp_1", []);
		expect(await kept.responses.keep({ ...turn, response: answer })).toEqual({ kept: false, reason } as never);
		expect(kept.logs()).toContain(`"reason":"${reason}"`);
	});

	test("never takes the place of another's, whatever id a provider gives", async () => {
		const turn = { alias: "m", recalled: undefined, keptByProvider: false };
		const of = (text: string) => responseObject("resp_1", [assistantMessage("msg_1", text)]);
		expect(
			await kept.responses.keep({ ...turn, principal: alice, request: { input: "a" }, response: of("a") }),
		).toEqual({ kept: true });
		expect(await kept.responses.keep({ ...turn, principal: bob, request: { input: "b" }, response: of("b") })).toEqual({
			kept: false,
			reason: "id_taken",
		});
		expect(await kept.responses.retrieve("resp_1", alice, NO_QUERY)).toEqual(of("a"));
		expect(await kept.responses.retrieve("resp_1", bob, NO_QUERY)).toBeUndefined();
	});

	test("is nothing while the disk refuses, and the answer goes on", async () => {
		await kept.close();
		expect((await kept.ask({ key: alice, request: { input: "hi" } })).outcome).toEqual({
			kept: false,
			reason: "store_failed",
		});
		expect(kept.logs()).toContain("response_not_kept");
	});
});

describe("a response that is kept", () => {
	test("can be read, listed and deleted by its key and its team, and by nobody else", async () => {
		const id = await chat(red, "one");
		for (const stranger of [alice, bob, principal("vk_x", "other")]) {
			expect(await kept.responses.retrieve(id, stranger, NO_QUERY)).toBeUndefined();
			expect(await kept.responses.inputItems(id, stranger, NO_QUERY)).toBeUndefined();
			expect(await kept.responses.cancel(id, stranger)).toBeUndefined();
			expect(await kept.responses.delete(id, stranger)).toBeUndefined();
		}
		expect(await kept.responses.retrieve(id, blue, NO_QUERY)).toMatchObject({ id });
		expect(await kept.responses.delete(id, blue)).toMatchObject({ deleted: true });
		expect(await kept.responses.retrieve(id, red, NO_QUERY)).toBeUndefined();
		expect(await kept.responses.delete(id, red)).toBeUndefined();
	});

	test("cannot be cancelled or streamed again", async () => {
		const id = await chat(alice, "one");
		expect(await refusal(kept.responses.cancel(id, alice))).toMatchObject({
			status: 400,
			code: "response_not_cancellable",
		});
		expect(await refusal(kept.responses.retrieve(id, alice, new URLSearchParams("stream=true")))).toMatchObject({
			status: 400,
			param: "stream",
		});
		expect(await kept.responses.retrieve(id, alice, new URLSearchParams("stream=false"))).toMatchObject({ id });
		const background = responseObject("resp_bg", [], { background: true });
		await kept.responses.keep({
			principal: alice,
			alias: "m",
			request: {},
			recalled: undefined,
			keptByProvider: false,
			response: background,
		});
		expect((await refusal(kept.responses.cancel("resp_bg", alice)))?.message).toBe(
			"Cannot cancel a completed response.",
		);
	});
});

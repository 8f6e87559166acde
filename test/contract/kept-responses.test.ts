import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { Item } from "../../src/responses/types.ts";
import type { Store } from "../../src/store/types.ts";
import {
	assistantMessage,
	BOUNDS,
	conversationRecord,
	DAY_MS,
	HORIZON,
	KEPT_AT_MS,
	responseObject,
	turnRecord,
	userMessage,
} from "../support/kept-samples.ts";
import { type Backend, startBackends } from "./backends.ts";

const CHANGE = { conversationId: "conv_1", changedAtMs: KEPT_AT_MS, expiresAtMs: KEPT_AT_MS + DAY_MS };
const MINE = { keyId: "vk_A", team: undefined };
const ids = (items: readonly { readonly id: string }[]) => items.map(({ id }) => id);

for (const [name, start] of await startBackends()) {
	describe(`kept responses on ${name}`, () => {
		let backend: Backend;
		beforeEach(async () => {
			backend = await start();
		});
		afterEach(() => backend.remove());

		responseContract(() => backend.store);
		chainContract(() => backend.store);
		itemContract(() => backend.store);
		conversationContract(() => backend.store);
		retentionContract(() => backend.store);
	});
}

function keep(store: Store, ...records: Parameters<typeof turnRecord>[]) {
	return Promise.all(
		records.map(([id, facts]) => store.responses.save({ record: turnRecord(id, facts), append: undefined })),
	);
}

function responseContract(store: () => Store) {
	test("a response comes back as it was kept, whatever its texts hold", async () => {
		const record = turnRecord("resp_1", {
			team: "blue",
			previousResponseId: "resp_0",
			conversationId: "conv_1",
			inputItems: [
				userMessage("msg_1", "a\u0000b \ud800 ü 🦊 '; drop table responses; --"),
				{ id: "x_1", type: "new_kind", deep: { a: [1, null] } },
			],
			response: responseObject("resp_1", [], { usage: null, seed: 12, unknown: { kept: true } }),
		});
		expect(await store().responses.save({ record, append: undefined })).toEqual({ saved: true, appended: true });
		expect(await store().responses.get("resp_1", HORIZON)).toEqual(record);
		expect(await store().responses.get("resp_2", HORIZON)).toBeUndefined();
	});

	test("an id that is taken stays with its first owner, and nothing else is written", async () => {
		await keep(store(), ["resp_1", { keyId: "vk_A" }]);
		await store().conversations.create(conversationRecord("conv_1"), []);
		const second = await store().responses.save({
			record: turnRecord("resp_1", {
				keyId: "vk_B",
				response: responseObject("resp_1", [assistantMessage("msg_b", "b")]),
			}),
			append: { ...CHANGE, items: [userMessage("msg_c", "c")] },
		});
		expect(second).toEqual({ saved: false, reason: "id_taken" });
		expect(await store().responses.get("resp_1", HORIZON)).toEqual(turnRecord("resp_1"));
		expect(await store().conversations.allItems("conv_1")).toEqual([]);
		expect(await store().responses.findItems(["msg_b"], { keyId: "vk_B", team: undefined }, BOUNDS, HORIZON)).toEqual(
			new Map(),
		);
	});

	test("what is larger than a row may be is not kept, and said", async () => {
		const large = userMessage("msg_1", "x".repeat(8 * 1024 * 1024));
		const record = turnRecord("resp_1", { inputItems: [large] });
		const refused = { saved: false, reason: "too_large" };
		expect(await store().responses.save({ record, append: undefined })).toEqual(refused as never);
		await store().conversations.create(conversationRecord("conv_1"), []);
		expect(await store().responses.save({ record: undefined, append: { ...CHANGE, items: [large] } })).toEqual(
			refused as never,
		);
		// Bytes count, not characters.
		const wide = turnRecord("resp_2", { inputItems: [userMessage("msg_1", "ü".repeat(5 * 1024 * 1024))] });
		expect(await store().responses.save({ record: wide, append: undefined })).toEqual(refused as never);
		const fitting = turnRecord("resp_3", { inputItems: [userMessage("msg_1", "x".repeat(8_000_000))] });
		expect(await store().responses.save({ record: fitting, append: undefined })).toMatchObject({ saved: true });
	});

	test("a deleted response is gone, and so are its items", async () => {
		await keep(store(), ["resp_1"], ["resp_2"]);
		expect(await store().responses.delete("resp_1")).toBe(true);
		expect(await store().responses.delete("resp_1")).toBe(false);
		expect(await store().responses.get("resp_1", HORIZON)).toBeUndefined();
		const found = await store().responses.findItems(["msg_out_resp_1", "msg_out_resp_2"], MINE, BOUNDS, HORIZON);
		expect(found).toEqual(new Map([["msg_out_resp_2", assistantMessage("msg_out_resp_2", "resp_2!")]]));
	});
}

function chainContract(store: () => Store) {
	test("a chain is read back to its first turn, oldest first", async () => {
		await keep(
			store(),
			["resp_1"],
			["resp_2", { previousResponseId: "resp_1" }],
			["resp_3", { previousResponseId: "resp_2" }],
			["resp_b", { previousResponseId: "resp_1" }],
		);
		const chain = await store().responses.chain("resp_3", BOUNDS, HORIZON);
		expect(chain.kind === "whole" && ids(chain.turns)).toEqual(["resp_1", "resp_2", "resp_3"]);
	});

	test("a chain without one of its turns is broken there", async () => {
		await keep(
			store(),
			["resp_1"],
			["resp_2", { previousResponseId: "resp_1" }],
			["resp_3", { previousResponseId: "resp_2" }],
		);
		await store().responses.delete("resp_1");
		expect(await store().responses.chain("resp_3", BOUNDS, HORIZON)).toEqual({ kind: "broken", id: "resp_1" });
		expect(await store().responses.chain("resp_x", BOUNDS, HORIZON)).toEqual({ kind: "broken", id: "resp_x" });
	});

	test("a chain that bites its own tail ends", async () => {
		await keep(store(), ["resp_1", { previousResponseId: "resp_2" }], ["resp_2", { previousResponseId: "resp_1" }]);
		expect(await store().responses.chain("resp_2", BOUNDS, HORIZON)).toEqual({ kind: "broken", id: "resp_2" });
	});

	test("a chain is as long as its bounds and no longer", async () => {
		const turns = Array.from({ length: 250 }, (_, index) => index);
		await keep(
			store(),
			...turns
				.map(
					(index) => [`resp_${index}`, { previousResponseId: index === 0 ? undefined : `resp_${index - 1}` }] as const,
				)
				.map(([id, facts]): Parameters<typeof turnRecord> => [id, facts]),
		);
		const whole = await store().responses.chain("resp_249", { ...BOUNDS, countMax: 250 }, HORIZON);
		expect(whole.kind === "whole" && whole.turns.length).toBe(250);
		expect(await store().responses.chain("resp_249", { ...BOUNDS, countMax: 249 }, HORIZON)).toEqual({
			kind: "too_long",
		});
		expect(await store().responses.chain("resp_249", { ...BOUNDS, bytesMax: 5_000 }, HORIZON)).toEqual({
			kind: "too_long",
		});
	});
}

function itemContract(store: () => Store) {
	test("items are found among the responses of the key and its team only", async () => {
		const output = (text: string) => ({ response: responseObject("r", [assistantMessage("msg_same", text)]) });
		await keep(
			store(),
			["resp_a", { keyId: "vk_A", team: "blue", ...output("a") }],
			["resp_b", { keyId: "vk_B", team: "blue", createdAtMs: KEPT_AT_MS + 1, ...output("b") }],
			["resp_c", { keyId: "vk_C", team: undefined, createdAtMs: KEPT_AT_MS + 2, ...output("c") }],
		);
		const find = async (keyId: string, team: string | undefined) => {
			const found = await store().responses.findItems(["msg_same", "msg_none"], { keyId, team }, BOUNDS, HORIZON);
			return found === "too_long" ? found : found.get("msg_same");
		};
		// The newest where an id was given twice.
		expect(await find("vk_A", "blue")).toEqual(assistantMessage("msg_same", "b"));
		expect(await find("vk_A", undefined)).toEqual(assistantMessage("msg_same", "a"));
		expect(await find("vk_C", undefined)).toEqual(assistantMessage("msg_same", "c"));
		expect(await find("vk_D", "red")).toBeUndefined();
		expect(await find("vk_D", undefined)).toBeUndefined();
	});

	test("more items than a statement takes are found, and more than is read at once are refused", async () => {
		const many = Array.from({ length: 1_200 }, (_, index) => assistantMessage(`msg_${index}`, "x"));
		await keep(store(), ["resp_1", { response: responseObject("resp_1", many) }], ["resp_2"]);
		const wanted = [...ids(many), "msg_out_resp_2"];
		const found = await store().responses.findItems(wanted, MINE, BOUNDS, HORIZON);
		expect(found !== "too_long" && found.size).toBe(1_201);
		expect(await store().responses.findItems(wanted, MINE, { ...BOUNDS, countMax: 1 }, HORIZON)).toBe("too_long");
	});

	test("an answer whose items have no ids is kept all the same", async () => {
		const response = { id: "resp_1", output: [{ type: "message", role: "assistant", content: [] }, "no item", null] };
		await keep(store(), ["resp_1", { response }], ["resp_2", { response: { id: "resp_2", output: "none" } }]);
		expect((await store().responses.get("resp_1", HORIZON))?.response).toEqual(response);
		expect(await store().responses.findItems(["undefined", ""], MINE, BOUNDS, HORIZON)).toEqual(new Map());
	});
}

function conversationContract(store: () => Store) {
	const texts = Array.from({ length: 7 }, (_, index) => userMessage(`msg_${index}`, `text ${index}`));
	const record = (id: string) => conversationRecord(id, { metadata: { topic: "ü" }, team: "blue" });

	test("a conversation and its items come back as they were made", async () => {
		await store().conversations.create(record("conv_1"), texts.slice(0, 3));
		const { itemCount, bytes, ...rest } = record("conv_1");
		const found = await store().conversations.get("conv_1", HORIZON);
		expect(found).toMatchObject({ ...rest, itemCount: 3 });
		expect(found?.bytes).toBe(texts.slice(0, 3).reduce((sum, item) => sum + JSON.stringify(item).length, 0));
		expect(await store().conversations.allItems("conv_1")).toEqual(texts.slice(0, 3));
		expect(await store().conversations.getItem("conv_1", "msg_2")).toEqual(texts[2] as Item);
		expect(await store().conversations.getItem("conv_2", "msg_2")).toBeUndefined();
	});

	test("pages go forth and back through all items, each once", async () => {
		await store().conversations.create(record("conv_1"), texts);
		await store().conversations.create(record("conv_2"), [userMessage("msg_other", "other")]);
		const walk = async (order: "asc" | "desc") => {
			const seen: string[] = [];
			for (let after: string | undefined, more = true; more; after = seen.at(-1)) {
				const page = await store().conversations.listItems("conv_1", { order, after, limit: 3 });
				seen.push(...ids(page?.items ?? []));
				more = page?.hasMore ?? false;
			}
			return seen;
		};
		expect(await walk("asc")).toEqual(ids(texts));
		expect(await walk("desc")).toEqual(ids(texts).toReversed());
		const unknown = { order: "asc", after: "msg_other", limit: 3 } as const;
		expect(await store().conversations.listItems("conv_1", unknown)).toBeUndefined();
	});

	test("items are added at the end, all or none", async () => {
		const { conversations } = store();
		await conversations.create(record("conv_1"), texts.slice(0, 2));
		expect(await conversations.addItems(CHANGE, texts.slice(2, 4), BOUNDS)).toEqual({ kind: "added" });
		expect(await conversations.addItems(CHANGE, [userMessage("msg_9", ""), userMessage("msg_0", "")], BOUNDS)).toEqual({
			kind: "duplicate",
			id: "msg_0",
		});
		const full = { kind: "full" } as const;
		expect(await conversations.addItems(CHANGE, texts.slice(4, 6), { ...BOUNDS, countMax: 5 })).toEqual(full);
		expect(await conversations.addItems(CHANGE, texts.slice(4, 6), { ...BOUNDS, bytesMax: 500 })).toEqual(full);
		expect(await conversations.addItems({ ...CHANGE, conversationId: "conv_x" }, texts, BOUNDS)).toEqual({
			kind: "gone",
		});
		expect(ids(await conversations.allItems("conv_1"))).toEqual(ids(texts.slice(0, 4)));
	});

	test("an item that is taken out leaves the others where they were", async () => {
		const { conversations } = store();
		await conversations.create(record("conv_1"), texts.slice(0, 3));
		const before = (await conversations.get("conv_1", HORIZON))?.bytes ?? 0;
		expect(await conversations.deleteItem(CHANGE, "msg_1")).toBe(true);
		expect(await conversations.deleteItem(CHANGE, "msg_1")).toBe(false);
		await conversations.addItems(CHANGE, [userMessage("msg_1", "text 1")], BOUNDS);
		expect(ids(await conversations.allItems("conv_1"))).toEqual(["msg_0", "msg_2", "msg_1"]);
		expect(await conversations.get("conv_1", HORIZON)).toMatchObject({ itemCount: 3, bytes: before });
	});

	test("new metadata takes the place of the old, and a deleted conversation takes its items along", async () => {
		const { conversations } = store();
		await conversations.create(record("conv_1"), texts);
		expect(await conversations.setMetadata(CHANGE, { a: "b" })).toBe(true);
		expect((await conversations.get("conv_1", HORIZON))?.metadata).toEqual({ a: "b" });
		expect(await conversations.delete("conv_1")).toBe(true);
		expect(await conversations.delete("conv_1")).toBe(false);
		expect(await conversations.setMetadata(CHANGE, {})).toBe(false);
		expect(await conversations.allItems("conv_1")).toEqual([]);
	});

	test("a turn is kept and said in its conversation at once; an id that is there already gets a new one", async () => {
		const { conversations, responses } = store();
		await conversations.create(record("conv_1"), texts.slice(0, 1));
		const items = [userMessage("msg_0", "again"), assistantMessage("msg_a", "yes"), assistantMessage("msg_a", "no")];
		expect(await responses.save({ record: turnRecord("resp_1"), append: { ...CHANGE, items } })).toEqual({
			saved: true,
			appended: true,
		});
		const all = await conversations.allItems("conv_1");
		expect(all.map(({ content }) => JSON.stringify(content).match(/"text":"([^"]*)"/)?.[1])).toEqual([
			"text 0",
			"again",
			"yes",
			"no",
		]);
		expect(new Set(ids(all)).size).toBe(4);
		expect(ids(all)[2]).toBe("msg_a");
		await conversations.delete("conv_1");
		expect(await responses.save({ record: turnRecord("resp_2"), append: { ...CHANGE, items } })).toEqual({
			saved: true,
			appended: false,
		});
		expect(await conversations.allItems("conv_1")).toEqual([]);
	});

	test("a conversation of thousands of items is read whole and in order", async () => {
		const { conversations } = store();
		const many = Array.from({ length: 2_001 }, (_, index) => userMessage(`msg_${index}`, "x"));
		await conversations.create(record("conv_1"), []);
		expect(await conversations.addItems(CHANGE, many, { ...BOUNDS, countMax: 10_000 })).toEqual({ kind: "added" });
		expect(ids(await conversations.allItems("conv_1"))).toEqual(ids(many));
	});
}

function retentionContract(store: () => Store) {
	const later = (afterMs: number, keptForMs = 30 * DAY_MS) => ({
		nowMs: KEPT_AT_MS + afterMs,
		keptSinceMs: KEPT_AT_MS + afterMs - keptForMs,
	});

	test("what is over is not shown, deleted or not", async () => {
		const { responses, conversations } = store();
		await keep(store(), ["resp_1", { expiresAtMs: KEPT_AT_MS + 1_000 }], ["resp_2", { previousResponseId: "resp_1" }]);
		await conversations.create(conversationRecord("conv_1", { expiresAtMs: KEPT_AT_MS + 1_000 }), []);
		expect(await responses.get("resp_1", later(999))).toBeDefined();
		expect(await conversations.get("conv_1", later(999))).toBeDefined();
		expect(await responses.get("resp_1", later(1_000))).toBeUndefined();
		expect(await conversations.get("conv_1", later(1_000))).toBeUndefined();
		expect(await responses.chain("resp_2", BOUNDS, later(1_000))).toEqual({ kind: "broken", id: "resp_1" });
		expect(await responses.findItems(["msg_out_resp_1"], MINE, BOUNDS, later(1_000))).toEqual(new Map());
		// A retention that was made shorter counts at once; one of nothing hides even what was made this instant.
		expect(await responses.get("resp_2", later(1_000, 1_001))).toBeDefined();
		expect(await responses.get("resp_2", later(1_000, 1_000))).toBeUndefined();
		expect(await responses.get("resp_2", later(0, 0))).toBeUndefined();
	});

	test("pruning deletes what is over, some at a time, and nothing else", async () => {
		const { responses, conversations } = store();
		for (let index = 0; index < 12; index += 1) {
			await keep(store(), [`resp_${index}`, { expiresAtMs: KEPT_AT_MS + index }]);
			const record = conversationRecord(`conv_${index}`, { expiresAtMs: KEPT_AT_MS + index });
			await conversations.create(record, [userMessage("msg_1", "x")]);
		}
		const deleted: number[] = [];
		for (let count = -1; count !== 0; ) {
			count = await responses.prune(later(8), 4);
			deleted.push(count);
		}
		expect(deleted).toEqual([4, 4, 1, 4, 4, 1, 0]);
		const everything = { nowMs: 0, keptSinceMs: 0 };
		const left = async (read: (index: number) => Promise<unknown>) => {
			const all = await Promise.all(Array.from({ length: 12 }, (_, index) => read(index)));
			return all.flatMap((found, index) => (found === undefined ? [] : [index]));
		};
		expect(await left((index) => responses.get(`resp_${index}`, everything))).toEqual([9, 10, 11]);
		expect(await left((index) => conversations.get(`conv_${index}`, everything))).toEqual([9, 10, 11]);
		expect(await left((index) => conversations.getItem(`conv_${index}`, "msg_1"))).toEqual([9, 10, 11]);
		// A shorter retention takes the rest.
		expect(await responses.prune(later(9, 9), 100)).toBe(3);
	});

	test("a change lets a conversation live on", async () => {
		const { responses, conversations } = store();
		for (const id of ["conv_1", "conv_2", "conv_3", "conv_4"]) {
			await conversations.create(conversationRecord(id, { expiresAtMs: KEPT_AT_MS + 10 }), [userMessage("msg_1", "x")]);
		}
		const change = (conversationId: string) => ({
			conversationId,
			changedAtMs: KEPT_AT_MS + 5,
			expiresAtMs: KEPT_AT_MS + 50,
		});
		await conversations.addItems(change("conv_1"), [userMessage("msg_2", "y")], BOUNDS);
		await conversations.setMetadata(change("conv_2"), {});
		await conversations.deleteItem(change("conv_3"), "msg_1");
		expect(await responses.prune(later(20), 100)).toBe(1);
		const kept = await Promise.all(
			["conv_1", "conv_2", "conv_3", "conv_4"].map((id) => conversations.get(id, later(20))),
		);
		expect(kept.map((found) => found?.id)).toEqual(["conv_1", "conv_2", "conv_3", undefined]);
	});

	test("pruning takes no more bytes at a time than a transaction should", async () => {
		const large = (id: string) => ({
			inputItems: [userMessage(`msg_${id}`, "x".repeat(7_000_000))],
			expiresAtMs: KEPT_AT_MS,
		});
		await keep(store(), ["resp_1", large("1")], ["resp_2", large("2")], ["resp_3", large("3")]);
		expect(await store().responses.prune(later(1), 100)).toBe(2);
		expect(await store().responses.prune(later(1), 100)).toBe(1);
	});
}

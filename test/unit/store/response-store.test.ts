import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { join } from "node:path";
import { createConversationItems } from "../../../src/store/conversation-items.ts";
import { createSqliteDb } from "../../../src/store/db.ts";
import { createResponseStore } from "../../../src/store/response-store.ts";
import { createSqliteTransact } from "../../../src/store/transact.ts";
import {
	assistantMessage,
	BOUNDS,
	conversationRecord,
	DAY_MS,
	HORIZON,
	KEPT_AT_MS,
	turnRecord,
	userMessage,
} from "../../support/kept-samples.ts";
import { openLog, openStore, temporaryDirectory } from "./ledger-samples.ts";

const KILLS = 5;
/** A few dozen turns, and a different moment each time. */
const ACKNOWLEDGED_MIN = 40;
const EVERYTHING = { nowMs: 0, keptSinceMs: 0 };

let place: ReturnType<typeof temporaryDirectory>;
beforeEach(() => {
	place = temporaryDirectory();
});
afterEach(() => place[Symbol.dispose]());

test("what was kept is there after a restart", async () => {
	const first = await openStore(place);
	const change = { conversationId: "conv_1", changedAtMs: KEPT_AT_MS, expiresAtMs: KEPT_AT_MS + DAY_MS };
	await first.conversations.create(conversationRecord("conv_1", { metadata: { a: "b" } }), [
		userMessage("msg_1", "hi"),
	]);
	await first.responses.save({ record: turnRecord("resp_1"), append: undefined });
	await first.responses.save({
		record: turnRecord("resp_2", { previousResponseId: "resp_1", conversationId: "conv_1" }),
		append: { ...change, items: [assistantMessage("msg_2", "ho")] },
	});
	await first.close();

	const second = await openStore(place);
	const chain = await second.responses.chain("resp_2", BOUNDS, HORIZON);
	expect(chain).toEqual({
		kind: "whole",
		turns: [turnRecord("resp_1"), turnRecord("resp_2", { previousResponseId: "resp_1", conversationId: "conv_1" })],
	});
	expect(await second.conversations.get("conv_1", HORIZON)).toMatchObject({ metadata: { a: "b" }, itemCount: 2 });
	expect((await second.conversations.allItems("conv_1")).map(({ id }) => id)).toEqual(["msg_1", "msg_2"]);
	await second.close();
});

test("a turn that fails half way leaves nothing behind", async () => {
	const { client, tables, ...database } = openLog(place);
	const { db } = createSqliteDb(client);
	const items = createConversationItems(tables);
	const responses = createResponseStore({
		db,
		transact: createSqliteTransact(client, db, () => undefined),
		tables,
		// The disk goes between the response and its conversation.
		items: {
			...items,
			size() {
				throw new Error("disk gone");
			},
		},
		turn: () => Promise.resolve(),
	});
	const append = { conversationId: "conv_1", changedAtMs: 1, expiresAtMs: 2, items: [userMessage("msg_1", "hi")] };
	await expect(responses.save({ record: turnRecord("resp_1"), append })).rejects.toThrow("disk gone");
	expect(await responses.get("resp_1", EVERYTHING)).toBeUndefined();
	expect(client.query("select count(*) as count from response_items").get()).toEqual({ count: 0 });
	database.close();
});

test("looking for what is over reads indices, not the texts", () => {
	const { client, close } = openLog(place);
	for (const [table, since] of [
		["responses", "created_at"],
		["conversations", "changed_at"],
	]) {
		const plan = client
			.query<{ detail: string }, []>(
				`explain query plan select id, bytes from ${table} where expires_at <= 5 or ${since} <= 5 limit 10`,
			)
			.all()
			.map(({ detail }) => detail);
		expect(plan.some((step) => step.startsWith("SCAN"))).toBe(false);
	}
	close();
});

/** Starts a store in a process of its own, and kills it once it has acknowledged enough turns. */
async function killWhileKeeping(cycle: number): Promise<string[]> {
	const child = Bun.spawn({
		cmd: [process.execPath, join(import.meta.dir, "keep-for-ever.ts"), place.directory, place.database],
		stdout: "pipe",
		stderr: "inherit",
	});
	const decoder = new TextDecoder();
	let text = "";
	for await (const bytes of child.stdout) {
		text += decoder.decode(bytes, { stream: true });
		if (!child.killed && text.split("\n").length > ACKNOWLEDGED_MIN + cycle * 23) {
			child.kill("SIGKILL");
		}
	}
	await child.exited;
	// The last line may be cut in the middle of an id.
	return text.split("\n").slice(0, -1);
}

test("kill -9 loses no turn that was acknowledged, and leaves none by halves", async () => {
	const acknowledged: string[] = [];
	for (let cycle = 0; cycle < KILLS; cycle += 1) {
		acknowledged.push(...(await killWhileKeeping(cycle)));
	}
	expect(acknowledged.length).toBeGreaterThanOrEqual(KILLS * ACKNOWLEDGED_MIN);

	const client = new Database(place.database, { readonly: true });
	const column = (sql: string) =>
		client
			.query<{ id: string }, []>(sql)
			.all()
			.map(({ id }) => id);
	const kept = column("select id from responses order by id");
	const lost = acknowledged.filter((id) => !kept.includes(id));
	const indexed = column("select response_id as id from response_items order by response_id");
	const said = column("select substr(item_id, 4) as id from conversation_items where item_id like 'in_%' order by 1");
	const answered = column(
		"select substr(item_id, 5) as id from conversation_items where item_id like 'out_%' order by 1",
	);
	const miscounted = column(
		`select id from conversations c where items <> (select count(*) from conversation_items i where i.conversation_id = c.id)
			or bytes <> (select coalesce(sum(bytes), 0) from conversation_items i where i.conversation_id = c.id)`,
	);
	const integrity = client.query("PRAGMA integrity_check").all();
	client.close();
	expect({ lost, miscounted, integrity }).toEqual({
		lost: [],
		miscounted: [],
		integrity: [{ integrity_check: "ok" }],
	});
	expect(indexed).toEqual(kept);
	expect(said).toEqual(kept);
	expect(answered).toEqual(kept);
});

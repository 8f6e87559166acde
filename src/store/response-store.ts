import { lte, or } from "drizzle-orm";
import { idOf, inputList } from "../responses/items.ts";
import type { ResponseRecord } from "../responses/types.ts";
import { bytesOf, type ConversationItems, encodeItem, slices, withNewIds } from "./conversation-items.ts";
import type { Db } from "./db.ts";
import { deleteConversations, deleteResponses, upToBytes } from "./delete-kept.ts";
import { createResponseReader } from "./response-reader.ts";
import type { Tables } from "./tables.ts";
import { rowsOf, run, type Steps, type Transact } from "./transact.ts";
import type { Horizon, ResponseStore, TurnSaved, TurnWrite } from "./types.ts";

/** UTF-8 bytes that one turn may take in the database, as a response and again as items of a conversation. */
const TURN_BYTES_MAX = 8 * 1024 * 1024;

export interface ResponseStoreDeps {
	readonly db: Db;
	readonly transact: Transact;
	readonly tables: Tables;
	readonly items: ConversationItems;
	/** Lets other work go on between two statements of a long job. */
	readonly turn: () => Promise<void>;
}

export function createResponseStore(deps: ResponseStoreDeps): ResponseStore {
	const { transact, tables, items } = deps;
	const { responses, responseItems } = tables;

	function* save(
		db: Db,
		row: Row | undefined,
		itemIds: readonly string[],
		append: TurnWrite["append"],
	): Steps<TurnSaved> {
		if (row !== undefined) {
			const made = yield* rowsOf(
				db.insert(responses).values(row).onConflictDoNothing().returning({ id: responses.id }),
			);
			if (made.length === 0) {
				return { saved: false, reason: "id_taken" };
			}
		}
		for (const ids of slices(itemIds)) {
			const rows = ids.map((itemId) => ({ itemId, responseId: row?.id ?? "" }));
			yield* run(db.insert(responseItems).values(rows).onConflictDoNothing());
		}
		return { saved: true, appended: append === undefined || (yield* appendTo(db, append)) };
	}

	function* appendTo(db: Db, append: NonNullable<TurnWrite["append"]>): Steps<boolean> {
		const { conversationId } = append;
		if ((yield* items.size(db, conversationId)) === undefined) {
			return false;
		}
		const ids = append.items.map(({ id }) => id);
		const own = withNewIds(append.items, yield* items.known(db, conversationId, ids));
		return yield* items.append(db, append, own.map(encodeItem));
	}

	return {
		...createResponseReader(deps),
		async save({ record, append }) {
			const row = record && toRow(record);
			const added = append === undefined ? 0 : bytesOf(append.items.map(encodeItem));
			if (Math.max(row?.bytes ?? 0, added) > TURN_BYTES_MAX) {
				return { saved: false, reason: "too_large" };
			}
			const itemIds = record === undefined ? [] : outputIds(record);
			return transact((db) => save(db, row, itemIds, append));
		},
		async delete(id) {
			return (await transact((db) => deleteResponses(db, tables, [id]))) > 0;
		},
		async prune(horizon, rowsMax) {
			const old = await oldResponses(deps, horizon, rowsMax);
			const removed = old.length === 0 ? 0 : await transact((db) => deleteResponses(db, tables, old));
			if (removed > 0) {
				return removed;
			}
			const left = await oldConversations(deps, horizon, rowsMax);
			return left.length === 0 ? 0 : transact((db) => deleteConversations(db, tables, left, isOver(tables, horizon)));
		},
	};
}

type Row = Tables["responses"]["$inferSelect"];

/** The ids of some responses whose time is over. */
async function oldResponses(
	{ db, tables: { responses } }: ResponseStoreDeps,
	{ nowMs, keptSinceMs }: Horizon,
	rowsMax: number,
): Promise<readonly string[]> {
	const rows = await db
		.select({ id: responses.id, bytes: responses.bytes })
		.from(responses)
		.where(or(lte(responses.expiresAt, nowMs), lte(responses.createdAt, keptSinceMs)))
		.limit(rowsMax);
	return upToBytes(rows);
}

/** The ids of some conversations whose time is over. */
async function oldConversations(
	{ db, tables }: ResponseStoreDeps,
	horizon: Horizon,
	rowsMax: number,
): Promise<readonly string[]> {
	const { conversations } = tables;
	const rows = await db
		.select({ id: conversations.id, bytes: conversations.bytes })
		.from(conversations)
		.where(isOver(tables, horizon))
		.limit(rowsMax);
	return upToBytes(rows);
}

function isOver({ conversations }: Tables, { nowMs, keptSinceMs }: Horizon) {
	return or(lte(conversations.expiresAt, nowMs), lte(conversations.changedAt, keptSinceMs));
}

function outputIds({ response }: ResponseRecord): readonly string[] {
	return Array.isArray(response.output) ? inputList(response.output).flatMap((item) => idOf(item) ?? []) : [];
}

function toRow(record: ResponseRecord): Row {
	const inputItems = JSON.stringify(record.inputItems);
	const response = JSON.stringify(record.response);
	return {
		id: record.id,
		keyId: record.keyId,
		team: record.team ?? null,
		createdAt: record.createdAtMs,
		expiresAt: record.expiresAtMs,
		alias: record.alias,
		previousResponseId: record.previousResponseId ?? null,
		conversationId: record.conversationId ?? null,
		bytes: Buffer.byteLength(inputItems) + Buffer.byteLength(response),
		inputItems,
		response,
	};
}

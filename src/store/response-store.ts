import type { Database } from "bun:sqlite";
import { lte, or } from "drizzle-orm";
import { idOf, inputList } from "../responses/items.ts";
import type { ResponseRecord } from "../responses/types.ts";
import { bytesOf, type ConversationItems, encodeItem, slices, withNewIds } from "./conversation-items.ts";
import type { Db, SyncDb } from "./db.ts";
import { deleteConversations, deleteResponses, upToBytes } from "./delete-kept.ts";
import { createResponseReader } from "./response-reader.ts";
import type { Tables } from "./tables.ts";
import type { Horizon, ResponseStore, TurnSaved, TurnWrite } from "./types.ts";

/** UTF-8 bytes that one turn may take in the database, as a response and again as items of a conversation. */
const TURN_BYTES_MAX = 8 * 1024 * 1024;

export interface ResponseStoreDeps {
	readonly client: Database;
	readonly db: Db;
	readonly syncDb: SyncDb;
	readonly tables: Tables;
	readonly items: ConversationItems;
	/** Lets other work go on between two statements of a long job. */
	readonly turn: () => Promise<void>;
	/** Called after each commit. */
	readonly onCommit: () => void;
}

/** Writes are synchronous transactions: one with an await in it would commit at the await. */
export function createResponseStore(deps: ResponseStoreDeps): ResponseStore {
	const { client, syncDb, tables, items, onCommit } = deps;
	const { responses, responseItems } = tables;

	const save = client.transaction((row: Row | undefined, itemIds: readonly string[], append: TurnWrite["append"]) => {
		if (row !== undefined && syncDb.insert(responses).values(row).onConflictDoNothing().run().changes === 0) {
			return { saved: false, reason: "id_taken" } satisfies TurnSaved;
		}
		for (const ids of slices(itemIds)) {
			const rows = ids.map((itemId) => ({ itemId, responseId: row?.id ?? "" }));
			syncDb.insert(responseItems).values(rows).onConflictDoNothing().run();
		}
		return { saved: true, appended: append === undefined || appendTo(append) } satisfies TurnSaved;
	});

	function appendTo(append: NonNullable<TurnWrite["append"]>): boolean {
		const ids = append.items.map(({ id }) => id);
		const own = withNewIds(append.items, items.known(append.conversationId, ids));
		return items.append(append, own.map(encodeItem));
	}

	const remove = client.transaction((ids: readonly string[]): number => deleteResponses(deps, ids));

	return {
		...createResponseReader(deps),
		async save({ record, append }) {
			const row = record && toRow(record);
			const added = append === undefined ? 0 : bytesOf(append.items.map(encodeItem));
			if (Math.max(row?.bytes ?? 0, added) > TURN_BYTES_MAX) {
				return { saved: false, reason: "too_large" };
			}
			const itemIds = record === undefined ? [] : outputIds(record);
			const result = save.immediate(row, itemIds, append);
			onCommit();
			return result;
		},
		async delete(id) {
			const removed = remove.immediate([id]) > 0;
			onCommit();
			return removed;
		},
		async prune(horizon, rowsMax) {
			const old = oldResponses(deps, horizon, rowsMax);
			const removed = old.length === 0 ? 0 : remove.immediate(old);
			const left = removed === 0 ? pruneConversations(deps, horizon, rowsMax) : 0;
			if (removed + left > 0) {
				onCommit();
			}
			return removed + left;
		},
	};
}

type Row = Tables["responses"]["$inferSelect"];

/** The ids of some responses whose time is over. */
function oldResponses(
	{ syncDb, tables: { responses } }: ResponseStoreDeps,
	{ nowMs, keptSinceMs }: Horizon,
	rowsMax: number,
): readonly string[] {
	const rows = syncDb
		.select({ id: responses.id, bytes: responses.bytes })
		.from(responses)
		.where(or(lte(responses.expiresAt, nowMs), lte(responses.createdAt, keptSinceMs)))
		.limit(rowsMax)
		.all();
	return upToBytes(rows);
}

/** Deletes some conversations whose time is over, with their items. */
function pruneConversations(deps: ResponseStoreDeps, { nowMs, keptSinceMs }: Horizon, rowsMax: number): number {
	const {
		client,
		syncDb,
		tables: { conversations },
	} = deps;
	return client
		.transaction(() => {
			const rows = syncDb
				.select({ id: conversations.id, bytes: conversations.bytes })
				.from(conversations)
				.where(or(lte(conversations.expiresAt, nowMs), lte(conversations.changedAt, keptSinceMs)))
				.limit(rowsMax)
				.all();
			const ids = upToBytes(rows);
			deleteConversations(deps, ids);
			return ids.length;
		})
		.immediate();
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

import { metadata as metadataRule, mustBe } from "../dialects/fields.ts";
import { checkItems } from "../dialects/openai-responses/input.ts";
import type { KeyRecord } from "../keys/types.ts";
import { badRequest, type GatewayError, notFound } from "../lib/errors.ts";
import { newId } from "../lib/ids.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../lib/json-types.ts";
import { checkInclude, listObject, readListQuery, unknownCursor } from "../responses/input-items.ts";
import { inputList } from "../responses/items.ts";
import { ITEMS_MAX, referencedIds, resolveItems } from "../responses/recall.ts";
import { asksForSeals, withoutSeal } from "../responses/seals.ts";
import type { ConversationRecord, Item } from "../responses/types.ts";
import type { ConversationChange } from "../store/types.ts";
import { CHAIN_BOUNDS, conversationNotFound, horizonOf, type KeptDeps, makerOf, written } from "./kept.ts";
import { referencedItems } from "./kept-history.ts";
import { owns } from "./owns.ts";

/** Items of one call, as OpenAI allows. */
const CALL_ITEMS_MAX = 20;
/** Ids are opaque, but they are not paths. */
const CONVERSATION_ID = /^[A-Za-z0-9_-]{1,200}$/;
const CONVERSATION_BOUNDS = { countMax: ITEMS_MAX, bytesMax: CHAIN_BOUNDS.bytesMax };

/**
 * OpenAI's Conversations API (https://platform.openai.com/docs/api-reference/conversations), kept by the gateway itself:
 * at a provider all conversations of all keys would lie in one account, with nothing to say whose they are.
 * Every call throws GatewayError: 400 naming a field, 404 in the same words for an unknown conversation and for another
 * key's, 503 while the disk refuses.
 */
export interface KeptConversations {
	create(body: JsonObject, principal: KeyRecord): Promise<JsonObject>;
	retrieve(id: string, principal: KeyRecord): Promise<JsonObject>;
	/** Replaces the metadata. */
	update(id: string, body: JsonObject, principal: KeyRecord): Promise<JsonObject>;
	/** With its items. */
	delete(id: string, principal: KeyRecord): Promise<JsonObject>;
	listItems(id: string, query: URLSearchParams, principal: KeyRecord): Promise<JsonObject>;
	addItems(id: string, body: JsonObject, query: URLSearchParams, principal: KeyRecord): Promise<JsonObject>;
	retrieveItem(id: string, itemId: string, query: URLSearchParams, principal: KeyRecord): Promise<JsonObject>;
	/** Answers with the conversation, as OpenAI does. */
	deleteItem(id: string, itemId: string, principal: KeyRecord): Promise<JsonObject>;
}

type Find = (id: string, principal: KeyRecord) => Promise<ConversationRecord>;

export function createKeptConversations(deps: KeptDeps): KeptConversations {
	const { conversations } = deps;
	const find: Find = async (id, principal) => {
		const record = CONVERSATION_ID.test(id) ? await conversations.get(id, horizonOf(deps)) : undefined;
		if (record === undefined || !owns(principal, record)) {
			throw conversationNotFound(id, "conversation_id");
		}
		return record;
	};

	return {
		...itemCalls(find, deps),
		async create(body, principal) {
			checkKept(deps);
			checkNames(body, ["metadata", "items"]);
			const items = await readItems(body.items ?? [], principal, deps);
			const change = changeOf(newId("conv"), deps);
			const record = {
				...makerOf(principal),
				...change,
				id: change.conversationId,
				createdAtMs: change.changedAtMs,
				metadata: readMetadata(body.metadata ?? {}),
			};
			await written(conversations.create(record, items));
			return conversationObject(record);
		},
		async retrieve(id, principal) {
			return conversationObject(await find(id, principal));
		},
		async update(id, body, principal) {
			const record = await find(id, principal);
			checkNames(body, ["metadata"]);
			if (body.metadata === undefined) {
				throw badRequest("The field 'metadata' is required.", "metadata");
			}
			const metadata = readMetadata(body.metadata ?? {});
			if (!(await written(conversations.setMetadata(changeOf(id, deps), metadata)))) {
				throw conversationNotFound(id, "conversation_id");
			}
			return conversationObject({ ...record, metadata });
		},
		async delete(id, principal) {
			await find(id, principal);
			await written(conversations.delete(id));
			return { id, object: "conversation.deleted", deleted: true };
		},
	};
}

type ItemCalls = Pick<KeptConversations, "listItems" | "addItems" | "retrieveItem" | "deleteItem">;

function itemCalls(find: Find, deps: KeptDeps): ItemCalls {
	const { conversations } = deps;
	return {
		async listItems(id, query, principal) {
			await find(id, principal);
			const { before: _unknownHere, ...page } = readListQuery(query);
			const listed = await conversations.listItems(id, page);
			if (listed === undefined) {
				throw unknownCursor(page.after ?? "", "after");
			}
			return listObject(asksForSeals(query) ? listed : { ...listed, items: listed.items.map(withoutSeal) });
		},
		async addItems(id, body, query, principal) {
			await find(id, principal);
			checkInclude(query);
			checkNames(body, ["items"]);
			const items = await readItems(body.items, principal, deps);
			const added = await written(conversations.addItems(changeOf(id, deps), items, CONVERSATION_BOUNDS));
			switch (added.kind) {
				case "added":
					return listObject({ items, hasMore: false });
				case "gone":
					throw conversationNotFound(id, "conversation_id");
				case "full":
					throw conversationFull();
				case "duplicate":
					throw badRequest(`Duplicate item found with id '${added.id.slice(0, 100)}'.`, "items", "duplicate_item");
				default:
					return added satisfies never;
			}
		},
		async retrieveItem(id, itemId, query, principal) {
			await find(id, principal);
			checkInclude(query);
			const item = await conversations.getItem(id, itemId);
			if (item === undefined) {
				throw itemNotFound(id, itemId);
			}
			return asksForSeals(query) ? item : withoutSeal(item);
		},
		async deleteItem(id, itemId, principal) {
			const record = await find(id, principal);
			if (!(await written(conversations.deleteItem(changeOf(id, deps), itemId)))) {
				throw itemNotFound(id, itemId);
			}
			return conversationObject(record);
		},
	};
}

/** A change made now: the conversation lives on from here. */
function changeOf(conversationId: string, { clock, retentionMs }: KeptDeps): ConversationChange {
	const changedAtMs = clock.now();
	return { conversationId, changedAtMs, expiresAtMs: changedAtMs + retentionMs() };
}

function conversationObject(record: Pick<ConversationRecord, "id" | "createdAtMs" | "metadata">): JsonObject {
	return {
		id: record.id,
		object: "conversation",
		created_at: Math.floor(record.createdAtMs / 1000),
		metadata: record.metadata,
	};
}

function checkKept({ retentionMs }: KeptDeps): void {
	if (retentionMs() === 0) {
		throw badRequest(
			"This gateway keeps no conversations: `responses.retention` is 0s in its configuration. Send the whole conversation as `input`.",
			undefined,
			"unsupported_operation",
		);
	}
}

function checkNames(body: JsonObject, known: readonly string[]): void {
	const unknown = Object.keys(body).find((name) => !known.includes(name));
	if (unknown !== undefined) {
		throw badRequest(
			`Unknown parameter: '${unknown.slice(0, 64)}'. This call takes ${known.map((name) => `'${name}'`).join(" and ")}.`,
			unknown.slice(0, 64),
			"unknown_parameter",
		);
	}
}

function readMetadata(value: JsonValue): JsonObject {
	metadataRule(value, "metadata");
	return isJsonObject(value) ? value : {};
}

/** Items with their ids, references resolved. */
async function readItems(given: JsonValue | undefined, principal: KeyRecord, deps: KeptDeps): Promise<readonly Item[]> {
	if (!Array.isArray(given) || given.length > CALL_ITEMS_MAX) {
		throw mustBe("items", `a list of at most ${CALL_ITEMS_MAX} items`);
	}
	checkItems(given, "items");
	const referenced = await referencedItems(referencedIds({ input: given }), [], principal, deps);
	return resolveItems(inputList(given), { items: [], referenced }).turn;
}

function itemNotFound(id: string, itemId: string): GatewayError {
	return notFound(
		`Item with id '${itemId.slice(0, 100)}' not found in conversation '${id}'.`,
		"item_not_found",
		"item_id",
	);
}

function conversationFull(): GatewayError {
	const megabytes = CONVERSATION_BOUNDS.bytesMax / 1024 / 1024;
	return badRequest(
		`A conversation holds at most ${CONVERSATION_BOUNDS.countMax} items and ${megabytes} MiB. Delete items, or start a new one.`,
		"items",
		"conversation_full",
	);
}

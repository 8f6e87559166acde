import { readContinuation } from "../dialects/openai-responses/continuation.ts";
import type { KeyRecord } from "../keys/types.ts";
import { notFound } from "../lib/errors.ts";
import type { JsonObject } from "../lib/json-types.ts";
import { type Expanded, expandInput, ITEMS_MAX, itemsOf, referencedIds } from "../responses/recall.ts";
import type { Continuation, Item } from "../responses/types.ts";
import { CHAIN_BOUNDS, conversationNotFound, historyTooLong, horizonOf, type KeptDeps, makerOf } from "./kept.ts";
import { owns } from "./owns.ts";

/** A request together with everything it builds upon. */
export interface Recalled extends Expanded, Continuation {}

type HistoryDeps = Pick<KeptDeps, "responses" | "conversations" | "clock" | "retentionMs">;

/**
 * A request with what it builds upon put in front: a chain of responses, a conversation, or single items of earlier
 * responses (`item_reference`, as the AI SDK sends them: https://github.com/vercel/ai/pull/9413). undefined when it builds
 * upon nothing, or upon a response or items that are not kept here: their provider may keep them.
 * @throws GatewayError 400 or 404, as `KeptResponses.recall` says.
 */
export async function recall(json: JsonObject, principal: KeyRecord, deps: HistoryDeps): Promise<Recalled | undefined> {
	const continuation = readContinuation(json);
	const references = referencedIds(json);
	const isFresh = continuation.previousResponseId === undefined && continuation.conversationId === undefined;
	if (isFresh && references.length === 0) {
		return undefined;
	}
	const items = await historyOf(continuation, principal, deps);
	if (items === undefined) {
		return undefined;
	}
	const referenced = await referencedItems(references, items, principal, deps);
	if (isFresh && referenced.size === 0) {
		return undefined;
	}
	return { ...expandInput(json, { items, referenced }), ...continuation };
}

/** undefined: the response that is named is not kept here, or not for this key. */
async function historyOf(
	{ previousResponseId, conversationId }: Continuation,
	principal: KeyRecord,
	deps: HistoryDeps,
): Promise<readonly Item[] | undefined> {
	if (conversationId !== undefined) {
		return conversationItems(conversationId, principal, deps);
	}
	return previousResponseId === undefined ? [] : chainItems(previousResponseId, principal, deps);
}

async function chainItems(id: string, principal: KeyRecord, deps: HistoryDeps): Promise<readonly Item[] | undefined> {
	const horizon = horizonOf(deps);
	const last = await deps.responses.get(id, horizon);
	if (last === undefined || !owns(principal, last)) {
		return undefined;
	}
	const chain = await deps.responses.chain(id, CHAIN_BOUNDS, horizon);
	if (chain.kind === "too_long") {
		throw historyTooLong();
	}
	// A key that has changed its team may have built upon a response that its new team must not read.
	const lost = chain.kind === "broken" ? chain.id : chain.turns.findLast((turn) => !owns(principal, turn))?.id;
	if (chain.kind === "broken" || lost !== undefined) {
		throw notFound(
			`Previous response with id '${(lost ?? id).slice(0, 100)}' not found.`,
			"previous_response_not_found",
			"previous_response_id",
		);
	}
	return itemsOf(chain.turns);
}

async function conversationItems(id: string, principal: KeyRecord, deps: HistoryDeps): Promise<readonly Item[]> {
	const conversation = await deps.conversations.get(id, horizonOf(deps));
	if (conversation === undefined || !owns(principal, conversation)) {
		throw conversationNotFound(id, "conversation");
	}
	if (conversation.bytes > CHAIN_BOUNDS.bytesMax || conversation.itemCount > ITEMS_MAX) {
		throw historyTooLong();
	}
	return deps.conversations.allItems(id);
}

/** Items that a request refers to and that do not stand in front of it anyway. */
export async function referencedItems(
	ids: readonly string[],
	present: readonly Item[],
	principal: KeyRecord,
	deps: HistoryDeps,
): Promise<ReadonlyMap<string, Item>> {
	const known = new Set(present.map(({ id }) => id));
	const elsewhere = ids.filter((id) => !known.has(id));
	if (elsewhere.length === 0) {
		return new Map();
	}
	const found = await deps.responses.findItems(elsewhere, makerOf(principal), CHAIN_BOUNDS, horizonOf(deps));
	if (found === "too_long") {
		throw historyTooLong();
	}
	return found;
}

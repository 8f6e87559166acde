import { badRequest } from "../lib/errors.ts";
import type { JsonObject } from "../lib/json-types.ts";
import { asInput, idOf, inputList, isReference, outputItems, toItem } from "./items.ts";
import type { Continuation, Item, ResponseRecord } from "./types.ts";

/** Items of a request once everything before it has been put in front. OpenAI takes no more either. */
export const ITEMS_MAX = 10_000;

/** What came before a request, oldest first. */
export interface History {
	readonly items: readonly Item[];
	/** Items that the request refers to and that stand in another response, by id. */
	readonly referenced?: ReadonlyMap<string, Item> | undefined;
}

export interface Expanded {
	/** The request with everything before it in `input`, and nothing that points elsewhere. */
	readonly json: JsonObject;
	/** This turn's own input, each item with its id, references resolved: what is to be kept of it. */
	readonly turn: readonly Item[];
}

/** Every item of a chain of turns, oldest first: what each was asked, then what it answered. */
export function itemsOf(turns: readonly ResponseRecord[]): readonly Item[] {
	return turns.flatMap((turn) => [...turn.inputItems, ...outputItems(turn.response)]);
}

/** The ids that a request's input refers to by `item_reference`. */
export function referencedIds(json: JsonObject): readonly string[] {
	return Array.isArray(json.input)
		? inputList(json.input).flatMap((item) => (isReference(item) ? (idOf(item) ?? []) : []))
		: [];
}

/**
 * A request that builds upon earlier turns, as one that stands for itself. The instructions of earlier turns are not
 * carried over, as OpenAI says of `previous_response_id`; those of the request stay.
 * @throws GatewayError 400: an item that is unknown, or there twice; more items than any provider reads.
 */
export function expandInput(request: JsonObject, history: History): Expanded {
	const { previous_response_id: _previous, conversation: _conversation, ...rest } = request;
	const { said, turn } = resolveItems(inputList(request.input), history);
	if (history.items.length + said.length > ITEMS_MAX) {
		throw badRequest(
			`The request and what came before it have more than ${ITEMS_MAX} items. Start anew with what still matters.`,
			"input",
			"history_too_long",
		);
	}
	return { json: { ...rest, input: [...history.items.map(asInput), ...said] }, turn };
}

/**
 * Gives items their ids and puts what references name in their place.
 * @returns `said` as the client wrote it, for the provider; `turn` as it is kept.
 * @throws GatewayError 400: an item that is unknown, or there twice.
 */
export function resolveItems(
	given: readonly JsonObject[],
	{ items, referenced }: History,
): { readonly said: JsonObject[]; readonly turn: readonly Item[] } {
	const present = new Set(items.map(({ id }) => id));
	const said: JsonObject[] = [];
	const turn: Item[] = [];
	for (const entry of given) {
		const reference = isReference(entry);
		const id = idOf(entry);
		const isPresent = id !== undefined && present.has(id);
		if (reference && isPresent) {
			// It is in front of the model already.
			continue;
		}
		if (isPresent) {
			throw badRequest(
				`Duplicate item found with id '${shown(id)}'. Remove duplicate items from your input and try again.`,
				"input",
				"duplicate_item",
			);
		}
		const found = reference ? referenced?.get(id ?? "") : undefined;
		if (reference && found === undefined) {
			throw badRequest(`Item with id '${shown(id ?? "")}' not found.`, "input", "item_not_found");
		}
		const item = found ?? toItem(entry);
		present.add(item.id);
		turn.push(item);
		said.push(found === undefined ? entry : asInput(found));
	}
	return { said, turn };
}

/** A response as its client sees it: it tells what it was built upon, of which its provider knows nothing. */
export function withContinuation(response: JsonObject, continuation: Continuation | undefined): JsonObject {
	const { previousResponseId, conversationId } = continuation ?? {};
	return {
		...response,
		...(previousResponseId === undefined ? {} : { previous_response_id: previousResponseId }),
		...(conversationId === undefined ? {} : { conversation: { id: conversationId } }),
	};
}

function shown(id: string): string {
	return id.slice(0, 100);
}

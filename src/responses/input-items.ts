import { badRequest } from "../lib/errors.ts";
import type { JsonObject } from "../lib/json-types.ts";
import type { Item } from "./types.ts";

const LIMIT_DEFAULT = 20;
const LIMIT_MAX = 100;
const ID_LENGTH_MAX = 256;
const INCLUDES_MAX = 64;

export interface ListQuery {
	/** Newest first is OpenAI's default. */
	readonly order: "asc" | "desc";
	/** Exclusive: the item before the first one wanted, in the order asked for. */
	readonly after: string | undefined;
	/** Exclusive: the item after the last one wanted. */
	readonly before: string | undefined;
	readonly limit: number;
}

/** A page of a list, in the order asked for. */
export interface ItemPage {
	readonly items: readonly Item[];
	readonly hasMore: boolean;
}

/**
 * Reads `order`, `after`, `before`, `limit` and `include` of a list's address. What `include` may ask for is always there.
 * @throws GatewayError 400 naming the parameter.
 */
export function readListQuery(query: URLSearchParams): ListQuery {
	const order = query.get("order") ?? "desc";
	if (order !== "asc" && order !== "desc") {
		throw badRequest("The parameter 'order' must be 'asc' or 'desc'.", "order");
	}
	const limitText = query.get("limit");
	const limit = limitText === null ? LIMIT_DEFAULT : Number(limitText);
	if (limitText === "" || !Number.isInteger(limit) || limit < 1 || limit > LIMIT_MAX) {
		throw badRequest(`The parameter 'limit' must be a whole number from 1 to ${LIMIT_MAX}.`, "limit");
	}
	checkInclude(query);
	return { order, limit, after: cursor(query, "after"), before: cursor(query, "before") };
}

/** @throws GatewayError 400 for a list of fields that is none. */
export function checkInclude(query: URLSearchParams): void {
	const asked = [...query.getAll("include"), ...query.getAll("include[]")];
	if (asked.length > INCLUDES_MAX || asked.some((name) => name.length > ID_LENGTH_MAX)) {
		throw badRequest("The parameter 'include' must be a list of field names.", "include");
	}
}

function cursor(query: URLSearchParams, name: "after" | "before"): string | undefined {
	const id = query.get(name);
	if (id === null) {
		return undefined;
	}
	if (id === "" || id.length > ID_LENGTH_MAX) {
		throw badRequest(`The parameter '${name}' must be the id of an item.`, name);
	}
	return id;
}

/** The page of a list that is given oldest first. @throws GatewayError 400 for a cursor that is not in the list. */
export function pageOf(items: readonly Item[], query: ListQuery): ItemPage {
	const ordered = query.order === "asc" ? items : items.toReversed();
	const start = query.after === undefined ? 0 : placeOf(ordered, query.after, "after") + 1;
	const end = query.before === undefined ? ordered.length : placeOf(ordered, query.before, "before");
	const between = ordered.slice(start, Math.max(start, end));
	// A page before an item is the one that ends there.
	const isBackward = query.before !== undefined && query.after === undefined;
	return {
		items: isBackward ? between.slice(-query.limit) : between.slice(0, query.limit),
		hasMore: between.length > query.limit,
	};
}

function placeOf(items: readonly Item[], id: string, param: "after" | "before"): number {
	const place = items.findIndex((item) => item.id === id);
	if (place === -1) {
		throw unknownCursor(id, param);
	}
	return place;
}

export function unknownCursor(id: string, param: "after" | "before") {
	return badRequest(`There is no item with id '${id.slice(0, 100)}' in this list.`, param, "invalid_cursor");
}

/** OpenAI's object of a list. The ids of an empty one are empty texts: its schema promises texts. */
export function listObject({ items, hasMore }: ItemPage): JsonObject {
	return {
		object: "list",
		data: [...items],
		first_id: items.at(0)?.id ?? "",
		last_id: items.at(-1)?.id ?? "",
		has_more: hasMore,
	};
}

import { and, eq, gt, inArray, or } from "drizzle-orm";
import { outputItems } from "../responses/items.ts";
import type { Item, Maker, ResponseRecord } from "../responses/types.ts";
import { slices } from "./conversation-items.ts";
import type { Db } from "./db.ts";
import type { Tables } from "./tables.ts";
import type { Chain, HistoryBounds, Horizon, ResponseStore } from "./types.ts";

/** What is read before other work is let through: about 10 ms of the event loop. */
const SLICE_BYTES_MAX = 2 * 1024 * 1024;
const SLICE_ROWS_MAX = 100;

export interface ResponseReaderDeps {
	readonly db: Db;
	readonly tables: Tables;
	/** Lets other work go on between two statements of a long job. */
	readonly turn: () => Promise<void>;
}

type Row = Tables["responses"]["$inferSelect"];

export function createResponseReader(deps: ResponseReaderDeps): Pick<ResponseStore, "get" | "chain" | "findItems"> {
	const { db, tables, turn } = deps;
	const { responses } = tables;

	async function find(id: string, horizon: Horizon): Promise<Row | undefined> {
		const [row] = await db
			.select()
			.from(responses)
			.where(and(eq(responses.id, id), alive(tables, horizon)));
		return row;
	}

	async function chain(id: string, bounds: HistoryBounds, horizon: Horizon): Promise<Chain> {
		const within = createMeter(bounds, turn);
		const turns: ResponseRecord[] = [];
		const seen = new Set<string>();
		for (let next: string | undefined = id; next !== undefined; next = turns.at(-1)?.previousResponseId) {
			const row: Row | undefined = seen.has(next) ? undefined : await find(next, horizon);
			if (row === undefined) {
				return { kind: "broken", id: next };
			}
			if (!(await within(row))) {
				return { kind: "too_long" };
			}
			seen.add(next);
			turns.push(toRecord(row));
		}
		return { kind: "whole", turns: turns.reverse() };
	}

	return {
		async get(id, horizon) {
			const row = await find(id, horizon);
			return row && toRecord(row);
		},
		chain,
		async findItems(ids, maker, bounds, horizon) {
			const within = createMeter(bounds, turn);
			const makers = await makersOf(deps, ids, maker, horizon);
			const found = new Map<string, Item>();
			for (const responseId of new Set(makers.values())) {
				const row = await find(responseId, horizon);
				if (row === undefined) {
					continue;
				}
				if (!(await within(row))) {
					return "too_long";
				}
				for (const item of outputItems(JSON.parse(row.response))) {
					if (makers.get(item.id) === responseId) {
						found.set(item.id, item);
					}
				}
			}
			return found;
		},
	};
}

function alive({ responses }: Tables, { nowMs, keptSinceMs }: Horizon) {
	return and(gt(responses.expiresAt, nowMs), gt(responses.createdAt, keptSinceMs));
}

/** The newest response of a key or its team that made each item. */
async function makersOf(
	{ db, tables }: ResponseReaderDeps,
	ids: readonly string[],
	maker: Maker,
	horizon: Horizon,
): Promise<ReadonlyMap<string, string>> {
	const { responses, responseItems } = tables;
	const own = eq(responses.keyId, maker.keyId);
	const readable = maker.team === undefined ? own : or(own, eq(responses.team, maker.team));
	const newest = new Map<string, { readonly responseId: string; readonly createdAt: number }>();
	for (const some of slices([...new Set(ids)])) {
		const rows = await db
			.select({ itemId: responseItems.itemId, responseId: responses.id, createdAt: responses.createdAt })
			.from(responseItems)
			.innerJoin(responses, eq(responses.id, responseItems.responseId))
			.where(and(inArray(responseItems.itemId, some), readable, alive(tables, horizon)));
		for (const row of rows) {
			if ((newest.get(row.itemId)?.createdAt ?? 0) <= row.createdAt) {
				newest.set(row.itemId, row);
			}
		}
	}
	return new Map(newest.entries().map(([itemId, { responseId }]) => [itemId, responseId]));
}

/** Counts what was read, lets other work through now and then, and says when it is too much. */
function createMeter({ countMax, bytesMax }: HistoryBounds, turn: () => Promise<void>) {
	let count = 0;
	let bytes = 0;
	let sliceBytes = 0;
	return async function within(row: { readonly bytes: number }): Promise<boolean> {
		count += 1;
		bytes += row.bytes;
		sliceBytes += row.bytes;
		if (sliceBytes > SLICE_BYTES_MAX || count % SLICE_ROWS_MAX === 0) {
			sliceBytes = 0;
			await turn();
		}
		return count <= countMax && bytes <= bytesMax;
	};
}

function toRecord(row: Row): ResponseRecord {
	return {
		id: row.id,
		keyId: row.keyId,
		team: row.team ?? undefined,
		createdAtMs: row.createdAt,
		expiresAtMs: row.expiresAt,
		alias: row.alias,
		previousResponseId: row.previousResponseId ?? undefined,
		conversationId: row.conversationId ?? undefined,
		// What the store wrote.
		inputItems: JSON.parse(row.inputItems) as readonly Item[],
		response: JSON.parse(row.response),
	};
}

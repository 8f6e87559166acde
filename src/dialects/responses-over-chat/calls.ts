import type { JsonObject } from "../../lib/json-types.ts";
import { type CallItem, openCall } from "./items.ts";
import type { Line } from "./line.ts";
import type { CallPiece } from "./message.ts";

interface Call {
	readonly index: number | undefined;
	readonly givenId: string;
	readonly id: string;
	readonly kind: CallPiece["kind"];
	name: string;
	extra: JsonObject;
	text: string;
	item: CallItem | undefined;
}

/** Puts the pieces of tool calls together. */
export interface Calls {
	/**
	 * @param begin Told before an item is opened, so that others can be closed.
	 * @returns The item that the piece opened, if it did.
	 */
	add(piece: CallPiece, begin: () => void): CallItem | undefined;
	/** Opens the calls that have arguments and never got a name. */
	openNameless(begin: () => void): readonly CallItem[];
	/** Closes calls that cannot go on: nothing can follow a whole JSON object. */
	closeWhole(): void;
}

export function createCalls(line: Line, answerId: string): Calls {
	const calls: Call[] = [];
	const ids = new Set<string>();

	/** An id of its own for each call: two answers to one id could not be told apart. */
	function uniqueId(given: string): string {
		const own = `call_${answerId}_${calls.length}`;
		const id = given === "" || ids.has(given) ? own : given;
		ids.add(id);
		return id;
	}
	function open(call: Call): CallItem {
		const item = openCall(line, call);
		call.item = item;
		if (call.text !== "") {
			item.add(call.text);
		}
		return item;
	}
	return {
		add(piece, begin) {
			let call = find(calls, piece);
			if (call === undefined) {
				const { index, id: givenId, kind } = piece;
				call = { index, givenId, id: uniqueId(givenId), kind, name: "", extra: {}, text: "", item: undefined };
				calls.push(call);
			}
			call.name ||= piece.name;
			call.text += piece.arguments;
			// The item repeats them, so what comes late is still in the finished response.
			Object.assign(call.extra, piece.extra);
			if (call.item === undefined) {
				if (call.name === "") {
					return undefined;
				}
				begin();
				return open(call);
			}
			if (piece.arguments !== "" && call.item.isOpen()) {
				call.item.add(piece.arguments);
			}
			return undefined;
		},
		openNameless(begin) {
			const waiting = calls.filter(({ item, text }) => item === undefined && text !== "");
			return waiting.map((call) => {
				begin();
				return open(call);
			});
		},
		closeWhole() {
			for (const { item, text, kind } of calls) {
				if (item?.isOpen() && kind === "function" && isWhole(text)) {
					item.close("completed");
				}
			}
		},
	};
}

/**
 * The call that a piece belongs to. Most servers number the pieces. Some number every call 0 and tell a new one by its id
 * and name (https://github.com/ai-dynamo/dynamo/pull/4723), some give no number at all
 * (https://github.com/openai/openai-python/issues/2806), and some a new id with every piece.
 */
function find(calls: readonly Call[], { index, id, name }: CallPiece): Call | undefined {
	const isNew = (call: Call): boolean => id !== "" && name !== "" && call.givenId !== id;
	if (index !== undefined) {
		const call = calls.findLast((candidate) => candidate.index === index);
		return call === undefined || isNew(call) ? undefined : call;
	}
	const known = id === "" ? undefined : calls.findLast((call) => call.givenId === id);
	return known ?? (name === "" ? calls.at(-1) : undefined);
}

/** `{}` may be a placeholder that more follows. */
function isWhole(text: string): boolean {
	if (!text.trimEnd().endsWith("}") || text.trim() === "{}") {
		return false;
	}
	try {
		JSON.parse(text);
		return true;
	} catch {
		// The brace closed something inside.
		return false;
	}
}

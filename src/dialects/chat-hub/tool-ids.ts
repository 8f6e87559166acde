import { createHash } from "node:crypto";
import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";

/** What Anthropic and Bedrock take as the id of a tool call. Ids made by other providers may hold dots, colons, anything. */
const PLAIN_ID = /^[a-zA-Z0-9_-]{1,64}$/;

/** An id that every provider takes: the same for the call and for its result, itself where it is plain already. */
export function plainToolId(id: string): string {
	if (PLAIN_ID.test(id)) {
		return id;
	}
	const digest = createHash("sha256").update(id).digest("hex").slice(0, 12);
	return `${id.replaceAll(/[^a-zA-Z0-9_-]/g, "_").slice(0, 50)}_${digest}`;
}

/** The ids of a conversation's calls and results, each call with one of its own. */
export interface ConversationIds {
	/** @param turn Whatever stands for the turn that makes the call. */
	call(id: string, turn: object): string;
	/** Of a result: the call of this id in the latest turn that made one, of several the first without a result. */
	result(id: string): string;
}

/**
 * Providers that want an id once in a conversation refuse those of clients and servers that count from `call_0` in each
 * turn. An id that comes again is changed, for the call and for its result; all others stay.
 * @param plain How the provider wants an id to look.
 */
export function createConversationIds(plain: (id: string) => string = plainToolId): ConversationIds {
	const timesUsed = new Map<string, number>();
	const waiting = new Map<string, { readonly turn: object; readonly ids: string[] }>();
	return {
		call(id, turn) {
			const times = (timesUsed.get(id) ?? 0) + 1;
			timesUsed.set(id, times);
			const written = plain(times === 1 ? id : `${id}#${times}`);
			const before = waiting.get(id);
			if (before?.turn === turn) {
				before.ids.push(written);
			} else {
				waiting.set(id, { turn, ids: [written] });
			}
			return written;
		},
		result(id) {
			const ids = waiting.get(id)?.ids;
			// The last one stays, for a second result of the same call.
			return (ids !== undefined && ids.length > 1 ? ids.shift() : ids?.[0]) ?? plain(id);
		},
	};
}

/** Gives each call of one answer an id of its own: the provider's, or one made here where it has none or says one twice. */
export function createCallIds(answerId: string): (given: JsonValue | undefined) => string {
	const taken = new Set<string>();
	return (given) => {
		const id =
			typeof given === "string" && given !== "" && !taken.has(given) ? given : `call_${answerId}_${taken.size}`;
		taken.add(id);
		return id;
	};
}

/** Under this name a model gets back what it once wrote in place of JSON, so that it can see what it did. */
const INVALID_ARGUMENTS = "INVALID_JSON";

/** The arguments of a call in a conversation, for targets that want an object. "" is a call without arguments. */
export function argumentsObject(text: string): JsonObject {
	if (text.trim() === "") {
		return {};
	}
	try {
		const value: unknown = JSON.parse(text);
		return isJsonObject(value) ? value : { [INVALID_ARGUMENTS]: text };
	} catch {
		// A model that wrote nonsense: the conversation goes on all the same.
		return { [INVALID_ARGUMENTS]: text };
	}
}

/** The same for targets that want the text of an object: as it came, where it is one. */
export function argumentsText(text: string): string {
	const value = argumentsObject(text);
	return text.trim() === "" || INVALID_ARGUMENTS in value ? JSON.stringify(value) : text;
}

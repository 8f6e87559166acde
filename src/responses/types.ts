import type { JsonObject } from "../lib/json-types.ts";

/** Anything that stands in the input or output of a response, with the id it is known by. */
export type Item = JsonObject & { readonly id: string };

/** Who made something that is kept: its key, and the team that key belonged to then. */
export interface Maker {
	readonly keyId: string;
	readonly team: string | undefined;
}

/** One turn as it is kept. Instants are Unix milliseconds. */
export interface ResponseRecord extends Maker {
	readonly id: string;
	readonly createdAtMs: number;
	readonly expiresAtMs: number;
	/** The model as the client named it. */
	readonly alias: string;
	/** The turn that this one continued, whose items are not repeated here. */
	readonly previousResponseId: string | undefined;
	readonly conversationId: string | undefined;
	/** This turn's own input. */
	readonly inputItems: readonly Item[];
	/** The final response object, as its client saw it. */
	readonly response: JsonObject;
}

/** A conversation without its items. Instants are Unix milliseconds. */
export interface ConversationRecord extends Maker {
	readonly id: string;
	readonly createdAtMs: number;
	/** When it was last changed: its life is counted from then. */
	readonly changedAtMs: number;
	readonly expiresAtMs: number;
	readonly metadata: JsonObject;
	readonly itemCount: number;
	/** UTF-8 bytes of its items. */
	readonly bytes: number;
}

/** What a request builds upon. At most one of the two is given. */
export interface Continuation {
	readonly previousResponseId: string | undefined;
	readonly conversationId: string | undefined;
}

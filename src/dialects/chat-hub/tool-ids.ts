import { createHash } from "node:crypto";
import { isJsonObject, type JsonObject } from "../../lib/json-types.ts";

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

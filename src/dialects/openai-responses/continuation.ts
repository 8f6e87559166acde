import { badRequest } from "../../lib/errors.ts";
import { isJsonObject, type JsonObject } from "../../lib/json-types.ts";
import { mustBe } from "../fields.ts";

const ID_LENGTH_MAX = 256;

/**
 * What a request builds upon: an earlier response, or a conversation (`"conv_…"` or `{ "id": "conv_…" }`).
 * @throws GatewayError 400 naming the field: not an id, or both given.
 */
export function readContinuation(json: JsonObject): {
	readonly previousResponseId: string | undefined;
	readonly conversationId: string | undefined;
} {
	const { conversation } = json;
	const previousResponseId = idOf(json.previous_response_id, "previous_response_id", "the id of a response");
	const conversationId = isJsonObject(conversation)
		? (idOf(conversation.id, "conversation.id", "the id of a conversation") ?? missingId())
		: idOf(conversation, "conversation", "the id of a conversation, or an object with its id");
	if (previousResponseId !== undefined && conversationId !== undefined) {
		throw badRequest(
			"Give either 'previous_response_id' or 'conversation', not both.",
			"conversation",
			"mutually_exclusive_parameters",
		);
	}
	return { previousResponseId, conversationId };
}

function idOf(value: JsonObject[string], param: string, expected: string): string | undefined {
	if (value === undefined || value === null) {
		return undefined;
	}
	if (typeof value !== "string" || value.length > ID_LENGTH_MAX) {
		throw mustBe(param, expected);
	}
	return value;
}

function missingId(): never {
	throw mustBe("conversation.id", "the id of a conversation");
}

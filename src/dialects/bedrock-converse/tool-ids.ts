import { createHash } from "node:crypto";
import { type ConversationIds, createConversationIds } from "../chat-hub/tool-ids.ts";
import type { BedrockModel } from "./models.ts";

const MISTRAL_ID = /^[a-zA-Z0-9]{9}$/;
const LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/**
 * The ids of calls and results as the model takes them back. Mistral's models take nine letters and digits only, although
 * Bedrock itself makes longer ones for them.
 * @see https://github.com/vercel/ai/blob/main/packages/amazon-bedrock/src/normalize-tool-call-id.ts
 */
export function createToolUseIds({ family }: BedrockModel): ConversationIds {
	const ids = createConversationIds();
	return family === "mistral"
		? { call: (id, turn) => nineLetters(ids.call(id, turn)), result: (id) => nineLetters(ids.result(id)) }
		: ids;
}

function nineLetters(id: string): string {
	if (MISTRAL_ID.test(id)) {
		return id;
	}
	const digest = createHash("sha256").update(id).digest();
	return [...digest.subarray(0, 9)].map((byte) => LETTERS[byte % LETTERS.length]).join("");
}

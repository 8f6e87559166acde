import type { JsonObject } from "../../src/lib/json-types.ts";
import type { ConversationRecord, Item, ResponseRecord } from "../../src/responses/types.ts";
import type { HistoryBounds, Horizon } from "../../src/store/types.ts";

/** 2030-06-15T00:00:00Z. */
export const KEPT_AT_MS = Date.UTC(2030, 5, 15);
export const DAY_MS = 86_400_000;
/** Everything made in the last thirty days is there. */
export const HORIZON: Horizon = { nowMs: KEPT_AT_MS + 1, keptSinceMs: KEPT_AT_MS - 30 * DAY_MS };
export const BOUNDS: HistoryBounds = { countMax: 1_000, bytesMax: 32 * 1024 * 1024 };

export function userMessage(id: string, text: string): Item {
	return { id, type: "message", status: "completed", role: "user", content: [{ type: "input_text", text }] };
}

export function assistantMessage(id: string, text: string): Item {
	const content = [{ type: "output_text", text, annotations: [], logprobs: [] }];
	return { id, type: "message", status: "completed", role: "assistant", content };
}

export function responseObject(id: string, output: readonly Item[], more: JsonObject = {}): JsonObject {
	return { id, object: "response", status: "completed", output: [...output], ...more };
}

/** One turn: `text` was asked, `text!` answered. */
export function turnRecord(id: string, facts: Partial<ResponseRecord> = {}): ResponseRecord {
	return {
		id,
		keyId: "vk_A",
		team: undefined,
		createdAtMs: KEPT_AT_MS,
		expiresAtMs: KEPT_AT_MS + 30 * DAY_MS,
		alias: "smart",
		previousResponseId: undefined,
		conversationId: undefined,
		inputItems: [userMessage(`msg_in_${id}`, id)],
		response: responseObject(id, [assistantMessage(`msg_out_${id}`, `${id}!`)]),
		...facts,
	};
}

export function conversationRecord(id: string, facts: Partial<ConversationRecord> = {}): ConversationRecord {
	return {
		id,
		keyId: "vk_A",
		team: undefined,
		createdAtMs: KEPT_AT_MS,
		changedAtMs: KEPT_AT_MS,
		expiresAtMs: KEPT_AT_MS + 30 * DAY_MS,
		metadata: {},
		itemCount: 0,
		bytes: 0,
		...facts,
	};
}

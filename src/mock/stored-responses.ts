import type { JsonObject } from "../lib/json-types.ts";
import { MockRefusal } from "./reply.ts";

/** Responses kept at once; the oldest goes first. */
const STORED_MAX = 1_000;

export interface StoredResponse {
	/** As `GET` shows it now: a background response is queued until it is first asked for. */
	readonly response: JsonObject;
	readonly finished: JsonObject;
	readonly input: readonly JsonObject[];
	/** Everything said up to and including this answer. */
	readonly conversation: readonly JsonObject[];
}

/** What the mock provider remembers of the Responses API, in memory. */
export interface StoredResponses {
	add(response: StoredResponse): void;
	get(id: string): StoredResponse | undefined;
	/** Answers `GET`, `DELETE` and `POST …/cancel`, and `GET …/input_items`. @throws MockRefusal 404, 400. */
	answer(method: string, id: string, action: string | undefined): JsonObject;
}

export function createStoredResponses(): StoredResponses {
	const stored = new Map<string, StoredResponse>();

	function replace(found: StoredResponse, response: JsonObject): JsonObject {
		stored.set(String(response.id), { ...found, response });
		return response;
	}

	return {
		add(response) {
			stored.set(String(response.finished.id), response);
			const oldest = stored.keys().next().value;
			if (stored.size > STORED_MAX && oldest !== undefined) {
				stored.delete(oldest);
			}
		},
		get: (id) => stored.get(id),
		answer(method, id, action) {
			const found = stored.get(id);
			if (found === undefined) {
				throw new MockRefusal(404, `Response with id '${id}' not found.`);
			}
			switch (`${method} ${action ?? ""}`) {
				case "GET ":
					return found.response.status === "queued" ? replace(found, found.finished) : found.response;
				case "DELETE ":
					stored.delete(id);
					return { id, object: "response", deleted: true };
				case "GET input_items":
					return inputItems(found.input);
				case "POST cancel":
					if (found.response.background !== true) {
						throw new MockRefusal(400, "Cannot cancel a synchronous response.");
					}
					return found.response.status === "queued"
						? replace(found, { ...found.response, status: "cancelled" })
						: found.response;
				default:
					throw new MockRefusal(404, `No such endpoint: ${method} ${action ?? ""}`);
			}
		},
	};
}

/** Newest first, as OpenAI lists them. */
function inputItems(input: readonly JsonObject[]): JsonObject {
	const data = input.toReversed();
	return {
		object: "list",
		data,
		has_more: false,
		first_id: data.at(0)?.id ?? "",
		last_id: data.at(-1)?.id ?? "",
	};
}

import { asksForStream } from "./native-rig.ts";
import { type Json, objects, parseJson, text } from "./oracle/json.ts";
import { json, respond, SSE_HEADERS } from "./replies.ts";
import { callItem, itemsReply, messageItem, reasoningItem } from "./responses-upstream.ts";
import type { ReceivedRequest, Reply } from "./upstream.ts";

/**
 * Accounts at a provider that speaks the Responses API, told apart by their keys. As OpenAI does, each refuses what
 * another one has encrypted (https://github.com/BerriAI/litellm/pull/21994), and calls that it knows without the reasoning
 * that led to them (https://github.com/langchain-ai/langchainjs/pull/9082).
 */
export interface StrictResponses {
	answer(request: ReceivedRequest): Reply;
	/** Sealed by an account in an answer that no gateway has seen. */
	sealedBy(key: string): { readonly id: string; readonly encrypted_content: string };
	/** What each request asked, and of which account. */
	readonly asked: readonly { readonly key: string; readonly input: readonly Json[] }[];
	/** Accounts that are overloaded. */
	readonly down: Set<string>;
	/** Refusals come as the first event of a stream whose status says success. */
	refusesInStreams: boolean;
	forget(): void;
}

/** @returns An account thinks and calls `weather` unless it is shown a result: then it thinks and says `ANSWER`. */
export function createStrictResponses(): StrictResponses {
	const asked: { key: string; input: Json[] }[] = [];
	const down = new Set<string>();
	const ownerOf = new Map<string, string>();
	/** Which reasoning led to a call, by its id. */
	const needs = new Map<string, string>();

	function seal(key: string) {
		const item = reasoningItem(`gAAAA${key}${"x".repeat(300)}${ownerOf.size}`);
		ownerOf.set(String(item.encrypted_content), key);
		return item;
	}
	function faultOf(key: string, input: readonly Json[]): Json | undefined {
		for (const [index, item] of input.entries()) {
			const content = text(item.encrypted_content);
			if (content !== "" && ownerOf.get(content) !== key) {
				const message = `The encrypted content for item ${text(item.id)} could not be verified. Reason: Encrypted content organization_id did not match the target organization.`;
				return { message, type: "invalid_request_error", param: null, code: "invalid_encrypted_content" };
			}
			const reasoning = needs.get(`${key} ${text(item.id)}`);
			const before = input.slice(0, index).some(({ id }) => id === reasoning);
			if (reasoning !== undefined && !before) {
				const message = `Item '${text(item.id)}' of type 'function_call' was provided without its required 'reasoning' item: '${reasoning}'.`;
				return { message, type: "invalid_request_error", param: "input", code: null };
			}
		}
		return undefined;
	}
	const provider: StrictResponses = {
		asked,
		down,
		refusesInStreams: false,
		forget: () => void asked.splice(0),
		sealedBy(key) {
			const { id, encrypted_content: content } = seal(key);
			return { id, encrypted_content: text(content) };
		},
		answer(request) {
			const key = (request.header("authorization") ?? "").replace("Bearer ", "");
			const input = objects(parseJson(request.text()).input);
			asked.push({ key, input });
			if (down.has(key)) {
				return json(503, { error: { message: "Overloaded.", type: "server_error", param: null, code: null } });
			}
			const error = faultOf(key, input);
			if (error !== undefined) {
				const event = { type: "error", sequence_number: 0, ...error, error };
				return provider.refusesInStreams && asksForStream(request)
					? respond({
							framing: "chunked",
							headers: SSE_HEADERS,
							body: `event: error\ndata: ${JSON.stringify(event)}\n\n`,
						})
					: json(400, { error });
			}
			const thought = seal(key);
			if (input.at(-1)?.type === "function_call_output") {
				return itemsReply(request, [thought, messageItem(ANSWER)]);
			}
			const call = callItem("weather", { city: "Rome" });
			needs.set(`${key} ${call.id}`, thought.id);
			return itemsReply(request, [thought, call]);
		},
	};
	return provider;
}

export const ANSWER = "It is 21 degrees.";

import { isJsonObject, type JsonObject, stringOf } from "../../lib/json-types.ts";
import type { ChunkWriter } from "../chat-hub/chunks.ts";
import { createCallIds } from "../chat-hub/tool-ids.ts";
import { customInput } from "../chat-hub/tools.ts";
import { type AnswerTerms, argumentsText } from "./answer.ts";

/** The tool calls of one stream, by the events that tell them. */
export interface ToolCalls {
	start(event: JsonObject): void;
	add(event: JsonObject): void;
	end(event: JsonObject): void;
	/** Those whose end was never told. */
	endAll(): void;
}

interface OpenCall {
	/** At the writer. */
	readonly index: number;
	readonly isCustom: boolean;
	/**
	 * `held`: nothing written yet, since it may be the word "null" in pieces, or the JSON around the input of a custom tool.
	 */
	state: "held" | "writing" | "closed";
	held: string;
}

export function createToolCalls(writer: ChunkWriter, terms: AnswerTerms): ToolCalls {
	const calls = new Map<unknown, OpenCall>();
	const callId = createCallIds(terms.answerId);
	let last: OpenCall | undefined;

	function append(call: OpenCall, fragment: string): void {
		if (call.state === "writing") {
			writer.toolArguments(call.index, fragment);
			return;
		}
		call.held += fragment;
		if (call.state === "held" && !call.isCustom && !"null".startsWith(call.held.trim())) {
			call.state = "writing";
			writer.toolArguments(call.index, call.held);
		}
	}
	function close(call: OpenCall): void {
		if (call.state === "held") {
			const text = argumentsText(call.held).trim();
			writer.toolArguments(call.index, call.isCustom ? customInput(text) : text);
		}
		call.state = "closed";
	}
	return {
		start(event) {
			const call = callIn(event);
			const name = terms.toolName(stringOf(functionIn(call).name));
			const isCustom = terms.customTools.has(name);
			const index = writer.toolCall({ id: callId(call.id), name, kind: isCustom ? "custom" : "function" });
			last = { index, isCustom, state: "held", held: "" };
			calls.set(calls.has(event.index) || event.index === undefined ? last : event.index, last);
			append(last, argumentsText(functionIn(call).arguments));
		},
		add(event) {
			const call = calls.get(event.index) ?? last;
			if (call !== undefined) {
				const fragment = functionIn(callIn(event)).arguments;
				append(call, isJsonObject(fragment) ? JSON.stringify(fragment) : stringOf(fragment));
			}
		},
		end(event) {
			const call = calls.get(event.index) ?? last;
			if (call !== undefined) {
				close(call);
			}
		},
		endAll() {
			for (const call of calls.values()) {
				close(call);
			}
		},
	};
}

function callIn({ delta }: JsonObject): JsonObject {
	const given = isJsonObject(delta) && isJsonObject(delta.message) ? delta.message.tool_calls : undefined;
	const call = Array.isArray(given) ? given[0] : given;
	return isJsonObject(call) ? call : {};
}

function functionIn(call: JsonObject): JsonObject {
	return isJsonObject(call.function) ? call.function : {};
}

import { type JsonObject, stringOf } from "../../lib/json-types.ts";
import type { ChunkWriter } from "../chat-hub/chunks.ts";
import type { ReasoningDetail } from "../chat-hub/reasoning.ts";
import { customInput } from "../chat-hub/tools.ts";
import { inputText, sealed } from "./answer.ts";
import { SEAL_FORMAT } from "./reasoning.ts";
import type { StreamText } from "./stream-text.ts";

/** One block of a stream while it is open: what its deltas do. A delta that is none of its own does nothing. */
export interface OpenBlock {
	text?(words: string): void;
	citation?(citation: JsonObject): void;
	thinking?(words: string, signature: string): void;
	fragment?(json: string): void;
	close?(): void;
	/** What it leaves behind for the next turn. */
	detail?(): ReasoningDetail;
}

/** The provider's own business. */
export const SILENT: OpenBlock = {};

export function textBlock(text: StreamText): OpenBlock {
	const start = text.length();
	const citations: JsonObject[] = [];
	return {
		text: text.say,
		citation: (citation) => void citations.push(citation),
		close: () => text.cite(citations, start),
	};
}

/** @param say Shows words of thinking to the client. */
export function thinkingBlock(say: (words: string) => void): OpenBlock {
	let words = "";
	let seal = "";
	return {
		thinking(more, signature) {
			words += more;
			seal += signature;
			say(more);
		},
		detail: () => sealed(words, seal),
	};
}

export function redactedBlock(block: JsonObject): OpenBlock {
	const data = stringOf(block.data);
	return { detail: () => ({ type: "reasoning.encrypted", format: SEAL_FORMAT, data }) };
}

/** A call of a function. Some servers send its input whole with the start of the block. */
export function callBlock(block: JsonObject, call: number, writer: () => ChunkWriter): OpenBlock {
	let hasFragments = false;
	return {
		fragment(json) {
			hasFragments ||= json !== "";
			writer().toolArguments(call, json);
		},
		close() {
			if (!hasFragments) {
				writer().toolArguments(call, inputText(block.input));
			}
		},
	};
}

/** A call of a custom tool: its text can only be read from the whole input. */
export function customBlock(block: JsonObject, call: number, writer: () => ChunkWriter): OpenBlock {
	let fragments = "";
	return {
		fragment(json) {
			fragments += json;
		},
		close: () => writer().toolArguments(call, customInput(fragments || inputText(block.input))),
	};
}

/** The call of the tool that takes the answer: its input is the answer. Only the first counts. */
export function answerBlock(block: JsonObject, text: StreamText): OpenBlock {
	if (!text.answeredByTool()) {
		return SILENT;
	}
	let hasFragments = false;
	return {
		fragment(json) {
			hasFragments ||= json !== "";
			text.answer(json);
		},
		close() {
			if (!hasFragments) {
				text.answer(inputText(block.input));
			}
		},
	};
}

import { isJsonObject, type JsonObject } from "../../lib/json-types.ts";
import type { ChunkWriter } from "../chat-hub/chunks.ts";
import type { Target } from "../translation.ts";
import { isOwnBusiness, madeCallId, shownDetails, stringOf } from "./answer.ts";
import {
	answerBlock,
	callBlock,
	customBlock,
	type OpenBlock,
	redactedBlock,
	SILENT,
	textBlock,
	thinkingBlock,
} from "./block-kinds.ts";
import type { AnswerPlan } from "./request.ts";
import { createStreamText } from "./stream-text.ts";

/** The content of one streamed message, block by block. */
export interface StreamBlocks {
	start(index: number, block: JsonObject): void;
	delta(index: number, delta: JsonObject): void;
	stop(index: number): void;
	/** Everything that is told once, before the finish. Closes what is still open. */
	close(): void;
	/** Whether anything has come. */
	begun(): boolean;
	/** Tool calls the client has been shown. */
	calls(): number;
}

export function createStreamBlocks(writer: () => ChunkWriter, plan: AnswerPlan, target: Target): StreamBlocks {
	const open = new Map<number, OpenBlock>();
	/** In the order in which they began. */
	const thoughts: OpenBlock[] = [];
	const text = createStreamText(writer, plan.jsonTool !== undefined);
	let calls = 0;
	let hasBegun = false;

	function opened(block: JsonObject): OpenBlock {
		switch (block.type) {
			case "thinking":
				return thinkingBlock((words) => (plan.hideThinking ? undefined : writer().reasoning(words)));
			case "redacted_thinking":
				return redactedBlock(block);
			case "tool_use":
				return block.name === plan.jsonTool ? answerBlock(block, text) : openedCall(block);
			default:
				return isOwnBusiness(block.type) ? SILENT : textBlock(text);
		}
	}
	function openedCall(block: JsonObject): OpenBlock {
		const name = stringOf(block.name);
		const id = stringOf(block.id) || madeCallId(target, calls);
		calls += 1;
		return plan.customTools.has(name)
			? customBlock(block, writer().toolCall({ id, name, kind: "custom" }), writer)
			: callBlock(block, writer().toolCall({ id, name }), writer);
	}
	function stop(index: number): void {
		open.get(index)?.close?.();
		open.delete(index);
	}

	return {
		start(index, block) {
			stop(index);
			hasBegun = true;
			const started = opened(block);
			open.set(index, started);
			if (started.detail !== undefined) {
				thoughts.push(started);
			}
			tellStart(block, started);
		},
		delta(index, delta) {
			hasBegun = true;
			// Text without the start of its block is text all the same.
			tellDelta(delta, open.get(index) ?? (delta.type === "text_delta" ? { text: text.say } : SILENT));
		},
		stop,
		close() {
			for (const index of [...open.keys()]) {
				stop(index);
			}
			text.close();
			const details = thoughts.flatMap((thought) => thought.detail?.() ?? []);
			writer().reasoningDetails(shownDetails(details, plan));
		},
		begun: () => hasBegun,
		calls: () => calls,
	};
}

/** The start of a block may hold words already. */
function tellStart(block: JsonObject, open: OpenBlock): void {
	open.text?.(stringOf(block.text));
	open.thinking?.(stringOf(block.thinking), stringOf(block.signature));
	for (const citation of Array.isArray(block.citations) ? block.citations : []) {
		if (isJsonObject(citation)) {
			open.citation?.(citation);
		}
	}
}

function tellDelta(delta: JsonObject, open: OpenBlock): void {
	switch (delta.type) {
		case "text_delta":
			open.text?.(stringOf(delta.text));
			return;
		case "thinking_delta":
		case "signature_delta":
			open.thinking?.(stringOf(delta.thinking), stringOf(delta.signature));
			return;
		case "input_json_delta":
			open.fragment?.(stringOf(delta.partial_json));
			return;
		case "citations_delta":
			if (isJsonObject(delta.citation)) {
				open.citation?.(delta.citation);
			}
			return;
		default:
	}
}

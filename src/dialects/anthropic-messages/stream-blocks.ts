import { isJsonObject, type JsonObject, type JsonValue, stringOf } from "../../lib/json-types.ts";
import type { ChunkWriter } from "../chat-hub/chunks.ts";
import { createCallIds } from "../chat-hub/tool-ids.ts";
import type { Target } from "../translation.ts";
import { isOwnBusiness, shownDetails } from "./answer.ts";
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
import { createThoughts } from "./thoughts.ts";

/** The content of one streamed message, block by block. */
export interface StreamBlocks {
	/** @param index undefined = not said: the next block, and for the others the one that began last. */
	start(index: number | undefined, block: JsonObject): void;
	delta(index: number | undefined, delta: JsonObject): void;
	stop(index: number | undefined): void;
	/** Everything that is told once, before the finish. Closes what is still open. */
	close(): void;
	/** Whether anything has come. */
	begun(): boolean;
	/** Tool calls the client has been shown. */
	calls(): number;
}

/** A block that has begun and not ended. */
interface OpenedBlock {
	readonly kind: OpenBlock;
	/** The provider's id of a call, "" of others. */
	readonly id: string;
}

/** The block that a delta belongs to, where its start was lost: words are words all the same. */
const KIND_OF_DELTA: ReadonlyMap<JsonValue | undefined, string> = new Map([
	["text_delta", "text"],
	["thinking_delta", "thinking"],
	["signature_delta", "thinking"],
]);

export function createStreamBlocks(writer: () => ChunkWriter, plan: AnswerPlan, target: Target): StreamBlocks {
	const open = new Map<number, OpenedBlock>();
	const thoughts = createThoughts();
	const text = createStreamText(writer, plan.jsonTool !== undefined);
	const callId = createCallIds(target.answerId);
	let calls = 0;
	let latest = -1;

	function kindOf(block: JsonObject): OpenBlock {
		switch (block.type) {
			case "thinking":
				return thinkingBlock((words) => (plan.hideThinking ? undefined : writer().reasoning(words)));
			case "redacted_thinking":
				return redactedBlock(block);
			case "tool_use":
				return block.name === plan.jsonTool ? answerBlock(block, text) : call(block);
			default:
				return isOwnBusiness(block.type) ? SILENT : textBlock(text);
		}
	}
	function call(block: JsonObject): OpenBlock {
		const name = plan.toolName(stringOf(block.name));
		const id = callId(block.id);
		calls += 1;
		thoughts.call(id);
		return plan.customTools.has(name)
			? customBlock(block, writer().toolCall({ id, name, kind: "custom" }), writer)
			: callBlock(block, writer().toolCall({ id, name }), writer);
	}
	function begin(index: number, block: JsonObject, id = ""): OpenBlock {
		const isFront = text.length() === 0 && calls === 0;
		const kind = kindOf(block);
		if (kind.detail !== undefined) {
			thoughts.add(kind.detail, isFront);
		}
		open.set(index, { kind, id });
		latest = index;
		return kind;
	}
	function stop(index: number): void {
		open.get(index)?.kind.close?.();
		open.delete(index);
	}

	return {
		start(given, block) {
			const index = given ?? latest + 1;
			const id = block.type === "tool_use" ? stringOf(block.id) : "";
			// The start of a call told twice is one call.
			if (id === "" || open.get(index)?.id !== id) {
				stop(index);
				tellStart(block, begin(index, block, id));
			}
		},
		delta(given, delta) {
			const index = given ?? Math.max(0, latest);
			const lost = open.has(index) ? undefined : KIND_OF_DELTA.get(delta.type);
			const kind = lost === undefined ? open.get(index)?.kind : begin(index, { type: lost });
			tellDelta(delta, kind ?? SILENT);
		},
		stop: (given) => stop(given ?? latest),
		close() {
			for (const index of [...open.keys()]) {
				stop(index);
			}
			text.close();
			writer().reasoningDetails(shownDetails(thoughts.details(), plan));
		},
		begun: () => latest >= 0,
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

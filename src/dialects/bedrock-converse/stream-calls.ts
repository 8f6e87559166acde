import type { JsonObject } from "../../lib/json-types.ts";
import type { ChunkWriter } from "../chat-hub/chunks.ts";
import { createCallIds } from "../chat-hub/tool-ids.ts";
import { customInput } from "../chat-hub/tools.ts";
import type { AskedOf } from "./request.ts";
import type { TextLine } from "./stream-text.ts";

/** One call of a streamed message. */
export interface StreamCall {
	/** `json` carries the answer; `custom` is told whole, since its text is inside the JSON. */
	readonly kind: "function" | "custom" | "json";
	/** The index of the call in the client's message. */
	readonly position: number;
	text: string;
	closed: boolean;
}

/** The calls of a streamed message, written as they come; the call that carries the answer becomes its text. */
export function createStreamCalls({
	writer,
	text,
	asked,
	answerId,
}: {
	readonly writer: ChunkWriter;
	readonly text: TextLine;
	readonly asked: AskedOf;
	readonly answerId: string;
}) {
	const callId = createCallIds(answerId);
	let calls = 0;
	return {
		any: () => calls > 0,
		begin(toolUse: JsonObject): StreamCall {
			const name = typeof toolUse.name === "string" ? asked.toolName(toolUse.name) : "";
			if (asked.jsonTool !== undefined && name === asked.jsonTool) {
				return { kind: "json", position: -1, text: "", closed: !text.beginJson() };
			}
			calls += 1;
			const kind = asked.customTools.has(name) ? "custom" : "function";
			const position = writer.toolCall({ id: callId(toolUse.toolUseId), name, kind });
			return { kind, position, text: "", closed: false };
		},
		add(call: StreamCall, fragment: string): void {
			if (call.closed) {
				return;
			}
			call.text += fragment;
			if (call.kind === "json") {
				text.json(fragment);
			} else if (call.kind === "function") {
				writer.toolArguments(call.position, fragment);
			}
		},
		close(call: StreamCall): void {
			if (call.closed) {
				return;
			}
			call.closed = true;
			if (call.kind === "custom") {
				writer.toolArguments(call.position, customInput(call.text));
			} else if (call.kind === "json" && call.text === "") {
				text.json("{}");
			}
		},
	};
}

import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import type { ChunkWriter } from "../chat-hub/chunks.ts";
import type { ReasoningDetail } from "../chat-hub/reasoning.ts";
import { extraFields, imageEntry } from "./answer.ts";
import { addCitation, type Cited } from "./citations.ts";
import type { AskedOf } from "./request.ts";
import { createStreamCalls, type StreamCall } from "./stream-calls.ts";
import { createTextLine } from "./stream-text.ts";
import { redactedData, sealedDetail, shownDetails, textDetail } from "./thinking-blocks.ts";
import { argumentsText, isClientCall } from "./tool-calls.ts";

/** The content blocks of one streamed message: written as they come, kept where a client needs them whole. */
export interface StreamBlocks {
	start(index: number, start: JsonObject): void;
	delta(index: number, delta: JsonObject): void;
	stop(index: number): void;
	/** What is said once everything has come: seals, citations, pictures. Before the finish. */
	close(): void;
	hasCalls(): boolean;
	/** Whether anything was said that a client can use. */
	hasContent(): boolean;
}

interface Block {
	/** Where its text begins and ends in the message. */
	readonly textStart: number;
	textEnd: number;
	readonly citations: JsonObject[];
	thinking: { text: string; signature: string } | undefined;
	readonly sealed: Buffer[];
	image: { readonly format: JsonValue | undefined; readonly pieces: Buffer[] } | undefined;
	call: StreamCall | undefined;
}

export function createStreamBlocks(writer: ChunkWriter, asked: AskedOf, answerId: string): StreamBlocks {
	const blocks = new Map<number, Block>();
	const text = createTextLine(writer, asked.jsonTool !== undefined);
	const calls = createStreamCalls({ writer, text, asked, answerId });

	function blockOf(index: number): Block {
		let block = blocks.get(index);
		if (block === undefined) {
			block = {
				textStart: text.length(),
				textEnd: text.length(),
				citations: [],
				thinking: undefined,
				sealed: [],
				image: undefined,
				call: undefined,
			};
			blocks.set(index, block);
		}
		return block;
	}

	function close(call: StreamCall | undefined): void {
		if (call !== undefined) {
			calls.close(call);
		}
	}

	return {
		start(index, start) {
			const block = blockOf(index);
			if (isClientCall(start.toolUse)) {
				close(block.call);
				block.call = calls.begin(start.toolUse);
			}
			if (isJsonObject(start.image)) {
				block.image = { format: start.image.format, pieces: [] };
			}
		},
		delta(index, delta) {
			const block = blockOf(index);
			if (typeof delta.text === "string") {
				text.add(delta.text);
				block.textEnd = text.length();
			}
			if (isJsonObject(delta.toolUse) && block.call !== undefined) {
				calls.add(block.call, argumentsText(delta.toolUse.input));
			}
			if (isJsonObject(delta.reasoningContent)) {
				addThinking(block, delta.reasoningContent, asked.hidesThinking ? undefined : writer);
			}
			if (isJsonObject(delta.citation)) {
				block.citations.push(delta.citation);
			}
			if (isJsonObject(delta.image)) {
				addImage(block, delta.image);
			}
		},
		stop: (index) => close(blocks.get(index)?.call),
		close() {
			for (const { call } of blocks.values()) {
				close(call);
			}
			text.release();
			sayNotes([...blocks.values()], writer, { asked, isJson: text.isJson() });
		},
		hasCalls: () => calls.any(),
		hasContent: () => calls.any() || text.length() > 0 || text.isJson(),
	};
}

function addThinking(block: Block, content: JsonObject, writer: ChunkWriter | undefined): void {
	if (typeof content.text === "string" || typeof content.signature === "string") {
		block.thinking ??= { text: "", signature: "" };
	}
	if (block.thinking !== undefined && typeof content.text === "string") {
		block.thinking.text += content.text;
		writer?.reasoning(content.text);
	}
	if (block.thinking !== undefined && typeof content.signature === "string") {
		block.thinking.signature += content.signature;
	}
	const data = redactedData(content);
	if (data !== undefined) {
		// Each event holds base64 of its own bytes.
		block.sealed.push(Buffer.from(data, "base64"));
	}
}

function addImage(block: Block, image: JsonObject): void {
	block.image ??= { format: undefined, pieces: [] };
	if (isJsonObject(image.source) && typeof image.source.bytes === "string") {
		block.image.pieces.push(Buffer.from(image.source.bytes, "base64"));
	}
}

function sayNotes(
	blocks: readonly Block[],
	writer: ChunkWriter,
	{ asked, isJson }: { readonly asked: AskedOf; readonly isJson: boolean },
): void {
	const details: ReasoningDetail[] = [];
	const cited: Cited = { annotations: [], citations: [] };
	const images: JsonObject[] = [];
	for (const block of blocks) {
		if (block.thinking !== undefined) {
			details.push(...textDetail(block.thinking.text, block.thinking.signature, asked.model));
		}
		if (block.sealed.length > 0) {
			details.push(sealedDetail(Buffer.concat(block.sealed).toString("base64"), asked.model));
		}
		if (block.image !== undefined && block.image.pieces.length > 0) {
			images.push(imageEntry(block.image.format, Buffer.concat(block.image.pieces).toString("base64")));
		}
		for (const citation of isJson ? [] : block.citations) {
			addCitation(cited, citation, { start: block.textStart, end: block.textEnd });
		}
	}
	writer.reasoningDetails(shownDetails(details, asked.hidesThinking));
	const extra = extraFields({ citations: cited.citations, images });
	const fields = cited.annotations.length === 0 ? extra : { annotations: cited.annotations, ...extra };
	if (Object.keys(fields).length > 0) {
		writer.delta(fields);
	}
}

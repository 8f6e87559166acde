import { isJsonObject, type JsonObject, stringOf } from "../../lib/json-types.ts";
import { type ChunkWriter, createChunkWriter } from "../chat-hub/chunks.ts";
import { DONE, eventJson } from "../event-data.ts";
import { declaredFault } from "../provider-fault.ts";
import type { StreamTranslator } from "../translation.ts";
import type { ProviderFault } from "../types.ts";
import type { AnswerTerms } from "./answer.ts";
import { type Citations, createCitations } from "./citations.ts";
import { failedFinish, readCohereFault } from "./faults.ts";
import { finishReason } from "./finish.ts";
import { modernEvents } from "./legacy.ts";
import { chatLogprobs } from "./logprobs.ts";
import { createThoughts } from "./reasoning.ts";
import { createToolCalls } from "./tool-calls.ts";
import { cohereUsage } from "./usage.ts";

/**
 * The stream of one answer as chat chunks. `message-end` is its last word: it brings the reason and the usage, and what
 * some servers send after it (`[DONE]`) says nothing more. A stream that closes without it was cut.
 * @see https://docs.cohere.com/docs/streaming
 */
export function openCohereStream(terms: AnswerTerms): StreamTranslator {
	const writer = createChunkWriter(terms.facts);
	const handlers = createHandlers(writer, terms);
	let hasEnded = false;

	function take(event: JsonObject, name: string): void {
		const type = stringOf(event.type) || name;
		const handler = handlers.get(type);
		const fault = handler === undefined ? faultIn(event, type) : undefined;
		if (fault !== undefined) {
			writer.fault(fault);
			hasEnded = true;
			return;
		}
		handler?.(event);
		hasEnded = type === "message-end";
	}
	return {
		step(event) {
			if (hasEnded || event.data.trim() === DONE) {
				return [];
			}
			const json = eventJson(event);
			if (json === undefined) {
				return "malformed";
			}
			for (const each of modernEvents(json)) {
				if (!hasEnded) {
					take(each, event.name);
				}
			}
			return writer.take();
		},
		end: () => [],
	};
}

/** A failure in the place of an event: `{"message": …}` without a type, or any of the usual shapes. */
function faultIn(event: JsonObject, type: string): ProviderFault | undefined {
	if (type === "error" || (type === "" && typeof event.message === "string")) {
		return readCohereFault(event, undefined);
	}
	return declaredFault(event);
}

type Handlers = ReadonlyMap<string, (event: JsonObject) => void>;

/** By the type of the event; those without a handler tell nothing new (`content-end`, `citation-end`). */
function createHandlers(writer: ChunkWriter, terms: AnswerTerms): Handlers {
	const thoughts = createThoughts();
	const citations = createCitations();
	const calls = createToolCalls(writer, terms);
	/** Blocks of a type that is not known: what they hold is not the answer's text. */
	const foreign = new Set<number>();

	function think(text: string, block: number): void {
		thoughts.add(text, block);
		if (!terms.hidesReasoning) {
			writer.reasoning(text);
		}
	}
	function content(event: JsonObject): void {
		const block = typeof event.index === "number" ? event.index : 0;
		const { content: given } = messageIn(event);
		for (const part of Array.isArray(given) ? given.filter(isJsonObject) : [given]) {
			const { type, text, thinking }: JsonObject = isJsonObject(part) ? part : { text: part };
			if (type !== undefined && type !== "text" && type !== "thinking") {
				foreign.add(block);
			}
			think(stringOf(thinking), block);
			const said = foreign.has(block) ? "" : stringOf(text);
			if (said !== "") {
				const logprobs = chatLogprobs(event.logprobs);
				citations.text(block, said);
				writer.text(said, logprobs === undefined ? {} : { logprobs });
			}
		}
	}
	function messageEnd(event: JsonObject): void {
		const delta = isJsonObject(event.delta) ? event.delta : event;
		const failure = failedFinish(delta.finish_reason, delta.error);
		if (failure !== undefined) {
			writer.fault(failure);
			return;
		}
		calls.endAll();
		if (!terms.hidesReasoning) {
			writer.reasoningDetails(thoughts.details());
		}
		sayCitations(writer, citations);
		writer.finish(finishReason(delta.finish_reason));
		const usage = cohereUsage(delta.usage);
		if (usage !== undefined) {
			writer.usage(usage);
		}
		writer.done();
	}
	return new Map([
		[
			"message-start",
			(event) => {
				writer.name({ id: stringOf(event.id) });
				writer.begin();
				content(event);
			},
		],
		["content-start", content],
		["content-delta", content],
		// The plan of its calls is no thinking: it is in the details only, for its way back.
		["tool-plan-delta", (event) => void thoughts.add(stringOf(messageIn(event).tool_plan), undefined)],
		["tool-call-start", calls.start],
		["tool-call-delta", calls.add],
		["tool-call-end", calls.end],
		["citation-start", (event) => citations.add(messageIn(event).citations)],
		["message-end", messageEnd],
	]);
}

function sayCitations(writer: ChunkWriter, gathered: Citations): void {
	const annotations = gathered.annotations();
	const citations = gathered.citations();
	if (citations.length > 0) {
		writer.delta({
			...(annotations.length === 0 ? {} : { annotations: [...annotations] }),
			citations: [...citations],
		});
	}
}

/** `delta.message` of an event. */
function messageIn({ delta }: JsonObject): JsonObject {
	return isJsonObject(delta) && isJsonObject(delta.message) ? delta.message : {};
}

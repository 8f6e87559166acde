import { type JsonObject, type JsonValue, objectOf } from "../../lib/json-types.ts";
import { createChunkWriter } from "../chat-hub/chunks.ts";
import { eventJson } from "../event-data.ts";
import type { StreamTranslator, Target } from "../translation.ts";
import type { ProviderFault, SseEvent } from "../types.ts";
import { answerFacts, malformedFault } from "./answer.ts";
import { bedrockFault } from "./faults.ts";
import { finishReason, isMalformed } from "./finish.ts";
import type { AskedOf } from "./request.ts";
import { createStreamBlocks, type StreamBlocks } from "./stream-blocks.ts";
import { chatUsage } from "./usage.ts";

const EVENTS: ReadonlySet<string> = new Set([
	"messageStart",
	"contentBlockStart",
	"contentBlockDelta",
	"contentBlockStop",
	"messageStop",
	"metadata",
]);

/**
 * Rewrites the events of ConverseStream. `messageStop` brings the finish and `metadata`, usually after it, the usage: the
 * stream is over when both have come, or when it is closed after the finish.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html
 */
export function openConverseStream(target: Target, asked: AskedOf): StreamTranslator {
	const writer = createChunkWriter(answerFacts(target, asked));
	const blocks = createStreamBlocks(writer, asked, target.answerId);
	let usage: JsonObject | undefined;
	let isStopped = false;
	let isOver = false;

	function conclude(): void {
		if (usage !== undefined) {
			writer.usage(usage);
		}
		writer.done();
		isOver = true;
	}

	/** An answer that has its finish is complete: what fails then is only the usage. */
	function fail(fault: ProviderFault): void {
		if (isStopped) {
			conclude();
			return;
		}
		writer.fault(fault);
		isOver = true;
	}

	function stop(stopReason: JsonValue | undefined): void {
		if (isMalformed(stopReason) && !blocks.hasContent()) {
			fail(malformedFault(stopReason));
			return;
		}
		isStopped = true;
		blocks.close();
		writer.finish(finishReason(stopReason, blocks.hasCalls()));
		if (usage !== undefined) {
			conclude();
		}
	}

	function read(name: string, payload: JsonObject): void {
		switch (name) {
			case "messageStart":
				writer.begin();
				break;
			case "messageStop":
				stop(payload.stopReason);
				break;
			case "metadata":
				usage = chatUsage(payload.usage) ?? usage;
				if (isStopped) {
					conclude();
				}
				break;
			default:
				readBlockEvent(blocks, name, payload);
		}
	}

	function take(event: SseEvent, json: JsonObject): void {
		const failure = failureOf(event, json);
		if (failure !== undefined) {
			fail(failure);
			return;
		}
		const { name, payload } = named(event, json);
		if (!isStopped || name === "metadata") {
			read(name, payload);
		}
	}

	return {
		step(event) {
			const json = isOver ? {} : payloadOf(event);
			if (json === undefined) {
				return "malformed";
			}
			if (!isOver) {
				take(event, json);
			}
			return writer.take();
		},
		end() {
			if (isStopped && !isOver) {
				conclude();
			}
			return writer.take();
		},
	};
}

/** undefined where it is malformed. Events that nobody knows may be empty, or no JSON. */
function payloadOf(event: SseEvent): JsonObject | undefined {
	return eventJson(event) ?? (event.name === "" || EVENTS.has(event.name) ? undefined : {});
}

/** Events that do not exist today are nothing to a client of chat. */
function readBlockEvent(blocks: StreamBlocks, name: string, payload: JsonObject): void {
	const index = typeof payload.contentBlockIndex === "number" ? payload.contentBlockIndex : 0;
	if (name === "contentBlockStart") {
		blocks.start(index, objectOf(payload.start));
	} else if (name === "contentBlockDelta") {
		blocks.delta(index, objectOf(payload.delta));
	} else if (name === "contentBlockStop") {
		blocks.stop(index);
	}
}

/** Exceptions by their message type, by the name of an event, or by the `__type` in it. */
function failureOf(event: SseEvent, json: JsonObject): ProviderFault | undefined {
	if (event.name === "exception" || typeof json.__type === "string") {
		return bedrockFault(json, undefined);
	}
	if (event.name.endsWith("Exception")) {
		return bedrockFault({ ...json, __type: event.name }, undefined);
	}
	const [key = ""] = event.name === "" ? Object.keys(json) : [];
	return key.endsWith("Exception") ? bedrockFault({ ...objectOf(json[key]), __type: key }, undefined) : undefined;
}

/** The event by its name, or by the only key of its payload, as SDKs write it down. */
function named(event: SseEvent, json: JsonObject): { readonly name: string; readonly payload: JsonObject } {
	const key = event.name === "" ? Object.keys(json).find((name) => EVENTS.has(name)) : undefined;
	return key === undefined ? { name: event.name, payload: json } : { name: key, payload: objectOf(json[key]) };
}

import { type JsonObject, type JsonValue, objectOf, stringOf } from "../../lib/json-types.ts";
import { type ChunkWriter, createChunkWriter } from "../chat-hub/chunks.ts";
import { DONE, eventJson } from "../event-data.ts";
import { count } from "../token-usage.ts";
import type { StreamTranslator, Target } from "../translation.ts";
import type { ProviderFault, SseEvent } from "../types.ts";
import { answerFacts } from "./answer.ts";
import { readFault } from "./faults.ts";
import { finishReason, refusalOf } from "./finish.ts";
import type { AnswerPlan } from "./request.ts";
import { createStreamBlocks, type StreamBlocks } from "./stream-blocks.ts";
import { chatUsage, laterUsage } from "./usage.ts";

/** How far one stream is. */
interface StreamState {
	readonly plan: AnswerPlan;
	readonly target: Target;
	writer: ChunkWriter;
	readonly blocks: StreamBlocks;
	/** undefined before the message began; "" where it has no id. */
	messageId: string | undefined;
	usage: JsonObject | undefined;
	stopReason: JsonValue | undefined;
	refusal: string | undefined;
	ended: boolean;
}

/** A message that takes the place of another in the middle of it. What the client has got cannot be taken back. */
const SPLICED: ProviderFault = {
	status: 502,
	type: "api_error",
	code: "spliced_stream",
	message: "The provider began another message before the first one had ended.",
};

/**
 * The events of a streamed message as chunks. It ends with `message_stop`; what comes after it is not read.
 * @see https://platform.claude.com/docs/en/build-with-claude/streaming
 */
export function openChatStream(plan: AnswerPlan, target: Target): StreamTranslator {
	const state: StreamState = {
		plan,
		target,
		writer: createChunkWriter(answerFacts({}, plan, target)),
		blocks: createStreamBlocks(() => state.writer, plan, target),
		messageId: undefined,
		usage: undefined,
		stopReason: undefined,
		refusal: undefined,
		ended: false,
	};
	return {
		step(event: SseEvent) {
			if (state.ended || event.data.trim() === DONE) {
				return [];
			}
			const json = eventJson(event);
			if (json === undefined) {
				return "malformed";
			}
			readEvent(typeof json.type === "string" ? json.type : event.name, json, state);
			return state.writer.take();
		},
		// A message without its `message_stop` was cut, whatever it said before.
		end: () => [],
		usageSoFar: () => chatUsage(state.usage),
	};
}

/** Pings and event types unknown yet are nothing. An error is one in whatever event it is told. */
function readEvent(type: string, event: JsonObject, state: StreamState): void {
	if (type === "error" || (event.error !== undefined && event.error !== null)) {
		fail(readFault(event, undefined), state);
		return;
	}
	const index = indexOf(event.index);
	switch (type) {
		case "message_start":
			begin(objectOf(event.message), state);
			return;
		case "content_block_start":
			state.blocks.start(index, objectOf(event.content_block));
			return;
		case "content_block_delta":
			state.blocks.delta(index, objectOf(event.delta));
			return;
		case "content_block_stop":
			state.blocks.stop(index);
			return;
		case "message_delta":
			readEnding(event, state);
			return;
		case "message_stop":
			finish(state);
			return;
		default:
	}
}

/** undefined where it is not said. */
function indexOf(index: JsonValue | undefined): number | undefined {
	return typeof index === "string" && index !== "" ? count(Number(index)) : count(index);
}

/** A second start of the same message repeats what is known; one of another message is none of this answer. */
function begin(message: JsonObject, state: StreamState): void {
	const id = stringOf(message.id);
	if (state.messageId !== undefined && id !== "" && id !== state.messageId && state.blocks.begun()) {
		fail(SPLICED, state);
		return;
	}
	const isFirst = state.messageId === undefined && !state.blocks.begun();
	state.messageId = id || state.messageId || "";
	state.usage = laterUsage(state.usage, message.usage);
	state.stopReason = message.stop_reason ?? state.stopReason;
	if (!isFirst) {
		return;
	}
	// Id, model and tier stand on every chunk: the writer begins when they are known.
	state.writer = createChunkWriter(answerFacts(message, state.plan, state.target));
	state.writer.begin();
	for (const block of Array.isArray(message.content) ? message.content : []) {
		state.blocks.start(undefined, objectOf(block));
		state.blocks.stop(undefined);
	}
}

function readEnding(event: JsonObject, state: StreamState): void {
	const delta = objectOf(event.delta);
	state.usage = laterUsage(state.usage, event.usage);
	state.stopReason = delta.stop_reason ?? state.stopReason;
	state.refusal = refusalOf(delta) ?? state.refusal;
}

function finish(state: StreamState): void {
	const { blocks, writer } = state;
	blocks.close();
	writer.refusal(state.refusal ?? "");
	writer.finish(finishReason(state.stopReason, blocks.calls()));
	const usage = chatUsage(state.usage);
	if (usage !== undefined) {
		writer.usage(usage);
	}
	writer.done();
	state.ended = true;
}

function fail(fault: ProviderFault, state: StreamState): void {
	state.writer.fault(fault);
	state.ended = true;
}

import type { JsonObject, JsonValue } from "../../lib/json-types.ts";
import { DONE, jsonEvent } from "../event-data.ts";
import { faultAnswer } from "../fault-answer.ts";
import type { ProviderFault, SseEvent } from "../types.ts";
import { type AnswerFacts, type FinishReason, legacyReason } from "./answer.ts";
import { type ReasoningDetail, writeReasoningDetails } from "./reasoning.ts";

/**
 * Writes the chunks of a chat stream: one id on all of them, the role once a choice, tool calls numbered in order, `{}`
 * for a call without arguments, one finish reason a choice. Collects events until they are taken.
 */
export interface ChunkWriter {
	/** The provider's own id and model, once known. Without effect after the first chunk. */
	name(facts: { readonly id?: string | undefined; readonly model?: string | undefined }): void;
	/** The role, so that a client sees the stream begin. Every other word brings it along when it has not been said. */
	begin(choice?: number): void;
	text(text: string, options?: { readonly choice?: number; readonly logprobs?: JsonValue }): void;
	reasoning(text: string, choice?: number): void;
	refusal(text: string, choice?: number): void;
	/** Begins a tool call and returns its index. */
	toolCall(
		call: {
			readonly id: string;
			readonly name: string;
			readonly kind?: "function" | "custom";
			/** Fields beside OpenAI's, such as `extra_content`. */
			readonly extra?: JsonObject | undefined;
		},
		choice?: number,
	): number;
	toolArguments(index: number, fragment: string, choice?: number): void;
	/** The thinking with its seals: all of it at once, before the finish, since SDKs add deltas up in different ways. */
	reasoningDetails(details: readonly ReasoningDetail[], choice?: number): void;
	/** Any other fields of a delta: `annotations`, `citations`, `audio`, `images`. */
	delta(fields: JsonObject, choice?: number): void;
	/** Only the first one of a choice counts. */
	finish(reason: FinishReason, choice?: number): void;
	/** The extra chunk that tells the usage: after every finish. The gateway hides it from clients that did not ask. */
	usage(usage: JsonObject): void;
	/** The provider's failure: the last thing of the stream. */
	fault(fault: ProviderFault): void;
	/** `[DONE]`. */
	done(): void;
	/** Whether the choice has its finish reason. */
	finished(choice?: number): boolean;
	/** The events since the last time. */
	take(): readonly SseEvent[];
}

interface ChoiceState {
	begun: boolean;
	finished: boolean;
	readonly calls: { hasArguments: boolean; readonly kind: "function" | "custom" }[];
}

export function createChunkWriter(given: AnswerFacts): ChunkWriter {
	const line = createLine(given);
	const { begin, delta, stateOf } = line;
	const { toolCall, toolArguments } = toolWords(line);
	return {
		name: line.name,
		begin,
		text(text, { choice = 0, logprobs } = {}) {
			if (text !== "" || logprobs !== undefined) {
				delta({ content: text }, choice, logprobs === undefined ? {} : { logprobs });
			}
		},
		reasoning(text, choice) {
			if (text !== "") {
				delta({ reasoning_content: text }, choice);
			}
		},
		refusal(text, choice) {
			if (text !== "") {
				delta({ refusal: text }, choice);
			}
		},
		toolCall,
		toolArguments,
		reasoningDetails(details, choice) {
			if (details.length > 0) {
				delta({ reasoning_details: writeReasoningDetails(details) }, choice);
			}
		},
		delta,
		finish(reason, choice = 0) {
			const state = stateOf(choice);
			if (state.finished) {
				return;
			}
			for (const [index, call] of state.calls.entries()) {
				if (!call.hasArguments && call.kind === "function") {
					toolArguments(index, "{}", choice);
				}
			}
			delta({}, choice, { finish_reason: legacyReason(reason, line.facts()) });
			state.finished = true;
		},
		usage: (usage) => line.push({ choices: [], usage }),
		fault: (fault) => line.event(jsonEvent(faultAnswer(fault))),
		done: () => line.event({ name: "", data: DONE }),
		finished: (choice = 0) => stateOf(choice).finished,
		take: line.take,
	};
}

/** The chunks of one stream in the making: what stands on each of them, and how far each choice is. */
function createLine(given: AnswerFacts) {
	const choices = new Map<number, ChoiceState>();
	let facts = given;
	let hasWritten = false;
	let events: SseEvent[] = [];

	function stateOf(choice: number): ChoiceState {
		let state = choices.get(choice);
		if (state === undefined) {
			state = { begun: false, finished: false, calls: [] };
			choices.set(choice, state);
		}
		return state;
	}
	function push(fields: JsonObject): void {
		hasWritten = true;
		const tier = facts.serviceTier === undefined ? {} : { service_tier: facts.serviceTier };
		const { id, createdAtSeconds: created, model } = facts;
		events.push(jsonEvent({ id, object: "chat.completion.chunk", created, model, ...tier, ...fields }));
	}
	function pushChoice(choice: number, delta: JsonObject, rest: JsonObject = {}): void {
		push({ choices: [{ index: choice, delta, logprobs: null, finish_reason: null, ...rest }] });
	}
	function begin(choice = 0): void {
		const state = stateOf(choice);
		if (!state.begun) {
			state.begun = true;
			pushChoice(choice, { role: "assistant", content: "", refusal: null });
		}
	}
	return {
		facts: () => facts,
		stateOf,
		push,
		begin,
		delta(fields: JsonObject, choice = 0, rest: JsonObject = {}): void {
			begin(choice);
			pushChoice(choice, fields, rest);
		},
		event: (event: SseEvent) => void events.push(event),
		name({ id, model }: { readonly id?: string | undefined; readonly model?: string | undefined }): void {
			if (!hasWritten) {
				facts = { ...facts, id: id || facts.id, model: model || facts.model };
			}
		},
		take(): readonly SseEvent[] {
			const taken = events;
			events = [];
			return taken;
		},
	};
}

/** Tool calls, in OpenAI's words of today or in the old ones (`function_call`: one, without an id). */
function toolWords({
	stateOf,
	delta,
	facts,
}: ReturnType<typeof createLine>): Pick<ChunkWriter, "toolCall" | "toolArguments"> {
	return {
		toolCall({ id, name, kind = "function", extra }, choice = 0) {
			const index = stateOf(choice).calls.push({ hasArguments: false, kind }) - 1;
			if (facts().legacyFunctions) {
				// The old words have room for one call.
				if (index === 0) {
					delta({ function_call: { name, arguments: "" } }, choice);
				}
			} else {
				const body: JsonObject =
					kind === "custom" ? { custom: { name, input: "" } } : { function: { name, arguments: "" } };
				delta({ tool_calls: [{ index, id, type: kind, ...body, ...extra }] }, choice);
			}
			return index;
		},
		toolArguments(index, fragment, choice = 0) {
			const call = stateOf(choice).calls[index];
			if (call === undefined || fragment === "") {
				return;
			}
			call.hasArguments = true;
			if (facts().legacyFunctions) {
				if (index === 0) {
					delta({ function_call: { arguments: fragment } }, choice);
				}
			} else {
				const body: JsonObject =
					call.kind === "custom" ? { custom: { input: fragment } } : { function: { arguments: fragment } };
				delta({ tool_calls: [{ index, ...body }] }, choice);
			}
		},
	};
}

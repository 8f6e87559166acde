import { isJsonObject, type JsonObject, type JsonValue, objectsIn } from "../../lib/json-types.ts";
import { chunkFault } from "../choice-stream.ts";
import { DONE, eventJson, jsonEvent } from "../event-data.ts";
import { faultAnswer } from "../fault-answer.ts";
import type { StreamTranslator } from "../translation.ts";
import type { SseEvent } from "../types.ts";
import type { AnswerTerms } from "./answer.ts";
import { type CallWriter, createCallWriter } from "./calls.ts";
import { GENERATION_FAILED, mistralFault } from "./faults.ts";
import { finishReason, isFailure } from "./finish.ts";
import { type ContentReader, createContentReader } from "./parts.ts";

/** Choices of one stream that are remembered; those beyond are read each chunk for itself. */
const CHOICES_MAX = 128;

/** What is kept of a choice from chunk to chunk. */
interface ChoiceState {
	readonly content: ContentReader;
	readonly calls: CallWriter;
	/** Told in one delta before the finish. */
	readonly citations: JsonObject[];
	readonly annotations: JsonObject[];
}

/** Rewrites the deltas whose content is a list, and what else is not OpenAI's; all other chunks pass as they came. */
export function openMistralStream(terms: AnswerTerms): StreamTranslator {
	const states = new Map<number, ChoiceState>();
	let hasEnded = false;

	function stateOf(index: number): ChoiceState {
		let state = states.get(index);
		if (state === undefined) {
			state = {
				content: createContentReader(terms.prefix),
				calls: createCallWriter(terms, index),
				citations: [],
				annotations: [],
			};
			if (states.size < CHOICES_MAX) {
				states.set(index, state);
			}
		}
		return state;
	}

	function ended(fault: JsonObject): readonly SseEvent[] {
		hasEnded = true;
		return [jsonEvent(fault)];
	}

	return {
		step(event) {
			if (hasEnded) {
				return [];
			}
			if (event.data.trim() === DONE) {
				hasEnded = true;
				return [event];
			}
			const chunk = eventJson(event);
			if (chunk === undefined) {
				return "malformed";
			}
			if (chunkFault(event, chunk) !== undefined) {
				return ended(faultAnswer(mistralFault(chunk, undefined)));
			}
			const choices = objectsIn(chunk.choices);
			if (choices.some((choice) => isFailure(choice.finish_reason))) {
				return ended(faultAnswer(GENERATION_FAILED));
			}
			// Every choice is read, since positions count on; but only what is not OpenAI's is written anew.
			const rewritten = choices.map((choice, position) => {
				const index = typeof choice.index === "number" ? choice.index : position;
				return rewrite(choice, { index, state: stateOf(index), terms });
			});
			const told = rewritten.flatMap(({ before }) => before ?? []);
			const { usage, ...facts } = chunk;
			const cited = told.length === 0 ? [] : [jsonEvent({ ...facts, choices: told })];
			const same = rewritten.some(({ isForeign }) => isForeign)
				? jsonEvent({ ...chunk, choices: rewritten.map(({ choice }) => choice) })
				: event;
			return [...cited, same];
		},
		// Mistral says [DONE] itself.
		end: () => [],
	};
}

interface Rewriting {
	readonly index: number;
	readonly state: ChoiceState;
	readonly terms: AnswerTerms;
}

function rewrite(choice: JsonObject, { index, state, terms }: Rewriting) {
	const { finish_reason: reason } = choice;
	const isLast = typeof reason === "string";
	const isForeign = isUnlikeOpenai(choice, terms) || (isLast && state.calls.isHolding());
	const given = isJsonObject(choice.delta) ? choice.delta : isLast ? {} : undefined;
	const delta = given === undefined ? choice.delta : rewriteDelta(given, state, isLast);
	const noted = isLast ? takeNotes(state) : undefined;
	return {
		isForeign,
		choice: { ...choice, ...(delta === undefined ? {} : { delta }), ...finishOf(reason, terms) },
		before: noted && { index, delta: noted, finish_reason: null },
	};
}

/** Whether a choice holds anything that is not, or may not be, OpenAI's. */
function isUnlikeOpenai(choice: JsonObject, { prefix, legacy }: AnswerTerms): boolean {
	const delta = isJsonObject(choice.delta) ? choice.delta : {};
	return (
		prefix !== "" ||
		Array.isArray(delta.content) ||
		(Array.isArray(delta.tool_calls) && delta.tool_calls.length > 0) ||
		finishReason(choice.finish_reason, legacy) !== choice.finish_reason
	);
}

function finishOf(reason: JsonValue | undefined, { legacy }: AnswerTerms): JsonObject {
	return reason === undefined ? {} : { finish_reason: finishReason(reason, legacy) ?? null };
}

function rewriteDelta(delta: JsonObject, state: ChoiceState, isLast: boolean): JsonObject {
	const { content, tool_calls: calls, ...rest } = delta;
	const told = state.calls.delta(calls, isLast);
	if (content === undefined || content === null) {
		const left = isLast ? state.content.rest() : "";
		return { ...rest, ...(left !== "" ? { content: left } : content === undefined ? {} : { content }), ...told };
	}
	const { text, reasoning, citations, annotations, images } = state.content.read(content);
	state.citations.push(...citations);
	state.annotations.push(...annotations);
	const thought = reasoning === "" ? {} : { reasoning_content: reasoning };
	const drawn = images.length === 0 ? {} : { images: [...images] };
	// Thinking is not also an empty text.
	const said = text + (isLast ? state.content.rest() : "");
	return { ...rest, ...(said === "" && reasoning !== "" ? {} : { content: said }), ...thought, ...drawn, ...told };
}

function takeNotes({ citations, annotations }: ChoiceState): JsonObject | undefined {
	if (citations.length === 0 && annotations.length === 0) {
		return undefined;
	}
	return {
		...(citations.length === 0 ? {} : { citations: citations.splice(0) }),
		...(annotations.length === 0 ? {} : { annotations: annotations.splice(0) }),
	};
}

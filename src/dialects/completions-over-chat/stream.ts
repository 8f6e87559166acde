import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import { chunkFault } from "../choice-stream.ts";
import { DONE, eventJson, jsonEvent } from "../event-data.ts";
import { faultAnswer } from "../fault-answer.ts";
import type { StreamTranslator, Target } from "../translation.ts";
import type { SseEvent } from "../types.ts";
import { completionChoice, completionFacts } from "./answer.ts";
import { spokenText } from "./content.ts";
import { completionFinish } from "./finish.ts";
import type { CompletionWish } from "./request.ts";

/** Choices of one stream that are remembered; whatever a provider numbers beyond passes without its prompt before it. */
const CHOICES_MAX = 128;

/**
 * Rewrites the chunks of a chat into those of a completion. The prompt goes before the first words when it was asked for,
 * and the usage comes once, in a chunk of its own before the end, wherever the chat tells it.
 */
export function openCompletionStream({ echo, choices }: CompletionWish, target: Target): StreamTranslator {
	const finished = new Set<number>();
	let facts: JsonObject | undefined;
	let usage: JsonValue | undefined;
	let hasBegun = false;
	let hasEnded = false;

	function chunkOf(fields: JsonObject): SseEvent {
		return jsonEvent({ ...fields, ...facts });
	}

	/** Nothing is said before the first words, so that a failure can still go to another provider. */
	function prompts(): SseEvent[] {
		if (hasBegun) {
			return [];
		}
		hasBegun = true;
		return echo === ""
			? []
			: Array.from({ length: Math.min(choices, CHOICES_MAX) }, (_, position) =>
					chunkOf({ choices: [completionChoice({}, { position, text: echo, finish: null })] }),
				);
	}

	function spokenChoices(list: readonly JsonValue[]): JsonObject[] {
		return list.filter(isJsonObject).flatMap((choice, position) => {
			const text = spokenText(choice.delta ?? choice.message);
			const finish = completionFinish(choice.finish_reason);
			if (text === "" && finish === null) {
				return [];
			}
			if (finish !== null && finished.size < CHOICES_MAX) {
				finished.add(typeof choice.index === "number" ? choice.index : position);
			}
			return [completionChoice(choice, { position, text, finish })];
		});
	}

	function step(event: SseEvent): readonly SseEvent[] | "malformed" {
		if (hasEnded) {
			return [];
		}
		if (event.data.trim() === DONE) {
			return closing();
		}
		const chunk = eventJson(event);
		if (chunk === undefined) {
			return "malformed";
		}
		const fault = chunkFault(event, chunk);
		if (fault !== undefined) {
			hasEnded = true;
			return [jsonEvent(faultAnswer(fault))];
		}
		facts ??= completionFacts(chunk, target);
		const { choices: list, usage: told, ...rest } = chunk;
		usage = [told, noted(chunk)].find(isJsonObject) ?? usage;
		const said = spokenChoices(Array.isArray(list) ? list : []);
		return said.length === 0 ? [] : [...prompts(), chunkOf({ ...rest, choices: said })];
	}

	function closing(): SseEvent[] {
		hasEnded = true;
		facts ??= completionFacts({}, target);
		const counted = usage === undefined ? [] : [chunkOf({ choices: [], usage })];
		return [...counted, { name: "", data: DONE }];
	}

	return {
		step,
		// Some servers leave the closing word out; a chat that is not finished has been cut.
		end: () => (hasEnded || finished.size < choices ? [] : closing()),
	};
}

/** Groq's place for the usage of a stream. */
function noted(chunk: JsonObject): JsonValue | undefined {
	return isJsonObject(chunk.x_groq) ? chunk.x_groq.usage : undefined;
}

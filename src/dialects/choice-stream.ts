import { isJsonObject, type JsonObject, type JsonValue } from "../lib/json-types.ts";
import type { Usage } from "../lib/usage.ts";
import { DONE, eventJson } from "./event-data.ts";
import { declaredFault, readFault } from "./provider-fault.ts";
import { readTokenUsage } from "./token-usage.ts";
import type { ProviderFault, SseEvent, StreamReader, StreamStep } from "./types.ts";

/** Choices a stream may number: whatever a provider says beyond is not remembered. */
const CHOICES_TRACKED_MAX = 4_096;

/**
 * Reads streams of `choices` chunks that end with `[DONE]`: chat and completions.
 * @param tokensIn Output tokens in one choice of a chunk, estimated; undefined when it holds no output.
 */
export function openChoiceStream(
	tokensIn: (choice: JsonObject) => number | undefined,
	choicesAsked: number,
): StreamReader {
	const seen = new Set<number>();
	const finished = new Set<number>();
	let usage: Usage | undefined;
	let fault: ProviderFault | undefined;
	let tokens = 0;
	let ended = false;

	function readChoices(choices: readonly JsonValue[]): boolean {
		let hasContent = false;
		for (const choice of choices) {
			if (!isJsonObject(choice)) {
				continue;
			}
			const index = typeof choice.index === "number" ? choice.index : 0;
			if (seen.size < CHOICES_TRACKED_MAX) {
				seen.add(index);
			}
			const found = tokensIn(choice);
			if (found !== undefined) {
				hasContent = true;
				tokens += Math.max(1, found);
			}
			if (typeof choice.finish_reason === "string" && seen.has(index)) {
				finished.add(index);
			}
		}
		return hasContent;
	}

	function step(event: SseEvent): StreamStep {
		if (ended) {
			return "meta";
		}
		if (event.data.trim() === DONE) {
			ended = true;
			return "end";
		}
		const chunk = eventJson(event);
		if (chunk === undefined) {
			return "malformed";
		}
		const counted = readTokenUsage(chunk.usage) ?? readTokenUsage(groqNote(chunk).usage);
		usage = counted ?? usage;
		const failure = chunkFault(event, chunk);
		if (failure !== undefined) {
			fault = failure;
			return "error";
		}
		const choices = Array.isArray(chunk.choices) ? chunk.choices : [];
		if (readChoices(choices)) {
			return "content";
		}
		return counted !== undefined && choices.length === 0 ? "usage" : "meta";
	}

	return {
		step,
		usage: () => usage,
		finished: () => ended || (finished.size >= choicesAsked && finished.size === seen.size),
		fault: () => fault,
		outputTokensSeen: () => Math.ceil(tokens),
		// OpenAI keeps nothing of these that could be asked for by id here.
		objectId: () => undefined,
	};
}

/** A failure told in a chunk of a chat or completions stream, in whichever place. */
export function chunkFault(event: SseEvent, chunk: JsonObject): ProviderFault | undefined {
	if (event.name === "error") {
		return readFault(chunk, undefined);
	}
	// Groq reports a generation that failed midway in its own note: https://console.groq.com/docs/api-reference#chat-create
	const note = groqNote(chunk);
	return declaredFault(chunk) ?? (typeof note.error === "string" ? readFault(note, undefined) : undefined);
}

/** Groq and Hugging Face tell the usage of a stream in `x_groq` of the last chunk, unasked. */
function groqNote(chunk: JsonObject): JsonObject {
	const note = chunk.x_groq;
	return isJsonObject(note) ? note : NO_NOTE;
}

const NO_NOTE: JsonObject = Object.freeze({});

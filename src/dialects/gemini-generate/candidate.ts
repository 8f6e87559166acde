import { isJsonObject, type JsonObject, type JsonValue, objectOf, objectsIn } from "../../lib/json-types.ts";
import type { FinishReason } from "../chat-hub/answer.ts";
import type { ReasoningDetail } from "../chat-hub/reasoning.ts";
import type { ProviderFault } from "../types.ts";
import { type CallReader, type CallWords, createCallReader, type ShownTools } from "./calls.ts";
import { type Cited, citedIn, mergeNotes, type SourceNotes, searchesIn } from "./citations.ts";
import { brokenGeneration } from "./faults.ts";
import { finishOf } from "./finish.ts";
import { writeLogprobs } from "./logprobs.ts";
import { reasonOf, wordOf } from "./reading.ts";
import { GEMINI_FORMAT, isKeptPart, keepPart, sealOfImage, sealOfText } from "./seals.ts";

/** Hears what a candidate says, in the order it is said. */
export interface CandidateWords extends CallWords {
	text(text: string, logprobs: JsonObject | undefined): void;
	thought(text: string): void;
	/** An image as `message.images` holds it. */
	image(image: JsonObject): void;
	/** Sound in base64, and the words spoken, where Google tells them. */
	audio(sound: { readonly data: string; readonly transcript: string }): void;
}

/** What is known once a candidate has said everything. */
export interface CandidateEnd extends Cited {
	/** Why it ended, or how it failed. */
	readonly finish: FinishReason | ProviderFault;
	/** Whether there was a word of it, thinking included. */
	readonly hasSpoken: boolean;
	readonly details: readonly ReasoningDetail[];
	readonly searches: number;
}

/** Reads one candidate, whole or in pieces. Holds its state. */
export interface Candidate {
	read(candidate: JsonObject): void;
	/** Whether the provider has said why it ended. */
	hasEnded(): boolean;
	/** @param reasonElse Why it ended where the candidate itself does not say. */
	end(reasonElse: string): CandidateEnd;
}

interface CandidateState {
	text: string;
	/** Thinking since the last seal. */
	thinking: string;
	images: number;
	hasMedia: boolean;
	hasThought: boolean;
	reason: string | undefined;
	message: string | undefined;
	notes: SourceNotes;
	readonly partStarts: number[];
	readonly details: ReasoningDetail[];
}

/** @param idOf The id of the next call, given the provider's own if it has one. */
export function openCandidate(
	words: CandidateWords,
	tools: ShownTools,
	idOf: (given: string | undefined) => string,
): Candidate {
	const state: CandidateState = {
		text: "",
		thinking: "",
		images: 0,
		hasMedia: false,
		hasThought: false,
		reason: undefined,
		message: undefined,
		notes: { grounding: {}, citationMetadata: {} },
		partStarts: [],
		details: [],
	};
	const calls = createCallReader(words, tools, idOf, (seal) => keep(state, seal));
	return {
		read(candidate) {
			let logprobs = writeLogprobs(candidate.logprobsResult);
			for (const part of objectsIn(objectOf(candidate.content).parts)) {
				state.partStarts.push(state.text.length);
				logprobs = readPart(part, state, { words, calls, logprobs });
			}
			if (logprobs !== undefined) {
				words.text("", logprobs);
			}
			state.notes = mergeNotes(state.notes, candidate);
			state.reason = reasonOf(candidate.finishReason) ?? state.reason;
			state.message = wordOf(candidate.finishMessage) ?? state.message;
		},
		hasEnded: () => state.reason !== undefined,
		end(reasonElse) {
			calls.end();
			closeThinking(state, undefined);
			const reason = state.reason ?? reasonElse;
			const anything = state.text !== "" || state.hasMedia || calls.count() > 0;
			return {
				finish: finishOf(reason, { anything, calls: calls.count() > 0 }) ?? brokenGeneration(reason, state.message),
				hasSpoken: anything || state.hasThought,
				details: state.details,
				searches: searchesIn(state.notes),
				...citedIn(state.notes, state.text, state.partStarts),
			};
		},
	};
}

interface Hearing {
	readonly words: CandidateWords;
	readonly calls: CallReader;
	readonly logprobs: JsonObject | undefined;
}

/** Returns the logprobs that no text has taken along yet. */
function readPart(part: JsonObject, state: CandidateState, hearing: Hearing): JsonObject | undefined {
	const { words, calls, logprobs } = hearing;
	const signature = wordOf(part.thoughtSignature);
	if (isJsonObject(part.functionCall)) {
		// Google has one thing a part; what comes with words in it loses neither.
		const left = readPart({ text: part.text, thought: part.thought }, state, hearing);
		calls.read(part.functionCall, signature);
		return left;
	}
	if (isKeptPart(part)) {
		keep(state, keepPart(part));
		return logprobs;
	}
	if (part.thought === true) {
		readThought(part, signature, state, words);
		return logprobs;
	}
	if (isJsonObject(part.inlineData) || isJsonObject(part.fileData)) {
		readMedia(part, state, words, signature);
		return logprobs;
	}
	const text = wordOf(part.text) ?? "";
	state.text += text;
	if (signature !== undefined) {
		keep(state, sealOfText(signature));
	}
	if (text === "") {
		return logprobs;
	}
	words.text(text, logprobs);
	return undefined;
}

function readThought(
	part: JsonObject,
	signature: string | undefined,
	state: CandidateState,
	words: CandidateWords,
): void {
	const text = wordOf(part.text) ?? "";
	state.thinking += text;
	state.hasThought ||= text !== "";
	words.thought(text);
	if (signature !== undefined) {
		closeThinking(state, signature);
	}
}

/** Details stand in the order they came in: the thinking so far before what follows it. */
function keep(state: CandidateState, detail: ReasoningDetail): void {
	closeThinking(state, undefined);
	state.details.push(detail);
}

/** One detail of all the thinking up to a seal, or to the end. */
function closeThinking(state: CandidateState, signature: string | undefined): void {
	if (state.thinking !== "" || signature !== undefined) {
		state.details.push({ type: "reasoning.text", text: state.thinking, signature, format: GEMINI_FORMAT });
		state.thinking = "";
	}
}

function readMedia(
	part: JsonObject,
	state: CandidateState,
	words: CandidateWords,
	signature: string | undefined,
): void {
	const inline = objectOf(part.inlineData);
	const data = wordOf(inline.data);
	const type = wordOf(inline.mimeType) ?? "application/octet-stream";
	const address = wordOf(objectOf(part.fileData).fileUri);
	state.hasMedia = true;
	if (data !== undefined && type.startsWith("audio/")) {
		words.audio({ data, transcript: transcriptOf(part.audioTranscription) });
		return;
	}
	const url = data === undefined ? address : `data:${type};base64,${data}`;
	if (url !== undefined) {
		words.image({ type: "image_url", image_url: { url } });
		if (signature !== undefined) {
			keep(state, sealOfImage(state.images, signature));
		}
		state.images += 1;
	}
}

function transcriptOf(transcription: JsonValue | undefined): string {
	return wordOf(objectOf(transcription).text) ?? "";
}

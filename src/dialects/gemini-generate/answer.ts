import { type JsonObject, objectOf, objectsIn } from "../../lib/json-types.ts";
import { type AnsweredChoice, type AnsweredToolCall, type AnswerFacts, chatCompletion } from "../chat-hub/answer.ts";
import { faultAnswer } from "../fault-answer.ts";
import { declaredFault } from "../provider-fault.ts";
import { count } from "../token-usage.ts";
import type { Target } from "../translation.ts";
import type { ProviderFault } from "../types.ts";
import type { ShownTools } from "./calls.ts";
import { type CandidateWords, openCandidate } from "./candidate.ts";
import { readGoogleFault } from "./faults.ts";
import type { ModelTraits } from "./models.ts";
import { reasonOf, wordOf } from "./reading.ts";
import { servedTier, writeUsage } from "./usage.ts";

/** What the answer must know of its request. */
export interface AnswerContext {
	readonly target: Target;
	readonly traits: ModelTraits;
	readonly legacyFunctions: boolean;
	readonly tools: ShownTools;
}

/**
 * A whole answer as a chat completion, or a failure where the model failed. undefined when it holds neither a candidate
 * nor the reason why there is none.
 */
export function writeAnswer(answer: JsonObject, context: AnswerContext): JsonObject | undefined {
	if (declaredFault(answer) !== undefined) {
		return faultAnswer(readGoogleFault(answer, undefined));
	}
	const candidates = objectsIn(answer.candidates);
	const blocked = blockReason(answer);
	if (candidates.length === 0 && blocked === undefined) {
		return undefined;
	}
	const ids = createCallIds(context.target.answerId);
	const sorted = [...candidates.entries()]
		.map(([position, candidate]) => ({ candidate, place: choiceOf(candidate, position) }))
		.sort((left, right) => left.place - right.place);
	const reasonElse = blocked === undefined ? UNSAID : REFUSED;
	const choices: AnsweredChoice[] = [];
	let searches = 0;
	for (const { candidate, place } of sorted) {
		const read = readChoice(candidate, reasonElse, context, (given) => ids(given, place));
		if ("status" in read) {
			return faultAnswer(read);
		}
		choices.push(read.choice);
		searches += read.searches;
	}
	return chatCompletion(
		answerFacts(answer, context),
		choices.length === 0 ? [BLOCKED] : choices,
		writeUsage(answer.usageMetadata, billedSearches(searches, context.traits)),
	);
}

/** Why a candidate ended that does not say why. */
const UNSAID = "FINISH_REASON_UNSPECIFIED";
/** The same where the prompt was refused. */
export const REFUSED = "PROHIBITED_CONTENT";

/** Google refused the prompt: nobody said anything, not even no. */
const BLOCKED: AnsweredChoice = { text: "", finishReason: "content_filter" };

/** Why Google refused the prompt, if it did. */
export function blockReason(answer: JsonObject): string | undefined {
	return reasonOf(objectOf(answer.promptFeedback).blockReason);
}

/** Before Gemini 3 a prompt with searches costs the same however many there were. */
export function billedSearches(searches: number, { billsEachSearch }: ModelTraits): number {
	return billsEachSearch ? searches : Math.min(1, searches);
}

export function choiceOf(candidate: JsonObject, position: number): number {
	return count(candidate.index) ?? position;
}

export function answerFacts(answer: JsonObject, { target, legacyFunctions }: AnswerContext): AnswerFacts {
	return {
		id: wordOf(answer.responseId) ?? `chatcmpl-${target.answerId}`,
		model: wordOf(answer.modelVersion) ?? target.model,
		createdAtSeconds: target.createdAtSeconds,
		legacyFunctions,
		serviceTier: servedTier(answer.usageMetadata),
	};
}

/** Ids of calls: the provider's own where it has one that is not taken, else ones made here. */
export function createCallIds(answerId: string): (given: string | undefined, choice: number) => string {
	const taken = new Set<string>();
	const counts = new Map<number, number>();
	return (given, choice) => {
		const place = counts.get(choice) ?? 0;
		counts.set(choice, place + 1);
		const made = choice === 0 ? `call_${answerId}_${place}` : `call_${answerId}_${choice}_${place}`;
		const id = given === undefined || taken.has(given) ? made : given;
		taken.add(id);
		return id;
	};
}

function readChoice(
	candidate: JsonObject,
	reasonElse: string,
	context: AnswerContext,
	idOf: (given: string | undefined) => string,
): { readonly choice: AnsweredChoice; readonly searches: number } | ProviderFault {
	const said = collect();
	const reader = openCandidate(said.words, context.tools, idOf);
	reader.read(candidate);
	const end = reader.end(reasonElse);
	if (typeof end.finish !== "string") {
		return end.finish;
	}
	const { text, reasoning, toolCalls, logprobs, images, audio } = said.all();
	const choice: AnsweredChoice = {
		text,
		reasoning,
		reasoningDetails: end.details,
		toolCalls,
		annotations: end.annotations,
		finishReason: end.finish,
		logprobs,
		extra: {
			...(end.citations.length === 0 ? {} : { citations: [...end.citations] }),
			...(images.length === 0 ? {} : { images }),
			...(audio === undefined ? {} : { audio: writeAudio(audio, context.target) }),
		},
	};
	return { choice, searches: end.searches };
}

interface Sound {
	readonly bytes: readonly Buffer[];
	readonly transcript: string;
}

/** Nothing is kept here that could be referred to later: it is out of date when it arrives. */
function writeAudio({ bytes, transcript }: Sound, target: Target): JsonObject {
	return {
		id: `audio_${target.answerId}`,
		data: Buffer.concat(bytes).toString("base64"),
		transcript,
		expires_at: target.createdAtSeconds,
	};
}

/** Collects a candidate's words. */
function collect() {
	let text = "";
	let reasoning = "";
	let audio: Sound | undefined;
	let logprobs: JsonObject | undefined;
	const toolCalls: AnsweredToolCall[] = [];
	const images: JsonObject[] = [];
	const words: CandidateWords = {
		text(more, itsLogprobs) {
			text += more;
			logprobs = itsLogprobs ?? logprobs;
		},
		thought(more) {
			reasoning += more;
		},
		call: (call) => void toolCalls.push({ ...call, arguments: "" }),
		arguments(fragment) {
			const last = toolCalls.pop();
			if (last !== undefined) {
				toolCalls.push({ ...last, arguments: last.arguments + fragment });
			}
		},
		image: (image) => void images.push(image),
		audio({ data, transcript }) {
			const bytes = [...(audio?.bytes ?? []), Buffer.from(data, "base64")];
			audio = { bytes, transcript: (audio?.transcript ?? "") + transcript };
		},
	};
	return { words, all: () => ({ text, reasoning, toolCalls, logprobs, images, audio }) };
}

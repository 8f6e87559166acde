import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import { NO_USAGE, type Usage } from "../../lib/usage.ts";
import { declaredFault } from "../provider-fault.ts";
import { estimatedTokens } from "../token-estimate.ts";
import { count, readTokenUsage, seconds } from "../token-usage.ts";
import { eventObject, eventText, openTypedStream } from "../typed-stream.ts";
import type { AnswerReader, StreamReader } from "../types.ts";

/** Transcriptions and translations: JSON, or text, SRT and VTT as they come. */
export function listeningAnswer(operation: "audio.transcriptions" | "audio.translations"): AnswerReader {
	return {
		operation,
		answer: "any",
		usage: readListeningUsage,
		fault: declaredFault,
		outputTokensSeen: (answer) => Math.ceil(estimatedTokens(eventText(answer, "text"))),
		openStream: openTranscriptStream,
	};
}

export const speechAnswer: AnswerReader = {
	operation: "audio.speech",
	answer: "any",
	usage: (answer) => readSpeechUsage(answer.usage),
	fault: declaredFault,
	outputTokensSeen: () => 0,
	openStream: openSpeechStream,
};

/** Tokens or seconds, as the model is billed. whisper-1's verbose answers of old state their duration alone. */
function readListeningUsage(answer: JsonObject): Usage | undefined {
	const { usage } = answer;
	if (!isJsonObject(usage)) {
		const heard = seconds(answer.duration);
		return heard === undefined ? undefined : { ...NO_USAGE, seconds: heard };
	}
	// Mistral states the seconds beside the tokens.
	const heard = seconds(usage.seconds) ?? seconds(usage.prompt_audio_seconds);
	const tokens = readTokenUsage(usage);
	if (tokens === undefined) {
		return heard === undefined ? undefined : { ...NO_USAGE, seconds: heard };
	}
	const details = eventObject(usage, "input_token_details");
	const audioInput = Math.min(tokens.input, count(details.audio_tokens) ?? 0);
	return { ...tokens, input: tokens.input - audioInput, audioInput, seconds: heard ?? 0 };
}

function openTranscriptStream(): StreamReader {
	let hasDeltas = false;
	return openTypedStream((type, event) => {
		if (type === "transcript.text.delta" || type === "transcript.text.segment") {
			const text = eventText(event, type === "transcript.text.delta" ? "delta" : "text");
			hasDeltas ||= text !== "";
			return text === "" ? { step: "meta" } : { step: "content", tokens: estimatedTokens(text) };
		}
		if (type !== "transcript.text.done") {
			return { step: "meta" };
		}
		const text = eventText(event, "text");
		const tokens = hasDeltas || text === "" ? undefined : estimatedTokens(text);
		return { step: "last", tokens, usage: readListeningUsage(event) };
	});
}

/** All that a speech model puts out is sound. */
function readSpeechUsage(value: JsonValue | undefined): Usage | undefined {
	const usage = readTokenUsage(value);
	return usage && { ...usage, output: 0, audioOutput: usage.output + usage.audioOutput };
}

function openSpeechStream(): StreamReader {
	return openTypedStream((type, event) => {
		if (type === "speech.audio.delta") {
			return { step: "content", tokens: 1 };
		}
		return type === "speech.audio.done" ? { step: "last", usage: readSpeechUsage(event.usage) } : { step: "meta" };
	});
}

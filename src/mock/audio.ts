import type { JsonObject } from "../lib/json-types.ts";
import { composeAnswer } from "./answer.ts";
import { textField } from "./read.ts";
import { dataEvent, type MockCall, type MockEvent, MockRefusal, type MockReply, STREAM_FAILURE } from "./reply.ts";
import { countTokens } from "./text.ts";

const SAMPLE_RATE = 8_000;
/** Silence spoken for each word, and tokens heard for each second. */
const SAMPLES_PER_WORD = 800;
const WORDS_SPOKEN_MAX = 5_000;
const TOKENS_PER_SECOND = 10;
/** Of the speech below: 16 bits a sample. */
const BYTES_PER_SECOND = SAMPLE_RATE * 2;
const WAV_HEADER_BYTES = 44;
const SPEECH_PIECE_BYTES = 16_384;

/** `POST /v1/audio/speech`: silence in WAV (or bare PCM), a tenth of a second for each word. */
export function speech(call: MockCall): MockReply {
	const input = textField(call.body, "input");
	if (input === undefined || input === "") {
		throw new MockRefusal(400, "'input' is required.", { param: "input" });
	}
	const words = Math.min(countTokens(input), WORDS_SPOKEN_MAX);
	const bare = call.body.response_format === "pcm";
	const bytes = bare ? new Uint8Array(words * SAMPLES_PER_WORD * 2) : wav(words * SAMPLES_PER_WORD);
	if (call.body.stream_format === "sse") {
		return { kind: "events", events: speechEvents(call, bytes, words), failure: dataEvent(STREAM_FAILURE) };
	}
	return { kind: "bytes", bytes, contentType: bare ? "audio/pcm" : "audio/wav" };
}

function* speechEvents(call: MockCall, bytes: Uint8Array, words: number): Generator<MockEvent> {
	for (let from = 0; from < bytes.length; from += SPEECH_PIECE_BYTES) {
		const audio = Buffer.from(bytes.subarray(from, from + SPEECH_PIECE_BYTES)).toString("base64");
		yield dataEvent({ type: "speech.audio.delta", audio }, { token: true });
	}
	const outputTokens = Math.ceil((bytes.length / BYTES_PER_SECOND) * TOKENS_PER_SECOND);
	const usage = { input_tokens: words, output_tokens: outputTokens, total_tokens: words + outputTokens };
	yield dataEvent({ type: "speech.audio.done", ...(call.script.usage ? { usage } : {}) });
}

/** One channel of silence. @see http://soundfile.sapp.org/doc/WaveFormat/ */
function wav(samples: number): Uint8Array<ArrayBuffer> {
	const dataBytes = samples * 2;
	const view = new DataView(new ArrayBuffer(WAV_HEADER_BYTES + dataBytes));
	const ascii = (offset: number, text: string) => {
		for (let index = 0; index < text.length; index += 1) {
			view.setUint8(offset + index, text.charCodeAt(index));
		}
	};
	ascii(0, "RIFF");
	view.setUint32(4, 36 + dataBytes, true);
	ascii(8, "WAVEfmt ");
	view.setUint32(16, 16, true);
	view.setUint16(20, 1, true);
	view.setUint16(22, 1, true);
	view.setUint32(24, SAMPLE_RATE, true);
	view.setUint32(28, BYTES_PER_SECOND, true);
	view.setUint16(32, 2, true);
	view.setUint16(34, 16, true);
	ascii(36, "data");
	view.setUint32(40, dataBytes, true);
	return new Uint8Array(view.buffer);
}

/**
 * `POST /v1/audio/transcriptions` and `/translations`: the `prompt` field is what was "said", else a fixed sentence.
 * @param file The uploaded audio; only its size matters.
 */
export function transcription(call: MockCall, file: Blob | undefined): MockReply {
	if (file === undefined) {
		throw new MockRefusal(400, "'file' is required.", { param: "file" });
	}
	const answer = composeAnswer(call.script, {
		userText: textField(call.body, "prompt") ?? "This is what the mock provider heard.",
		toolResult: undefined,
		tools: [],
		tokensMax: undefined,
	});
	const text = answer.text.join("");
	const seconds = Math.max(file.size - WAV_HEADER_BYTES, 0) / BYTES_PER_SECOND;
	const usage = transcriptionUsage(call, seconds, answer.text.length);
	if (call.body.stream === "true") {
		return {
			kind: "events",
			events: transcriptEvents(answer.text, usage),
			failure: dataEvent(STREAM_FAILURE),
		};
	}
	return transcript({ format: textField(call.body, "response_format"), text, seconds, usage });
}

function transcriptionUsage(call: MockCall, seconds: number, outputTokens: number): JsonObject {
	const audioTokens = Math.ceil(seconds * TOKENS_PER_SECOND);
	const usage = {
		type: "tokens",
		input_tokens: audioTokens,
		input_token_details: { text_tokens: 0, audio_tokens: audioTokens },
		output_tokens: outputTokens,
		total_tokens: audioTokens + outputTokens,
	};
	return call.script.usage ? { usage } : {};
}

function* transcriptEvents(pieces: readonly string[], usage: JsonObject): Generator<MockEvent> {
	for (const delta of pieces) {
		yield dataEvent({ type: "transcript.text.delta", delta }, { token: true });
	}
	yield dataEvent({ type: "transcript.text.done", text: pieces.join(""), ...usage });
}

function transcript(heard: {
	readonly format: string | undefined;
	readonly text: string;
	readonly seconds: number;
	readonly usage: JsonObject;
}): MockReply {
	const { format, text, seconds, usage } = heard;
	const plain = (body: string, contentType = "text/plain; charset=utf-8"): MockReply => ({
		kind: "bytes",
		bytes: new TextEncoder().encode(body),
		contentType,
	});
	switch (format) {
		case "text":
			return plain(`${text}\n`);
		case "srt":
			return plain(`1\n00:00:00,000 --> 00:00:01,000\n${text}\n\n`);
		case "vtt":
			return plain(`WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n${text}\n\n`, "text/vtt; charset=utf-8");
		case "verbose_json":
			return { kind: "json", body: { language: "english", duration: seconds, text, ...usage } };
		default:
			return { kind: "json", body: { text, ...usage } };
	}
}

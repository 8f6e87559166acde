import { badRequest } from "../../lib/errors.ts";
import { isJsonObject, type JsonObject } from "../../lib/json-types.ts";
import { fieldText, type Multipart, type MultipartPart } from "../../lib/multipart.ts";
import { NO_PROMPT, plainPrompt } from "../../lib/prompt-view.ts";
import { formOf, jsonOf } from "../body-kind.ts";
import {
	boolean,
	checkFields,
	fieldRules,
	missing,
	mustBe,
	numberBetween,
	oneOf,
	requiredModel,
	textField,
	textUpTo,
} from "../fields.ts";
import { formFields } from "../form-fields.ts";
import { PLAIN_ENVELOPE } from "../plain-envelope.ts";
import { transcribedTokensMax } from "../prompt-size.ts";
import type { Envelope, Ingress, OperationId, PromptTokensUpperBound } from "../types.ts";

const SPEECH_CHARACTERS_MAX = 4_096;
const PROMPT_LENGTH_MAX = 32_000;

const FORM_RULES = fieldRules({
	prompt: textUpTo(PROMPT_LENGTH_MAX),
	language: textUpTo(64),
	response_format: textUpTo(32),
	temperature: numberBetween(0, 1),
	stream: boolean,
});

const SPEECH_RULES = fieldRules({
	input: (value, param) => {
		if (typeof value !== "string" || value === "" || characters(value) > SPEECH_CHARACTERS_MAX) {
			throw mustBe(param, `text of 1 to ${SPEECH_CHARACTERS_MAX} characters`);
		}
	},
	instructions: textUpTo(SPEECH_CHARACTERS_MAX),
	voice: (value, param) => {
		if ((typeof value !== "string" || value === "") && !isJsonObject(value)) {
			throw mustBe(param, "a name or an object with an id");
		}
	},
	response_format: textUpTo(32),
	speed: numberBetween(0.25, 4),
	stream_format: oneOf("sse", "audio"),
});

/** Transcriptions and translations: the same form, but for the answer's language. */
export function createListeningIngress(
	operation: Extract<OperationId, "audio.transcriptions" | "audio.translations">,
	bound: PromptTokensUpperBound,
): Ingress {
	return {
		operation,
		path: operation === "audio.transcriptions" ? "/audio/transcriptions" : "/audio/translations",
		body: "multipart",
		readEnvelope: (body) => readForm(formOf(body), bound),
		promptText: () => NO_PROMPT,
	};
}

export function createSpeechIngress(bound: PromptTokensUpperBound): Ingress {
	return {
		operation: "audio.speech",
		path: "/audio/speech",
		body: "json",
		readEnvelope: (body) => readSpeech(jsonOf(body), bound),
		promptText: (body) => plainPrompt(textField(jsonOf(body), "input") ?? ""),
	};
}

function readForm(form: Multipart, bound: PromptTokensUpperBound): Envelope {
	const fields = formFields(form, {
		text: ["model", "prompt", "language", "response_format"],
		numbers: ["temperature"],
		flags: ["stream"],
	});
	const model = requiredModel(fields.model);
	checkFields(fields, FORM_RULES);
	const file = onlyFile(form);
	const promptTokens = bound(fieldText(form, "prompt") ?? "");
	return {
		...PLAIN_ENVELOPE,
		model,
		stream: fields.stream === true,
		promptTokensMax: promptTokens + transcribedTokensMax(file.end - file.start),
	};
}

function onlyFile(form: Multipart): MultipartPart {
	const files = form.parts.filter((part) => part.name === "file");
	const [file] = files;
	if (file === undefined) {
		throw missing("file");
	}
	if (files.length > 1) {
		throw badRequest("The form has two files; send one at a time.", "file");
	}
	if (file.start === file.end) {
		throw badRequest("The file is empty.", "file");
	}
	return file;
}

function readSpeech(json: JsonObject, bound: PromptTokensUpperBound): Envelope {
	const model = requiredModel(json.model);
	checkFields(json, SPEECH_RULES);
	const input = textField(json, "input");
	if (input === undefined) {
		throw missing("input");
	}
	if (json.voice === undefined || json.voice === null) {
		throw missing("voice");
	}
	return {
		...PLAIN_ENVELOPE,
		model,
		stream: json.stream_format === "sse",
		promptTokensMax: bound(input) + bound(textField(json, "instructions") ?? ""),
		quantities: { characters: characters(input) },
	};
}

/** As a reader counts them, and as providers charge: an emoji is one, not two. */
function characters(text: string): number {
	let count = 0;
	for (const _ of text) {
		count += 1;
	}
	return count;
}

import { badRequest } from "../../lib/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue, objectOf } from "../../lib/json-types.ts";
import type { Drops } from "../chat-hub/drops.ts";
import type { ChatRequest, ResponseFormat } from "../chat-hub/request.ts";
import type { ModelTraits } from "./models.ts";
import { given, wordOf } from "./reading.ts";
import { thinkingConfig } from "./reasoning.ts";
import { geminiSchema } from "./schema.ts";

const STOPS_MAX = 5;

interface Wishes {
	readonly json: JsonObject;
	readonly chat: ChatRequest;
	readonly traits: ModelTraits;
	readonly areToolsUsable: boolean;
	readonly drops: Drops;
}

/** Everything that steers the generation. @throws GatewayError 400 for what the model cannot do. */
export function writeGenerationConfig(wishes: Wishes): JsonObject {
	const { json, chat, traits, drops } = wishes;
	return given({
		...sampling(json, traits, drops),
		maxOutputTokens: chat.outputTokensMax,
		stopSequences: stops(chat.stop),
		candidateCount: candidates(chat.choices, traits),
		seed: geminiSeed(json.seed, drops),
		...logprobs(json),
		...format(wishes),
		...modalities(json, drops),
		thinkingConfig: thinking(wishes),
	});
}

function sampling(json: JsonObject, traits: ModelTraits, drops: Drops): JsonObject {
	const asked = { temperature: json.temperature, topP: json.top_p, topK: json.top_k };
	if (traits.fixedSampling) {
		for (const name of ["temperature", "top_p", "top_k"] as const) {
			const isDefault = json[name] === 1 && name !== "top_k";
			if (json[name] !== undefined && json[name] !== null && !isDefault) {
				drops.add(name);
			}
		}
	}
	const penalties: JsonObject = {};
	for (const [name, field] of [
		["presence_penalty", "presencePenalty"],
		["frequency_penalty", "frequencyPenalty"],
	] as const) {
		const value = json[name];
		if (typeof value === "number" && value !== 0) {
			if (traits.penalties) {
				penalties[field] = value;
			} else {
				drops.add(name);
			}
		}
	}
	return { ...(traits.fixedSampling ? {} : asked), ...penalties };
}

function stops(stop: readonly string[]): string[] | undefined {
	const sequences = stop.filter((sequence) => sequence !== "");
	if (sequences.length > STOPS_MAX) {
		throw badRequest(`Gemini takes at most ${STOPS_MAX} stop sequences.`, "stop", "unsupported_parameter");
	}
	return sequences.length === 0 ? undefined : sequences;
}

function candidates(choices: number, { fixedSampling }: ModelTraits): number | undefined {
	if (choices === 1) {
		return undefined;
	}
	if (fixedSampling) {
		throw badRequest("This Gemini model makes one answer a request: leave 'n' out.", "n", "unsupported_parameter");
	}
	return choices;
}

/** Gemini's seeds have 32 bits. A seed is a wish for sameness, not a part of the question. */
export function geminiSeed(value: JsonValue | undefined, drops: Drops): number | undefined {
	if (typeof value !== "number") {
		return undefined;
	}
	if (value === (value | 0)) {
		return value;
	}
	drops.add("seed");
	return undefined;
}

function logprobs({ logprobs: asked, top_logprobs: top }: JsonObject): JsonObject {
	if (asked !== true) {
		return {};
	}
	return { responseLogprobs: true, ...(typeof top === "number" && top > 0 ? { logprobs: top } : {}) };
}

function format({ chat, traits, areToolsUsable }: Wishes): JsonObject {
	const wanted: ResponseFormat = chat.format;
	if (wanted.kind === "text") {
		return {};
	}
	if (wanted.kind === "other") {
		throw badRequest(
			`Gemini has no response format '${wanted.type}': use 'json_schema', 'json_object' or 'text'.`,
			"response_format",
			"unsupported_parameter",
		);
	}
	if (areToolsUsable && !traits.toolsWithFormat) {
		throw badRequest(
			"This Gemini model cannot be given tools and a JSON format at once. Use a Gemini 3 model, or ask for the format in a turn without tools.",
			"response_format",
			"unsupported_parameter",
		);
	}
	if (wanted.kind === "json_object" || Object.keys(wanted.schema).length === 0) {
		return { responseMimeType: "application/json" };
	}
	const schema = geminiSchema(wanted.schema);
	const described =
		wanted.description === undefined || schema.description !== undefined
			? schema
			: { ...schema, description: wanted.description };
	return { responseMimeType: "application/json", responseJsonSchema: described };
}

const MODALITIES: ReadonlyMap<JsonValue, string> = new Map([
	["text", "TEXT"],
	["image", "IMAGE"],
	["audio", "AUDIO"],
]);

/** Speech models speak and do not write: audio comes alone. https://ai.google.dev/gemini-api/docs/speech-generation */
function modalities({ modalities: asked, audio }: JsonObject, drops: Drops): JsonObject {
	const sounds = Array.isArray(asked) && asked.includes("audio");
	if (isJsonObject(audio) && !sounds) {
		drops.add("audio");
	}
	if (!Array.isArray(asked)) {
		return {};
	}
	const kinds = asked.map((kind) => {
		const known = MODALITIES.get(kind);
		if (known === undefined) {
			throw badRequest("Gemini answers with 'text', 'image' or 'audio'.", "modalities", "unsupported_parameter");
		}
		return known;
	});
	if (sounds) {
		return { responseModalities: kinds.filter((kind) => kind !== "TEXT"), ...speech(objectOf(audio), drops) };
	}
	return kinds.includes("IMAGE") ? { responseModalities: kinds } : {};
}

/** Gemini's sound is raw 16-bit PCM, whatever a client asks for. */
function speech({ voice, format: wanted }: JsonObject, drops: Drops): JsonObject {
	if (wanted !== undefined && wanted !== "pcm16") {
		drops.add("audio.format");
	}
	const name = wordOf(isJsonObject(voice) ? voice.id : voice);
	return name === undefined ? {} : { speechConfig: { voiceConfig: { prebuiltVoiceConfig: { voiceName: name } } } };
}

/** Google's own spelling on its OpenAI-compatible endpoint (`extra_body.google.thinking_config`) goes through as it is. */
function thinking({ json, chat, traits, drops }: Wishes): JsonObject | undefined {
	const own = objectOf(objectOf(json.extra_body).google).thinking_config;
	if (!isJsonObject(own)) {
		return thinkingConfig(chat.reasoning, traits.thinking, drops);
	}
	if (chat.reasoning.field !== undefined) {
		drops.add(chat.reasoning.field);
	}
	return own;
}

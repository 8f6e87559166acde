import { isJsonObject, type JsonObject, type JsonValue } from "../lib/json-types.ts";
import type { PromptTokensUpperBound } from "./types.ts";

/**
 * One image, any size, any `detail`. OpenAI's tiles end at 1,445 tokens (gpt-4o), its patches at 3,779 (gpt-4.1-nano),
 * Gemini's tiles at 4,128 (3,072 pixels square), Claude's at 4,784. Models that count more are in
 * metering/unseen-tokens.ts. https://developers.openai.com/api/docs/guides/images-vision
 */
export const IMAGE_TOKENS_MAX = 5_000;
/** One document or video that is only referred to, or a small one: a few pages or seconds. */
const FILE_TOKENS_MIN = 3_000;
/** No context window takes more of one file, so a larger claim would only keep deployments from being tried. */
const FILE_TOKENS_MAX = 100_000;
/** A page of a PDF has some 20 to 100 kB and costs 1,500 to 3,000 tokens. */
const FILE_BYTES_PER_TOKEN = 16;
/** Gemini counts most: 32 tokens a second. Speech is rarely coded below 16 kbit/s (2,000 bytes a second). */
const COMPRESSED_AUDIO_BYTES_PER_TOKEN = 2_000 / 32;
/** Uncompressed speech has at least 8,000 samples of one byte a second. */
const WAVE_AUDIO_BYTES_PER_TOKEN = 8_000 / 32;
/** A transcriber counts 10 (OpenAI) or 12.5 (Mistral) tokens a second. */
const TRANSCRIBED_BYTES_PER_TOKEN = 2_000 / 12.5;

/** What frames a message: OpenAI counts 3 or 4, Llama's template 5. https://github.com/openai/openai-cookbook */
const MESSAGE_OVERHEAD_TOKENS = 5;
/** What frames the whole and opens the answer. Llama 3's template writes the date and the end of its knowledge there. */
const REQUEST_OVERHEAD_TOKENS = 30;
/** Quotes, colon and comma of a key and its value, where a schema is shown to a model as JSON. */
const KEY_OVERHEAD_TOKENS = 1;
const VALUE_OVERHEAD_TOKENS = 2;
/**
 * How to call tools is explained to a model before the first of them: in about 170 tokens to GLM, less to GPT. To Claude in
 * twice this (metering/unseen-tokens.ts adds what is missing where it is known who is asked).
 */
const TOOLS_OVERHEAD_TOKENS = 450;

interface PromptSize {
	readonly tokensMax: number;
	readonly images: number;
	/** What files may take on top. */
	readonly fileTokens: number;
}

/** Content parts that are not text, by their `type`: chat's, Responses' and the vendors' own. */
const MEDIA_KINDS: ReadonlyMap<string, "image" | "audio" | "file"> = new Map([
	["image_url", "image"],
	["image", "image"],
	["input_image", "image"],
	["computer_screenshot", "image"],
	["image_embeds", "image"],
	["input_audio", "audio"],
	["audio_url", "audio"],
	["audio", "audio"],
	["file", "file"],
	["input_file", "file"],
	["document", "file"],
	["document_url", "file"],
	["video", "file"],
	["video_url", "file"],
	["input_video", "file"],
]);

export function mediaKind(type: JsonValue | undefined): "image" | "audio" | "file" | undefined {
	return typeof type === "string" ? MEDIA_KINDS.get(type) : undefined;
}

/** Fields that steer and are not read by the model. All others, known or not, count: a vendor may show them to it. */
const NOT_PROMPT: ReadonlySet<string> = new Set([
	"model",
	"user",
	"metadata",
	"stop",
	"logit_bias",
	"stream_options",
	"service_tier",
	"reasoning_effort",
	"reasoning",
	"verbosity",
	"safety_identifier",
	"prompt_cache_key",
	"prompt_cache_retention",
	"previous_response_id",
	"include",
	"truncation",
	"modalities",
	"audio",
	"encoding_format",
	"size",
	"quality",
]);

/** Where conversations are: lists of messages or items, whose content parts may be media. */
const CONVERSATIONS: ReadonlySet<string> = new Set(["messages", "input"]);

/**
 * An upper bound of everything in a JSON body that is billed as prompt: messages, names, tools, schemas, media.
 * Texts are counted as they are meant, not as they are spelled: base64 and `\u` escapes say little about tokens.
 */
export function promptSize(json: JsonObject, bound: PromptTokensUpperBound): PromptSize {
	const counter = createCounter(bound);
	for (const key in json) {
		const value = json[key];
		if (typeof value === "string" ? !NOT_PROMPT.has(key) : typeof value === "object" && !NOT_PROMPT.has(key)) {
			counter.visitField(key, value);
		}
	}
	return counter.size();
}

/** Tokens of an audio file that is to be transcribed, by its size alone. */
export function transcribedTokensMax(bytes: number): number {
	return Math.ceil(bytes / TRANSCRIBED_BYTES_PER_TOKEN);
}

function createCounter(bound: PromptTokensUpperBound) {
	let tokensMax = REQUEST_OVERHEAD_TOKENS;
	let images = 0;
	let fileTokens = 0;

	// JSON bodies are at most 128 levels deep (lib/json.ts), so recursion is safe.
	function visit(value: JsonValue | undefined, inConversation: boolean): void {
		if (typeof value === "string") {
			tokensMax += bound(value) + VALUE_OVERHEAD_TOKENS;
		} else if (Array.isArray(value)) {
			for (const item of value) {
				visit(item, inConversation);
			}
		} else if (isJsonObject(value)) {
			visitObject(value, inConversation);
		} else if (value !== null && value !== undefined) {
			tokensMax += bound(String(value));
		}
	}

	function visitObject(object: JsonObject, inConversation: boolean): void {
		const kind = inConversation ? mediaKind(object.type) : undefined;
		images += kind === "image" ? 1 : 0;
		tokensMax += kind === undefined ? 0 : mediaTokensMax(object, kind, bound);
		fileTokens += kind === "file" ? unusualFileTokens(object) : 0;
		for (const key in object) {
			if (kind === undefined || !PAYLOAD_KEYS.has(key)) {
				tokensMax += bound(key) + KEY_OVERHEAD_TOKENS;
				visit(object[key], inConversation);
			}
		}
	}

	/** The usual message is a role and a text: the role is part of what frames it. */
	function visitMessage(message: JsonObject): void {
		tokensMax += MESSAGE_OVERHEAD_TOKENS;
		for (const key in message) {
			const value = message[key];
			if (key === "content" && typeof value === "string") {
				tokensMax += bound(value);
			} else if (key !== "role") {
				visit(value, true);
			}
		}
	}

	return {
		visitField(key: string, value: JsonValue | undefined): void {
			if (typeof value === "string") {
				tokensMax += bound(value);
			} else if (!CONVERSATIONS.has(key) || !Array.isArray(value)) {
				tokensMax += key === "tools" || key === "functions" ? TOOLS_OVERHEAD_TOKENS : 0;
				visit(value, false);
			} else {
				for (const entry of value) {
					if (isJsonObject(entry) && mediaKind(entry.type) === undefined) {
						visitMessage(entry);
					} else {
						visit(entry, true);
					}
				}
			}
		},
		size: (): PromptSize => ({ tokensMax, images, fileTokens }),
	};
}

/** Under which names a part carries what is not text. */
const PAYLOAD_KEYS: ReadonlySet<string> = new Set([
	...MEDIA_KINDS.keys(),
	"source",
	"data",
	"url",
	"file_id",
	"file_data",
	"file_url",
]);

const DATA_URL_OF_TEXT = /^data:(?:text\/|application\/(?:json|xml|yaml|x-yaml|javascript|csv))[^,]{0,200},/i;

function mediaTokensMax(part: JsonObject, kind: "image" | "audio" | "file", bound: PromptTokensUpperBound): number {
	if (kind === "image") {
		return IMAGE_TOKENS_MAX;
	}
	const { payload, isWave } = payloadOf(part);
	const text = DATA_URL_OF_TEXT.exec(payload);
	if (text !== null) {
		const content = payload.slice(text[0].length);
		return bound(text[0].includes(";base64") ? Buffer.from(content, "base64").toString() : content);
	}
	const bytes = payload.length * 0.75;
	if (kind === "audio") {
		const bytesPerToken = isWave ? WAVE_AUDIO_BYTES_PER_TOKEN : COMPRESSED_AUDIO_BYTES_PER_TOKEN;
		return FILE_TOKENS_MIN + Math.ceil(bytes / bytesPerToken);
	}
	return Math.min(FILE_TOKENS_MAX, FILE_TOKENS_MIN + Math.ceil(bytes / FILE_BYTES_PER_TOKEN));
}

/**
 * A PDF of nothing but text: 500 kB make 125,000 tokens. Not counted against a context window, which it would exclude for
 * most files without need, but against budgets. https://platform.claude.com/docs/en/build-with-claude/pdf-support
 */
const DENSE_FILE_BYTES_PER_TOKEN = 4;
/** Anything shorter is no content, but says where there is some. */
const CONTENT_CHARACTERS_MIN = 2_048;

/** What a file may take beyond what is counted for it. */
function unusualFileTokens(part: JsonObject): number {
	const { payload } = payloadOf(part);
	if (DATA_URL_OF_TEXT.test(payload)) {
		return 0;
	}
	if (payload.length < CONTENT_CHARACTERS_MIN && !payload.startsWith("data:")) {
		return Number.POSITIVE_INFINITY;
	}
	return Math.ceil((payload.length * 0.75) / DENSE_FILE_BYTES_PER_TOKEN);
}

/** The longest string of a part is what it carries. */
function payloadOf(part: JsonObject): { readonly payload: string; readonly isWave: boolean } {
	let payload = "";
	let isWave = false;
	const visit = (value: JsonValue | undefined): void => {
		if (typeof value === "string") {
			payload = value.length > payload.length ? value : payload;
			isWave ||= value === "wav" || value.startsWith("data:audio/wav");
		} else if (typeof value === "object" && value !== null) {
			Object.values(value).forEach(visit);
		}
	};
	visit(part);
	return { payload, isWave };
}

import { badRequest } from "../../lib/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import { missing, mustBe } from "../fields.ts";
import { checkAddresses } from "../media-url.ts";
import { mediaKind } from "../prompt-size.ts";

/**
 * Content parts that are text or stand for it: OpenAI's own, Mistral's (thinking, reference), OpenRouter's and Anthropic's
 * as compatible servers take them, and the Responses spelling that some editors send to chat.
 */
const TEXT_PARTS: ReadonlySet<string> = new Set([
	"text",
	"refusal",
	"input_text",
	"output_text",
	"thinking",
	"redacted_thinking",
	"reasoning",
	"reference",
	"search_result",
	"tool_use",
	"tool_result",
]);

/** What the content of the messages asks of a model. */
export interface ContentNeeds {
	images: boolean;
	audio: boolean;
	/** Fields of other providers. */
	extensions: boolean;
}

/** Checks the content of one message and notes what it holds. `param` is `messages[2].content`. */
export function checkContent(content: JsonValue, param: string, needs: ContentNeeds): void {
	if (typeof content === "string") {
		return;
	}
	if (!Array.isArray(content)) {
		throw mustBe(param, "a string or a list of content parts");
	}
	for (let index = 0; index < content.length; index += 1) {
		const part = content[index];
		if (!isJsonObject(part)) {
			throw mustBe(`${param}[${index}]`, "a content part: an object with a type");
		}
		checkPart(part, `${param}[${index}]`, needs);
	}
}

function checkPart(part: JsonObject, param: string, needs: ContentNeeds): void {
	const { type } = part;
	if (type === "text") {
		if (typeof part.text !== "string") {
			throw mustBe(`${param}.text`, "a string");
		}
		return;
	}
	const kind = mediaKind(type);
	if (typeof type !== "string" || (kind === undefined && !TEXT_PARTS.has(type))) {
		throw badRequest(
			`The field '${param}.type' is not a kind of content: use 'text', 'image_url', 'input_audio' or 'file'.`,
			`${param}.type`,
		);
	}
	if (kind === undefined) {
		return;
	}
	needs.images ||= kind === "image";
	needs.audio ||= kind === "audio";
	if (REQUIRED_PAYLOADS.has(type) && (part[type] === undefined || part[type] === null)) {
		throw missing(`${param}.${type}`);
	}
	checkAddresses(part, param);
}

/** Parts whose payload stands under the name of their type. */
const REQUIRED_PAYLOADS: ReadonlySet<string> = new Set([
	"image_url",
	"input_audio",
	"file",
	"audio_url",
	"video_url",
	"document_url",
]);

/** The text of a message, its other parts left out. */
export function contentText(content: JsonValue | undefined): string {
	if (typeof content === "string") {
		return content;
	}
	if (!Array.isArray(content)) {
		return "";
	}
	const texts: string[] = [];
	for (const part of content) {
		const text = isJsonObject(part) ? part.text : undefined;
		if (typeof text === "string") {
			texts.push(text);
		}
	}
	return texts.join("\n");
}

import { isJsonObject, type JsonObject, objectsIn } from "../../lib/json-types.ts";
import { faultAnswer } from "../fault-answer.ts";
import { readGoogleFault } from "../gemini-generate/faults.ts";
import { imageFormat } from "../imagen-predict/answer.ts";
import { policyViolation } from "../imagen-predict/images-request.ts";
import { declaredFault } from "../provider-fault.ts";
import type { Target } from "../translation.ts";
import { imageUsage } from "./usage.ts";

/** Reasons that mean a filter, and not the model, kept the image back. @see https://ai.google.dev/api/generate-content */
const FILTERED: ReadonlySet<string> = new Set([
	"SAFETY",
	"IMAGE_SAFETY",
	"PROHIBITED_CONTENT",
	"IMAGE_PROHIBITED_CONTENT",
	"RECITATION",
	"IMAGE_RECITATION",
	"BLOCKLIST",
	"SPII",
]);

/** The model did its work and painted nothing: worth another attempt. */
const STATUS_NO_IMAGE = 502;
const SAID_LENGTH_MAX = 500;

/** Gemini's candidates as OpenAI's images; an error where there is no image. undefined when it is no answer of Gemini's. */
export function geminiImageAnswer(answer: JsonObject, { createdAtSeconds }: Target): JsonObject | undefined {
	if (declaredFault(answer) !== undefined) {
		return faultAnswer(readGoogleFault(answer, undefined));
	}
	const candidates = objectsIn(answer.candidates);
	const blocked = isJsonObject(answer.promptFeedback) ? answer.promptFeedback.blockReason : undefined;
	if (candidates.length === 0) {
		return typeof blocked === "string"
			? policyViolation(`The prompt was blocked by the provider: ${blocked}.`)
			: undefined;
	}
	const parts = candidates.flatMap(({ content }) => objectsIn(isJsonObject(content) ? content.parts : undefined));
	// Drafts that belong to the thinking are not the answer.
	const answered = parts.filter(({ thought }) => thought !== true);
	const images = answered.flatMap(imageIn);
	const [first] = images;
	if (first === undefined) {
		return withoutImage(candidates, answered);
	}
	const usage = imageUsage(answer.usageMetadata);
	const format = imageFormat(first.mimeType);
	return {
		created: createdAtSeconds,
		data: images.map(({ data }) => ({ b64_json: data })),
		...(format === undefined ? {} : { output_format: format }),
		...(usage === undefined ? {} : { usage }),
	};
}

function withoutImage(candidates: readonly JsonObject[], parts: readonly JsonObject[]): JsonObject {
	const reason = candidates.map(({ finishReason }) => String(finishReason ?? "")).find((name) => FILTERED.has(name));
	const told = candidates.map(({ finishMessage }) => finishMessage).find((message) => typeof message === "string");
	if (reason !== undefined) {
		return policyViolation(told ?? `The image was held back by the provider: ${reason}.`);
	}
	const said = parts.flatMap(({ text }) => (typeof text === "string" ? [text] : [])).join("");
	const why = told ?? said.slice(0, SAID_LENGTH_MAX);
	const message = `The model answered without an image${why === "" ? "." : `: ${why}`}`;
	return { error: { message, type: "upstream_error", param: null, code: "no_image", status: STATUS_NO_IMAGE } };
}

/** `inlineData`, or as Google's older servers spell it. */
function imageIn(part: JsonObject): { readonly data: string; readonly mimeType: string }[] {
	const inline = part.inlineData ?? part.inline_data;
	if (!isJsonObject(inline) || typeof inline.data !== "string" || inline.data === "") {
		return [];
	}
	const mimeType = inline.mimeType ?? inline.mime_type;
	return [{ data: inline.data, mimeType: typeof mimeType === "string" ? mimeType : "" }];
}

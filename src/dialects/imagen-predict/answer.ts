import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import { faultAnswer } from "../fault-answer.ts";
import { readGoogleFault } from "../gemini-generate/faults.ts";
import { declaredFault } from "../provider-fault.ts";
import type { Target } from "../translation.ts";
import { policyViolation } from "./images-request.ts";

const HELD_BACK = "The images were held back by the provider's safety filters.";

/**
 * Imagen's predictions as OpenAI's images. Those held back are missing; where all are, that is an error. undefined when
 * the answer is none of Imagen's.
 */
export function imagenAnswer(answer: JsonObject, { createdAtSeconds }: Target): JsonObject | undefined {
	if (declaredFault(answer) !== undefined) {
		return faultAnswer(readGoogleFault(answer, undefined));
	}
	// When everything was held back, the list may be missing.
	const { predictions = [] } = answer;
	if (!Array.isArray(predictions) || (predictions.length === 0 && !isBare(answer))) {
		return undefined;
	}
	const made = predictions.flatMap(imageOf);
	if (made.length === 0) {
		const reason = predictions.flatMap(reasonOf)[0];
		return policyViolation(reason ?? HELD_BACK);
	}
	const format = formatOf(predictions);
	return {
		created: createdAtSeconds,
		data: made,
		...(format === undefined ? {} : { output_format: format }),
	};
}

/** Fields that say nothing of what was asked. */
const ENVELOPE: ReadonlySet<string> = new Set([
	"predictions",
	"deployedModelId",
	"model",
	"modelDisplayName",
	"modelVersionId",
	"metadata",
]);

function isBare(answer: JsonObject): boolean {
	return Object.keys(answer).every((name) => ENVELOPE.has(name));
}

function imageOf(prediction: JsonValue): JsonObject[] {
	if (!isJsonObject(prediction) || typeof prediction.bytesBase64Encoded !== "string") {
		return [];
	}
	const { bytesBase64Encoded: image, prompt } = prediction;
	return image === "" ? [] : [{ b64_json: image, ...(typeof prompt === "string" ? { revised_prompt: prompt } : {}) }];
}

function reasonOf(prediction: JsonValue): string[] {
	const reason = isJsonObject(prediction) ? prediction.raiFilteredReason : undefined;
	return typeof reason === "string" && reason !== "" ? [reason] : [];
}

/** OpenAI tells one format for all images. */
function formatOf(predictions: readonly JsonValue[]): string | undefined {
	const types = new Set(
		predictions.flatMap((prediction) =>
			isJsonObject(prediction) && typeof prediction.mimeType === "string" ? [prediction.mimeType] : [],
		),
	);
	const [type] = types;
	return types.size === 1 && type !== undefined ? imageFormat(type) : undefined;
}

/** `png`, `jpeg`, `webp`; undefined for what OpenAI has no word for. */
export function imageFormat(mimeType: string): string | undefined {
	const format = /^image\/(png|jpe?g|webp)$/i.exec(mimeType)?.[1]?.toLowerCase();
	return format === "jpg" ? "jpeg" : format;
}

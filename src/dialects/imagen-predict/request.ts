import type { JsonObject } from "../../lib/json-types.ts";
import { createDrops, type Drops, dropUnmapped } from "../chat-hub/drops.ts";
import { cannot, IMAGE_FIELDS, nameNearSize, refuseImageWishes, usualFields } from "./images-request.ts";
import { aspectRatios, nearestRatio, readSize } from "./size.ts";

/** Fields of Imagen's own that a client may set, by the name they have there. */
const OWN: Readonly<Record<string, string>> = {
	seed: "seed",
	negative_prompt: "negativePrompt",
	person_generation: "personGeneration",
	safety_setting: "safetySetting",
	add_watermark: "addWatermark",
	enhance_prompt: "enhancePrompt",
	language: "language",
};

const MIME_TYPES: Readonly<Record<string, string>> = { png: "image/png", jpeg: "image/jpeg", jpg: "image/jpeg" };

/**
 * An image request of OpenAI as the body of Imagen's `:predict`.
 * @see https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/imagen-api
 */
export function imagenRequest(json: JsonObject): { body: JsonObject; dropped: readonly string[] } {
	refuseImageWishes(json, "Imagen");
	const drops = createDrops();
	const parameters: JsonObject = {
		sampleCount: typeof json.n === "number" ? json.n : 1,
		// Otherwise images that were held back are missing without a word.
		includeRaiReason: true,
		...sizeFields(json, drops),
		...outputOptions(json, drops),
	};
	for (const [name, theirs] of Object.entries(OWN)) {
		const value = json[name];
		if (value !== undefined && value !== null) {
			parameters[theirs] = value;
		}
	}
	const mapped = [...IMAGE_FIELDS, "output_format", "output_compression", ...Object.keys(OWN), ...usualFields(json)];
	dropUnmapped(json, new Set(mapped), drops);
	return { body: { instances: [{ prompt: json.prompt }], parameters }, dropped: drops.list() };
}

const RATIOS = aspectRatios("1:1", "3:4", "4:3", "9:16", "16:9");

/** The sizes Imagen paints, at its usual resolution and at twice that: only these are met exactly. */
const EXACT_SIZES: ReadonlyMap<string, "1K" | "2K"> = new Map([
	["1024x1024", "1K"],
	["896x1280", "1K"],
	["1280x896", "1K"],
	["768x1408", "1K"],
	["1408x768", "1K"],
	["2048x2048", "2K"],
	["1792x2560", "2K"],
	["2560x1792", "2K"],
	["1536x2816", "2K"],
	["2816x1536", "2K"],
]);

/** From this length of the longer side, halfway between the two in use, the larger resolution is nearer. */
const LARGE_FROM = 1_920;

/** `sampleImageSize` is sent only for the larger resolution, since older models do not know it. */
function sizeFields(json: JsonObject, drops: Drops): JsonObject {
	const size = readSize(json.size);
	if (size === undefined) {
		return {};
	}
	const exact = EXACT_SIZES.get(`${size.width}x${size.height}`);
	nameNearSize(exact !== undefined, drops);
	const isLarge = exact === undefined ? Math.max(size.width, size.height) >= LARGE_FROM : exact === "2K";
	return { aspectRatio: nearestRatio(size, RATIOS), ...(isLarge ? { sampleImageSize: "2K" } : {}) };
}

function outputOptions({ output_format: format, output_compression: quality }: JsonObject, drops: Drops): JsonObject {
	const isAsked = typeof format === "string" && format !== "";
	const mimeType = isAsked ? MIME_TYPES[format.toLowerCase()] : undefined;
	if (isAsked && mimeType === undefined) {
		throw cannot("output_format", "Imagen writes 'png' and 'jpeg'");
	}
	if (typeof quality === "number" && mimeType !== "image/jpeg") {
		drops.add("output_compression");
	}
	if (mimeType === undefined) {
		return {};
	}
	const isCompressed = mimeType === "image/jpeg" && typeof quality === "number";
	return { outputOptions: isCompressed ? { mimeType, compressionQuality: quality } : { mimeType } };
}

import type { JsonObject } from "../../lib/json-types.ts";
import { createDrops, type Drops, dropUnmapped } from "../chat-hub/drops.ts";
import { geminiSeed } from "../gemini-generate/generation-config.ts";
import {
	cannot,
	IMAGE_FIELDS,
	nameNearSize,
	refuseImageWishes,
	usualFields,
} from "../imagen-predict/images-request.ts";
import { aspectRatios, nearestRatio, readSize } from "../imagen-predict/size.ts";

/**
 * An image request of OpenAI as the body of `generateContent`.
 * @see https://ai.google.dev/gemini-api/docs/image-generation
 */
export function geminiImageRequest(json: JsonObject): { body: JsonObject; dropped: readonly string[] } {
	refuseImageWishes(json, "Gemini");
	if (typeof json.n === "number" && json.n > 1) {
		throw cannot("n", "Gemini makes one image a request: send several requests");
	}
	const drops = createDrops();
	const imageConfig = sizeFields(json, drops);
	const seed = geminiSeed(json.seed, drops);
	const body = {
		contents: [{ role: "user", parts: [{ text: json.prompt }] }],
		generationConfig: {
			responseModalities: ["IMAGE"],
			...(imageConfig === undefined ? {} : { imageConfig }),
			...(seed === undefined ? {} : { seed }),
		},
	};
	// The format is Gemini's choice; the answer tells which it was.
	dropUnmapped(json, new Set([...IMAGE_FIELDS, "seed", ...usualFields(json)]), drops);
	return { body, dropped: drops.list() };
}

const RATIOS = aspectRatios("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9");

/** The sizes that all models paint alike. Others differ by a few pixels from model to model. */
const EXACT_SIZES: ReadonlySet<string> = new Set(["1024x1024", "2048x2048", "4096x4096"]);

/** From these lengths of the longer side, halfway between two resolutions, the larger one is nearer. */
const SIZES_FROM: readonly (readonly [from: number, name: string])[] = [
	[3_072, "4K"],
	[1_920, "2K"],
];

/** `imageSize` is sent only above the usual resolution, since older models do not know it. */
function sizeFields(json: JsonObject, drops: Drops): JsonObject | undefined {
	const size = readSize(json.size);
	if (size === undefined) {
		return undefined;
	}
	nameNearSize(EXACT_SIZES.has(`${size.width}x${size.height}`), drops);
	const imageSize = SIZES_FROM.find(([from]) => Math.max(size.width, size.height) >= from)?.[1];
	return { aspectRatio: nearestRatio(size, RATIOS), ...(imageSize === undefined ? {} : { imageSize }) };
}

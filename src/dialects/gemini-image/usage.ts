import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import { count } from "../token-usage.ts";

/** Gemini's `usageMetadata` as the usage of OpenAI's images. Thinking is output, and text. */
export function imageUsage(value: JsonValue | undefined): JsonObject | undefined {
	if (!isJsonObject(value)) {
		return undefined;
	}
	const input = count(value.promptTokenCount);
	const drawn = tokensOf(value.candidatesTokensDetails);
	const spoken = count(value.candidatesTokenCount) ?? drawn?.all;
	if (input === undefined || spoken === undefined) {
		return undefined;
	}
	const thoughts = count(value.thoughtsTokenCount) ?? 0;
	const output = spoken + thoughts;
	const imagesIn = Math.min(input, tokensOf(value.promptTokensDetails)?.images ?? 0);
	const imagesOut = drawn === undefined ? undefined : Math.min(output, drawn.images);
	return {
		input_tokens: input,
		output_tokens: output,
		total_tokens: input + output,
		input_tokens_details: { text_tokens: input - imagesIn, image_tokens: imagesIn },
		...(imagesOut === undefined
			? {}
			: {
					output_tokens_details: {
						text_tokens: output - imagesOut,
						image_tokens: imagesOut,
						...(thoughts === 0 ? {} : { reasoning_tokens: thoughts }),
					},
				}),
	};
}

/** Sums of `[{modality, tokenCount}]`; undefined where there is no such list. */
function tokensOf(details: JsonValue | undefined): { readonly all: number; readonly images: number } | undefined {
	if (!Array.isArray(details)) {
		return undefined;
	}
	let all = 0;
	let images = 0;
	for (const { modality, tokenCount } of details.filter(isJsonObject)) {
		const tokens = count(tokenCount) ?? 0;
		all += tokens;
		images += modality === "IMAGE" ? tokens : 0;
	}
	return { all, images };
}

import { z } from "zod";
import { usdSchema } from "./usd.ts";

const rate = (meaning: string) => usdSchema.optional().describe(meaning);

/** What a deployment costs, when the file says so instead of the catalogue. It replaces the catalogue's sheet whole. */
export const priceSchema = z
	.strictObject({
		input_per_million: rate("A million prompt tokens."),
		output_per_million: rate("A million completion tokens."),
		cached_input_per_million: rate("A million prompt tokens read from the provider's cache. Absent: as input."),
		cache_write_per_million: rate("A million prompt tokens written to the provider's cache. Absent: as input."),
		cache_write_1h_per_million: rate(
			"A million prompt tokens written to the provider's cache for an hour. Absent: as other cache writes.",
		),
		reasoning_per_million: rate("A million hidden reasoning tokens. Absent: as output."),
		audio_input_per_million: rate("A million audio tokens heard. Absent: as input."),
		audio_output_per_million: rate("A million audio tokens spoken. Absent: as output."),
		image_input_per_million: rate("A million tokens of images seen. Absent: as input."),
		image_output_per_million: rate("A million tokens of images drawn. Absent: as output."),
		per_image: rate("One generated image."),
		per_second: rate("One second of audio."),
		characters_per_million: rate("A million characters spoken."),
		per_search: rate("One web search by the provider's own tool. Absent: nothing beyond its tokens."),
		per_request: rate("Added once to each request."),
	})
	.superRefine((price, context) => {
		const { per_image, per_second, characters_per_million, per_request, per_search, ...tokens } = price;
		const pieces = { per_image, per_second, characters_per_million, per_request };
		const given = (amounts: object) => Object.values(amounts).some((amount) => amount !== undefined);
		const complete = tokens.input_per_million !== undefined && tokens.output_per_million !== undefined;
		// Half a token price would make the other half free without anybody having said so, and so would searches alone.
		if ((given(tokens) && !complete) || !(complete || given(pieces))) {
			context.addIssue({
				code: "custom",
				message:
					"needs both input_per_million and output_per_million (0 where a model has none), or only prices per image, second, characters or request",
			});
		}
	});

export type PriceFile = z.output<typeof priceSchema>;

import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import { NO_USAGE, type Usage } from "../../lib/usage.ts";
import { declaredFault } from "../provider-fault.ts";
import { readTokenUsage } from "../token-usage.ts";
import { openTypedStream } from "../typed-stream.ts";
import type { AnswerReader, StreamReader } from "../types.ts";

/** Generations and edits answer alike. */
export function imagesAnswer(operation: "images.generations" | "images.edits"): AnswerReader {
	return {
		operation,
		answer: "json",
		usage: (answer) => (Array.isArray(answer.data) ? imageUsage(answer.usage, answer.data.length) : undefined),
		fault: declaredFault,
		// The images are counted, not their tokens: without usage nobody can tell those.
		outputTokensSeen: () => 0,
		openStream: openImageStream,
	};
}

/** Models priced by the image (dall-e) state no tokens: the images in the answer are then the whole count. */
function imageUsage(usage: JsonValue | undefined, images: number): Usage {
	return { ...(readTokenUsage(usage) ?? NO_USAGE), images };
}

function openImageStream(choices = 1): StreamReader {
	let images = 0;
	let total: Usage = NO_USAGE;
	return openTypedStream((type, event) => {
		if (type.endsWith(".partial_image")) {
			return { step: "content", tokens: 1 };
		}
		if (!type.endsWith(".completed")) {
			return { step: "meta" };
		}
		images += 1;
		total = added(total, event);
		return { step: images >= choices ? "last" : "content", tokens: 1, usage: { ...total, images } };
	});
}

/** Each completed image states its own tokens: here, and only here, usages add up. */
function added(total: Usage, event: JsonObject): Usage {
	const usage = isJsonObject(event.usage) ? readTokenUsage(event.usage) : undefined;
	return usage === undefined
		? total
		: {
				...total,
				input: total.input + usage.input,
				cacheRead: total.cacheRead + usage.cacheRead,
				output: total.output + usage.output,
			};
}

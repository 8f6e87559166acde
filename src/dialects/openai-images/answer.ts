import type { JsonObject, JsonValue } from "../../lib/json-types.ts";
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
	return { ...(drawnUsage(usage) ?? NO_USAGE), images };
}

/** What is put out here is drawn. Newer models say beside it how many tokens were words (of a plan, a caption). */
function drawnUsage(value: JsonValue | undefined): Usage | undefined {
	const usage = readTokenUsage(value);
	if (usage === undefined || usage.imageOutput > 0) {
		return usage;
	}
	return { ...usage, output: 0, imageOutput: usage.output };
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
	const usage = drawnUsage(event.usage);
	return usage === undefined
		? total
		: {
				...total,
				input: total.input + usage.input,
				cacheRead: total.cacheRead + usage.cacheRead,
				imageInput: total.imageInput + usage.imageInput,
				output: total.output + usage.output,
				imageOutput: total.imageOutput + usage.imageOutput,
			};
}

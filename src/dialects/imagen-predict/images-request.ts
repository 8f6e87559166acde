import { badRequest, type GatewayError } from "../../lib/errors.ts";
import type { JsonObject } from "../../lib/json-types.ts";
import type { Drops } from "../chat-hub/drops.ts";

/** Refuses what neither of Google's ways to make an image can do. @throws GatewayError 400 naming the field. */
export function refuseImageWishes(json: JsonObject, model: string): void {
	if (json.response_format === "url") {
		throw cannot("response_format", `${model} sends the image itself: ask for 'b64_json'`);
	}
	if (json.stream === true) {
		throw cannot("stream", `${model} sends its images whole`);
	}
	if (typeof json.partial_images === "number" && json.partial_images > 0) {
		throw cannot("partial_images", `${model} sends its images whole`);
	}
	if (json.background === "transparent") {
		throw cannot("background", `${model} paints no transparent images`);
	}
}

/** Fields above and values that say what happens anyway; `quality` and `style` are named where they say something else. */
export const IMAGE_FIELDS = ["prompt", "n", "size", "response_format", "stream", "partial_images"] as const;

/** Fields of which one value is the usual course. */
const USUAL: readonly (readonly [name: string, values: readonly string[]])[] = [
	["background", ["auto", "opaque"]],
	["quality", ["auto", "standard"]],
	["moderation", ["auto"]],
];

/** The fields among those that need no naming, since they ask for nothing. */
export function usualFields(json: JsonObject): string[] {
	return USUAL.flatMap(([name, values]) => (values.includes(String(json[name])) ? [name] : []));
}

/** A size that was only met nearly. */
export function nameNearSize(isExact: boolean, drops: Drops): void {
	if (!isExact) {
		drops.add("size");
	}
}

export function cannot(param: string, why: string): GatewayError {
	return badRequest(`The field '${param}' cannot be sent as it is: ${why}.`, param, "unsupported_parameter");
}

/** The failure of an answer whose images were all held back. */
export function policyViolation(reason: string): JsonObject {
	return {
		error: {
			message: reason,
			type: "invalid_request_error",
			param: null,
			code: "content_policy_violation",
			status: 400,
		},
	};
}

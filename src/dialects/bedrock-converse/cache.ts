import type { JsonObject, JsonValue } from "../../lib/json-types.ts";
import type { Drops } from "../chat-hub/drops.ts";
import type { CacheMark } from "../chat-hub/parts.ts";
import type { BedrockModel } from "./models.ts";

/** Claude's limit; Nova's is the same. */
const CACHE_POINTS_MAX = 4;

type Place = "tools" | "system" | "messages";

/** The cache points of one request: what stands before one is cached. */
export interface CachePoints {
	/** Puts a point at the end of a list, where the model takes one there; else names `path` as left out. */
	after(list: JsonValue[], mark: CacheMark | undefined, place: Place, path: string): void;
	/** Takes out what is too many: the oldest turns first, since the latest points hold the longest prefix. */
	limit(): void;
}

/**
 * Claude takes cache points everywhere, Nova in the system prompt and beside plain content only and for five minutes
 * only. Where nothing is known of the model the client's wish is passed on.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html
 * @see https://github.com/danny-avila/LibreChat/issues/13838
 */
export function createCachePoints(model: BedrockModel, drops: Drops): CachePoints {
	const points: { readonly list: JsonValue[]; readonly point: JsonObject; readonly place: Place; path: string }[] = [];

	return {
		after(list, mark, place, path) {
			if (mark === undefined || list.length === 0) {
				return;
			}
			if (!takesPoint(model, list, place)) {
				drops.add(path);
				return;
			}
			const takesHour = model.family === "unknown" || model.claude?.cachesAnHour === true;
			if (mark.ttl === "1h" && !takesHour) {
				drops.add(`${path}.ttl`);
			}
			// Five minutes is what a point means anyway, and older models do not know the word.
			const ttl = mark.ttl === "1h" && takesHour ? { ttl: "1h" } : {};
			const point: JsonObject = { cachePoint: { type: "default", ...ttl } };
			list.push(point);
			points.push({ list, point, place, path });
		},
		limit() {
			const byAge = (["messages", "system", "tools"] as const).flatMap((place) =>
				points.filter((entry) => entry.place === place),
			);
			for (const { list, point, path } of byAge.slice(0, Math.max(0, byAge.length - CACHE_POINTS_MAX))) {
				list.splice(list.indexOf(point), 1);
				drops.add(path);
			}
		},
	};
}

function takesPoint(model: BedrockModel, list: readonly JsonValue[], place: Place): boolean {
	switch (model.family) {
		case "anthropic":
			return true;
		case "unknown":
			// Another maker's name (`zai.glm-5`) is not that of a profile, behind which there may be a Claude.
			return !model.name.includes(".");
		case "nova":
			return place === "system" || (place === "messages" && !list.some(isToolBlock));
		default:
			return false;
	}
}

function isToolBlock(block: JsonValue): boolean {
	return typeof block === "object" && block !== null && ("toolResult" in block || "toolUse" in block);
}

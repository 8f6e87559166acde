import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import type { Drops } from "../chat-hub/drops.ts";

/** "A maximum of 4 blocks with cache_control may be provided." https://platform.claude.com/docs/en/build-with-claude/prompt-caching */
const BREAKPOINTS_MAX = 4;

/** Keeps the last breakpoints, which reach furthest, and takes the others off. The blocks were made for this request. */
export function limitBreakpoints(body: JsonObject, drops: Drops): void {
	const messages = objectsIn(body.messages).flatMap((message) => objectsIn(message.content));
	const places = [
		...objectsIn(body.tools).map((block) => ({ block, path: "tools[].cache_control" })),
		...[...objectsIn(body.system), ...messages].map((block) => ({ block, path: "messages[].cache_control" })),
	].filter(({ block }) => block.cache_control !== undefined);
	for (const { block, path } of places.slice(0, -BREAKPOINTS_MAX)) {
		delete block.cache_control;
		drops.add(path);
	}
}

function objectsIn(value: JsonValue | undefined): JsonObject[] {
	return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

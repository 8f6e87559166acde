import { type JsonObject, objectsIn } from "../../lib/json-types.ts";
import type { Drops } from "../chat-hub/drops.ts";
import { cacheMark } from "../chat-hub/parts.ts";
import { marked } from "./content.ts";
import type { Platform } from "./platform.ts";

/** "A maximum of 4 blocks with cache_control may be provided." https://platform.claude.com/docs/en/build-with-claude/prompt-caching */
const BREAKPOINTS_MAX = 4;

/** Keeps the last breakpoints, which reach furthest, and takes the others off. The blocks were made for this request. */
export function limitBreakpoints(body: JsonObject, drops: Drops): void {
	const messages = objectsIn(body.messages).flatMap((message) => objectsIn(message.content));
	const places = [
		...objectsIn(body.tools).map((block) => ({ block, path: "tools[].cache_control" })),
		...[...objectsIn(body.system), ...messages].map((block) => ({ block, path: "messages[].cache_control" })),
	].filter(({ block }) => block.cache_control !== undefined);
	const most = BREAKPOINTS_MAX - (body.cache_control === undefined ? 0 : 1);
	for (const { block, path } of places.slice(0, -most)) {
		delete block.cache_control;
		drops.add(path);
	}
}

/** A mark on the request itself: Anthropic sets the breakpoint. Other places take the mark of blocks only. */
export function requestCache(json: JsonObject, { requestCache: taken }: Platform, drops: Drops): JsonObject {
	const mark = cacheMark(json);
	if (mark !== undefined && taken) {
		return marked({}, mark);
	}
	if (mark !== undefined) {
		drops.add("cache_control");
	}
	return {};
}

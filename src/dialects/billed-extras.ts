import { isJsonObject, type JsonObject, type JsonValue, objectsIn } from "../lib/json-types.ts";
import type { RequestBody } from "./types.ts";

/** What a request may be billed for beside the words read and written, as far as its fields tell. */
export interface BilledExtras {
	/** A part of the prompt is marked to be cached for an hour, which costs more than five minutes. */
	readonly cachesForAnHour: boolean;
	/** Web searches that the provider's own tool may run. */
	readonly searchesMax: number;
}

/** Reserved for a search tool that the request does not bound: models rarely search more often in one answer. */
const SEARCHES_DEFAULT = 10;

/** `web_search_20250305`, `web_search_preview`, `openrouter:web_search`, `google_search`, `browser_search`, `x_search`. */
const SEARCH_TOOL = /(?:web|google|browser|x)_?search/i;

export function billedExtras(body: RequestBody): BilledExtras {
	return body.kind === "json"
		? {
				// The text is searched, not the JSON: marks stand anywhere in it, and quotes inside a text are escaped.
				cachesForAnHour: body.text.includes('"1h"'),
				searchesMax: searchesMax(body.json),
			}
		: { cachesForAnHour: false, searchesMax: 0 };
}

/** What Anthropic's `max_uses` and Responses' `max_tool_calls` allow; each search option counts. */
function searchesMax(json: JsonObject): number {
	let searches = isJsonObject(json.web_search_options) ? SEARCHES_DEFAULT : 0;
	for (const tool of objectsIn(json.tools)) {
		if (isSearchTool(tool)) {
			searches += wholeNumber(tool.max_uses) ?? SEARCHES_DEFAULT;
		}
	}
	// OpenRouter searches once before the model answers.
	searches += objectsIn(json.plugins).filter((plugin) => plugin.id === "web").length;
	return Math.min(searches, wholeNumber(json.max_tool_calls) ?? Number.POSITIVE_INFINITY);
}

/** The types of the tools that a provider defines or runs. */
export function providerTools(json: JsonObject): readonly string[] {
	const searches = isJsonObject(json.web_search_options) ? ["web_search"] : [];
	return [...searches, ...objectsIn(json.tools).map(toolType).filter(isProviders)];
}

/** A vendor's tool by its type, or in Gemini's spelling by its only key. A function of the client's own is neither. */
function isSearchTool(tool: JsonObject): boolean {
	const type = toolType(tool);
	return isProviders(type) && SEARCH_TOOL.test(type);
}

function toolType(tool: JsonObject): string {
	return typeof tool.type === "string" ? tool.type : (Object.keys(tool)[0] ?? "");
}

function isProviders(type: string): boolean {
	return type !== "function" && type !== "custom" && type !== "";
}

function wholeNumber(value: JsonValue | undefined): number | undefined {
	return Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) : undefined;
}

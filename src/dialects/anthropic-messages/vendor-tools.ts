import { badRequest } from "../../lib/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import type { Drops } from "../chat-hub/drops.ts";

/** The web search that every model of today takes. */
const WEB_SEARCH = { type: "web_search_20250305", name: "web_search" } as const;

/** Anthropic's own tools carry the day of their version: `web_search_20250305`, `computer_toolset_20260801`. */
const OWN_TYPE = /^([a-z][a-z0-9_]*)_(\d{8})$/;

/** OpenAI's words for a search of the provider's own. */
const SEARCH_TYPES = /^web_search(_preview)?(_\d{4}_\d{2}_\d{2})?$/;

/**
 * The beta headers that tools of older versions need; those of newer ones need none.
 * @see https://platform.claude.com/docs/en/agents-and-tools/tool-use/tool-reference
 */
const BETAS: ReadonlyMap<string, string> = new Map([
	["computer_20241022", "computer-use-2024-10-22"],
	["text_editor_20241022", "computer-use-2024-10-22"],
	["bash_20241022", "computer-use-2024-10-22"],
	["computer_20250124", "computer-use-2025-01-24"],
	["computer_20251124", "computer-use-2025-11-24"],
	["code_execution_20250522", "code-execution-2025-05-22"],
	["code_execution_20250825", "code-execution-2025-08-25"],
	["web_fetch_20250910", "web-fetch-2025-09-10"],
	["advisor_20260301", "advisor-tool-2026-03-01"],
]);

/** The name that a tool must have beside its type, where it is not the type without its day. */
const NAMES: ReadonlyMap<string, string> = new Map([
	["text_editor_20241022", "str_replace_editor"],
	["text_editor_20250124", "str_replace_editor"],
	["text_editor", "str_replace_based_edit_tool"],
]);

/**
 * A tool that the provider runs, or knows the form of, as it came.
 * @throws GatewayError 400 for the tools of other providers.
 */
export function vendorTool(type: string, raw: JsonObject, betas: Set<string>, drops: Drops): JsonObject {
	if (SEARCH_TYPES.test(type)) {
		return openaiSearch(raw, drops);
	}
	const own = OWN_TYPE.exec(type);
	if (own === null) {
		throw badRequest(
			`Anthropic has no tool of the type '${type}': use one of its own, such as '${WEB_SEARCH.type}', or a function.`,
			"tools",
			"unsupported_parameter",
		);
	}
	const beta = BETAS.get(type);
	if (beta !== undefined) {
		betas.add(beta);
	}
	const kind = own[1] ?? type;
	// A toolset names its members itself.
	const named = raw.name === undefined && !kind.endsWith("_toolset");
	return { ...raw, type, ...(named ? { name: NAMES.get(type) ?? NAMES.get(kind) ?? kind } : {}) };
}

/** `web_search_options` of chat. */
export function searchTool(options: JsonObject, drops: Drops): JsonObject {
	if (options.search_context_size !== undefined && options.search_context_size !== null) {
		drops.add("web_search_options.search_context_size");
	}
	return { ...WEB_SEARCH, ...location(options.user_location) };
}

/** `{"type": "web_search", "filters": {"allowed_domains"}, "user_location"}` of the Responses API. */
function openaiSearch(raw: JsonObject, drops: Drops): JsonObject {
	const filters = isJsonObject(raw.filters) ? raw.filters : {};
	const domains = (name: "allowed_domains" | "blocked_domains") => raw[name] ?? filters[name];
	for (const name of Object.keys(raw)) {
		if (
			!["type", "name", "filters", "user_location", "allowed_domains", "blocked_domains", "max_uses"].includes(name)
		) {
			drops.add(`tools[].${name}`);
		}
	}
	return {
		...WEB_SEARCH,
		...present("allowed_domains", domains("allowed_domains")),
		...present("blocked_domains", domains("blocked_domains")),
		...present("max_uses", raw.max_uses),
		...location(raw.user_location),
	};
}

/** `{"type": "approximate", "approximate": {"city", …}}` in chat, without the inner wrapper in Responses. */
function location(value: JsonValue | undefined): JsonObject {
	if (!isJsonObject(value)) {
		return {};
	}
	const { city, region, country, timezone } = isJsonObject(value.approximate) ? value.approximate : value;
	return {
		user_location: {
			type: "approximate",
			...present("city", city),
			...present("region", region),
			...present("country", country),
			...present("timezone", timezone),
		},
	};
}

function present(name: string, value: JsonValue | undefined): JsonObject {
	return value === undefined || value === null ? {} : { [name]: value };
}

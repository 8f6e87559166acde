import { badRequest, type GatewayError } from "../../lib/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import type { Drops } from "../chat-hub/drops.ts";

const WEB_SEARCH = /^web_search(?:_preview)?(?:_\d{4}_\d{2}_\d{2})?$/;

/** Tools that run at OpenAI, or need its items to tell what they did. Chat has no words for them. */
const HOSTED: ReadonlySet<string> = new Set([
	"file_search",
	"code_interpreter",
	"image_generation",
	"computer",
	"computer_use",
	"computer_use_preview",
	"mcp",
	"local_shell",
	"shell",
	"apply_patch",
	"namespace",
	"tool_search",
	"programmatic_tool_calling",
]);

const FUNCTION_FIELDS: ReadonlySet<string> = new Set([
	"type",
	"name",
	"description",
	"parameters",
	"strict",
	"format",
	"cache_control",
]);
const SEARCH_FIELDS: ReadonlySet<string> = new Set([
	"type",
	"search_context_size",
	"user_location",
	"filters",
	"external_web_access",
]);

/** What a request says of tools, before the choice among them. */
interface Declared {
	/** As chat writes them. */
	readonly tools: readonly JsonObject[];
	readonly webSearch: JsonObject | undefined;
}

/**
 * The fields of a chat request that speak of tools: `tools`, `tool_choice`, `parallel_tool_calls`, `web_search_options`.
 * @throws GatewayError 400 with code `unsupported_tool` naming a tool that chat cannot have.
 */
export function chatTools(request: JsonObject, drops: Drops): JsonObject {
	const declared = readTools(request.tools, drops);
	const { tools, webSearch, choice } = choose(request.tool_choice, declared, drops);
	const body: JsonObject = {};
	if (tools.length > 0) {
		body.tools = [...tools];
		// OpenAI and others refuse these two where there are no tools.
		if (choice !== undefined) {
			body.tool_choice = choice;
		}
		if (typeof request.parallel_tool_calls === "boolean") {
			body.parallel_tool_calls = request.parallel_tool_calls;
		}
	}
	if (webSearch !== undefined) {
		body.web_search_options = webSearch;
	}
	return body;
}

function readTools(list: JsonValue | undefined, drops: Drops): Declared {
	const tools: JsonObject[] = [];
	let webSearch: JsonObject | undefined;
	for (const [index, tool] of (Array.isArray(list) ? list : []).entries()) {
		const param = `tools[${index}]`;
		const type = isJsonObject(tool) ? String(tool.type) : "";
		if (!isJsonObject(tool) || HOSTED.has(type)) {
			throw refusedTool(type, `${param}.type`);
		}
		if (WEB_SEARCH.test(type)) {
			webSearch = { ...webSearch, ...searchOptions(tool, param, drops) };
		} else {
			tools.push(type === "function" || type === "custom" ? describedTool(tool, type, param, drops) : tool);
		}
	}
	return { tools, webSearch };
}

/** Responses writes a function flat, chat under the name of its type. What is nested already stays. */
function describedTool(tool: JsonObject, type: "function" | "custom", param: string, drops: Drops): JsonObject {
	if (isJsonObject(tool[type])) {
		return tool;
	}
	if (typeof tool.name !== "string" || tool.name === "") {
		throw badRequest(`The field '${param}.name' must be a text that is not empty.`, `${param}.name`);
	}
	for (const [field, value] of Object.entries(tool)) {
		if (!FUNCTION_FIELDS.has(field) && value !== undefined && value !== null) {
			drops.add(`tools[].${field}`);
		}
	}
	const fields = type === "function" ? ["name", "description", "parameters", "strict"] : ["name", "description"];
	const described: JsonObject = {};
	for (const field of fields) {
		if (tool[field] !== undefined && tool[field] !== null) {
			described[field] = tool[field];
		}
	}
	if (type === "custom" && isJsonObject(tool.format)) {
		described.format = grammarFormat(tool.format);
	}
	return {
		type,
		[type]: described,
		...(isJsonObject(tool.cache_control) ? { cache_control: tool.cache_control } : {}),
	};
}

function grammarFormat({ type, ...grammar }: JsonObject): JsonObject {
	return type === "grammar" && !isJsonObject(grammar.grammar) ? { type, grammar } : { type, ...grammar };
}

/**
 * The search tool as `web_search_options`. A limit on what may be searched is refused: a model that searched elsewhere
 * would answer another question.
 */
function searchOptions(tool: JsonObject, param: string, drops: Drops): JsonObject {
	const filters = isJsonObject(tool.filters) ? tool.filters : {};
	if (Object.values(filters).some((list) => Array.isArray(list) && list.length > 0)) {
		throw unsupportedSearch(`${param}.filters`);
	}
	if (tool.external_web_access === false) {
		throw unsupportedSearch(`${param}.external_web_access`);
	}
	for (const [field, value] of Object.entries(tool)) {
		if (!SEARCH_FIELDS.has(field) && value !== undefined && value !== null) {
			drops.add(`tools[].${field}`);
		}
	}
	const options: JsonObject = {};
	if (typeof tool.search_context_size === "string") {
		options.search_context_size = tool.search_context_size;
	}
	if (isJsonObject(tool.user_location)) {
		const { type: _, ...place } = tool.user_location;
		const known = Object.entries(place).filter(([, value]) => value !== undefined && value !== null);
		options.user_location = { type: "approximate", approximate: Object.fromEntries(known) };
	}
	return options;
}

interface Chosen extends Declared {
	readonly choice: JsonValue | undefined;
}

function choose(choice: JsonValue | undefined, declared: Declared, drops: Drops): Chosen {
	const { tools, webSearch } = declared;
	if (!isJsonObject(choice)) {
		// A search that cannot be asked for by name: declared alone, it is what there is to require.
		if (choice === "required" && tools.length === 0) {
			return searchOnly(declared, drops);
		}
		return { tools, webSearch: choice === "none" ? undefined : webSearch, choice: choice ?? undefined };
	}
	const type = String(choice.type);
	if (type === "allowed_tools") {
		return allowedOnly(choice, declared, drops);
	}
	if (type === "function" || type === "custom") {
		const described = isJsonObject(choice[type]) ? choice[type] : choice;
		return { tools, webSearch, choice: { type, [type]: { name: described.name } } };
	}
	if (WEB_SEARCH.test(type)) {
		return searchOnly(declared, drops);
	}
	throw refusedTool(type, "tool_choice.type");
}

/** Chat cannot force the search, only offer it. */
function searchOnly({ tools, webSearch }: Declared, drops: Drops): Chosen {
	if (webSearch === undefined) {
		throw badRequest("The field 'tool_choice' asks for a tool that 'tools' does not hold.", "tool_choice");
	}
	drops.add("tool_choice");
	return { tools, webSearch, choice: undefined };
}

/**
 * `allowed_tools` must hold, and few servers know it in chat: what is not allowed is not declared. The price is a prompt
 * cache that no longer matches.
 * @see https://www.openresponses.org/specification#tool_choice
 */
function allowedOnly(choice: JsonObject, { tools, webSearch }: Declared, drops: Drops): Chosen {
	const { tools: entries, mode } = isJsonObject(choice.allowed_tools) ? choice.allowed_tools : choice;
	const allowed = (Array.isArray(entries) ? entries : []).filter(isJsonObject);
	for (const entry of allowed) {
		if (HOSTED.has(String(entry.type))) {
			throw refusedTool(String(entry.type), "tool_choice.tools");
		}
	}
	const names = new Set(allowed.map(nameOf));
	const kept = {
		tools: tools.filter((tool) => names.has(nameOf(tool))),
		webSearch: allowed.some((entry) => WEB_SEARCH.test(String(entry.type))) ? webSearch : undefined,
	};
	return choose(mode === "required" ? "required" : "auto", kept, drops);
}

/** What tells tools apart: kind and name. */
function nameOf(tool: JsonObject): string {
	const type = String(tool.type);
	const described = tool[type];
	return `${type} ${String(isJsonObject(described) ? described.name : (tool.name ?? ""))}`;
}

function refusedTool(type: string, param: string): GatewayError {
	return badRequest(
		`The tool '${type.slice(0, 64)}' is not available for this model: its provider is reached by chat, which has no such tool. Leave it out, or use a model whose provider speaks the Responses API.`,
		param,
		"unsupported_tool",
	);
}

function unsupportedSearch(param: string): GatewayError {
	return badRequest(
		`The field '${param}' cannot be kept for this model: its provider's search has no such limit. Leave it out, or use a model whose provider speaks the Responses API.`,
		param,
		"unsupported_parameter",
	);
}

import { badRequest } from "../../lib/errors.ts";
import { isJsonObject, type JsonObject } from "../../lib/json-types.ts";
import type { Drops } from "../chat-hub/drops.ts";
import { type ChatTool, customAsFunction, type ToolWish } from "../chat-hub/tools.ts";
import type { ShownTools } from "./calls.ts";
import type { ModelTraits } from "./models.ts";
import { geminiName } from "./names.ts";
import { given } from "./reading.ts";
import { parametersSchema } from "./schema.ts";

type FunctionTool = Extract<ChatTool, { kind: "function" }>;
type VendorTool = Extract<ChatTool, { kind: "vendor" }>;

/** Tools that Google runs itself, by every name a client may use. */
const GOOGLE_TOOLS: ReadonlyMap<string, string> = new Map([
	["google_search", "googleSearch"],
	["googleSearch", "googleSearch"],
	["web_search", "googleSearch"],
	["web_search_preview", "googleSearch"],
	["google_search_retrieval", "googleSearchRetrieval"],
	["googleSearchRetrieval", "googleSearchRetrieval"],
	["enterprise_web_search", "enterpriseWebSearch"],
	["enterpriseWebSearch", "enterpriseWebSearch"],
	["url_context", "urlContext"],
	["urlContext", "urlContext"],
	["code_execution", "codeExecution"],
	["codeExecution", "codeExecution"],
	["google_maps", "googleMaps"],
	["googleMaps", "googleMaps"],
	["file_search", "fileSearch"],
	["fileSearch", "fileSearch"],
	["computer_use", "computerUse"],
	["computerUse", "computerUse"],
	["retrieval", "retrieval"],
]);
/** OpenAI's own search, whose settings mean nothing to Google's. */
const OPENAI_SEARCH = /^web_search/;

export interface WrittenTools {
	readonly tools: readonly JsonObject[];
	readonly toolConfig: JsonObject | undefined;
	/** Whether the model may use any of them. */
	readonly areUsable: boolean;
}

/**
 * @param search Google's search was asked for by `web_search_options`.
 * @throws GatewayError 400 naming the tool that Google has not, or the choice that it cannot force.
 */
export function writeTools(wish: ToolWish, search: boolean, traits: ModelTraits, drops: Drops): WrittenTools {
	const isOff = wish.choice?.mode === "none";
	// Google's own tools run unasked: `none` can only mean that they are not there.
	const own = isOff ? [] : ownTools(wish.tools, search, drops);
	const functions = declaredFunctions(wish).map((tool) => declare(tool, drops));
	if (functions.length === 0 && (wish.choice?.mode === "required" || wish.choice?.mode === "named")) {
		if (wish.tools.length > 0) {
			throw badRequest(
				"A Gemini model cannot be made to use a tool that Google runs: leave 'tool_choice' out.",
				"tool_choice",
				"unsupported_parameter",
			);
		}
	}
	// Without functions to choose from, Gemini refuses a choice.
	const choice = functions.length === 0 ? undefined : choiceOf(wish);
	const isMixed = own.length > 0 && functions.length > 0 && traits.mixedToolsByFlag;
	const toolConfig = given({
		functionCallingConfig: choice,
		includeServerSideToolInvocations: isMixed ? true : undefined,
	});
	return {
		tools: [...(functions.length === 0 ? [] : [{ functionDeclarations: functions }]), ...own],
		toolConfig: Object.keys(toolConfig).length === 0 ? undefined : toolConfig,
		areUsable: !isOff && (functions.length > 0 || own.length > 0),
	};
}

/** What the answer must know to call them by the client's names. */
export function shownTools({ tools }: ToolWish): ShownTools {
	const custom = new Set<string>();
	const renamed = new Map<string, string>();
	for (const tool of tools) {
		if (tool.kind === "vendor") {
			continue;
		}
		if (tool.kind === "custom") {
			custom.add(tool.name);
		}
		const shown = geminiName(tool.name);
		if (shown !== tool.name) {
			renamed.set(shown, tool.name);
		}
	}
	return { custom, renamed };
}

/** A list of allowed tools leaves the others out; where one of them must be called, Gemini takes the list itself. */
function declaredFunctions({ tools, allowed, choice }: ToolWish): FunctionTool[] {
	const functions = tools.flatMap((tool) => {
		if (tool.kind === "vendor") {
			return [];
		}
		return tool.kind === "custom" ? [customAsFunction(tool)] : [tool];
	});
	return allowed !== undefined && choice?.mode === "auto"
		? functions.filter(({ name }) => allowed.includes(name))
		: functions;
}

function choiceOf({ choice, allowed }: ToolWish): JsonObject | undefined {
	switch (choice?.mode) {
		case undefined:
			return undefined;
		case "auto":
			return { mode: "AUTO" };
		case "none":
			return { mode: "NONE" };
		case "required":
			return { mode: "ANY", ...(allowed === undefined ? {} : { allowedFunctionNames: allowed.map(geminiName) }) };
		case "named":
			return { mode: "ANY", allowedFunctionNames: [geminiName(choice.name)] };
	}
}

function declare(tool: FunctionTool, drops: Drops): JsonObject {
	if (tool.strict === true) {
		drops.add("tools[].function.strict");
	}
	if (tool.cache !== undefined) {
		drops.add("tools[].cache_control");
	}
	return given({
		name: geminiName(tool.name),
		description: tool.description,
		// Accepted by both editions, where `parameters` is a subset of OpenAPI that refuses unions and references:
		// https://github.com/vercel/ai/pull/19000
		parametersJsonSchema: parametersSchema(tool.parameters),
	});
}

function ownTools(tools: readonly ChatTool[], search: boolean, drops: Drops): JsonObject[] {
	const own = tools.flatMap((tool, index) => (tool.kind === "vendor" ? [ownTool(tool, index, drops)] : []));
	const searches = own.some((tool) => tool.googleSearch !== undefined);
	return search && !searches ? [...own, { googleSearch: {} }] : own;
}

/** `{"type": "google_search", …}`, with its settings beside the type or under its name, or Google's own `{"google_search": {}}`. */
function ownTool({ type, raw }: VendorTool, index: number, drops: Drops): JsonObject {
	const { type: _type, cache_control: cache, ...settings } = raw;
	if (cache !== undefined) {
		drops.add("tools[].cache_control");
	}
	const bare = typeof raw.type === "string" ? undefined : Object.keys(settings).find((name) => GOOGLE_TOOLS.has(name));
	const name = GOOGLE_TOOLS.get(bare ?? type);
	if (name === undefined || settings.vector_store_ids !== undefined) {
		throw badRequest(
			`The tool '${type}' is not one that a Gemini model has. Leave it out, or send the request to its own provider.`,
			`tools[${index}]`,
			"unsupported_parameter",
		);
	}
	if (OPENAI_SEARCH.test(type)) {
		for (const setting of Object.keys(settings)) {
			drops.add(`tools[].${setting}`);
		}
		return { [name]: {} };
	}
	const nested = settings[bare ?? type];
	return { [name]: isJsonObject(nested) ? nested : settings };
}

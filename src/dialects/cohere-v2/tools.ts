import { badRequest } from "../../lib/errors.ts";
import { isJsonObject, type JsonObject } from "../../lib/json-types.ts";
import type { Drops } from "../chat-hub/drops.ts";
import { type ChatTool, customAsFunction, type ToolWish } from "../chat-hub/tools.ts";
import { cohereToolName } from "./tool-names.ts";

/** The fields of a request that speak of tools: `tools`, `tool_choice`, `strict_tools`. */
export interface CohereTools {
	readonly fields: JsonObject;
	/** Names of the custom tools, which are sent as functions. */
	readonly custom: ReadonlySet<string>;
}

type FunctionTool = Extract<ChatTool, { kind: "function" }>;

const NO_PARAMETERS: JsonObject = { type: "object", properties: {} };

/**
 * Cohere knows functions. A model can be made to call one of them (REQUIRED) or none (NONE), but not a certain one:
 * that one is then the only one it is given.
 * @see https://docs.cohere.com/reference/chat
 */
export function cohereTools(wish: ToolWish, drops: Drops): CohereTools {
	const tools = chosen(wish).map((tool) => functionOf(tool, drops));
	const custom = new Set(wish.tools.filter((tool) => tool.kind === "custom").map(({ name }) => name));
	const { choice } = wish;
	const forced = choice?.mode === "required" || choice?.mode === "named";
	if (tools.length === 0 && forced) {
		throw badRequest("The field 'tool_choice' demands a tool call, and no tool may be called.", "tool_choice");
	}
	if (tools.length === 0) {
		return { fields: {}, custom };
	}
	return {
		fields: {
			tools: tools.map(wireTool),
			...(forced ? { tool_choice: "REQUIRED" } : {}),
			...(choice?.mode === "none" ? { tool_choice: "NONE" } : {}),
			...strictness(tools, drops),
		},
		custom,
	};
}

function wireTool({ name, description, parameters = NO_PARAMETERS }: FunctionTool): JsonObject {
	// "The tool must have at least a description, input, or output."
	const told = description?.trim() ? description : propertiesOf(parameters).length === 0 ? name : undefined;
	const described = told === undefined ? {} : { description: told };
	return { type: "function", function: { name: cohereToolName(name), ...described, parameters } };
}

/**
 * One switch for all tools: what one of them asks for, the others can bear, unless one has optional parameters only, which
 * Cohere refuses then.
 * @see https://docs.cohere.com/docs/structured-outputs
 */
function strictness(tools: readonly FunctionTool[], drops: Drops): JsonObject {
	if (!tools.some(({ strict }) => strict === true)) {
		return {};
	}
	const canBind = tools.every(({ parameters = NO_PARAMETERS }) => {
		const { required } = parameters;
		return propertiesOf(parameters).length === 0 || (Array.isArray(required) && required.length > 0);
	});
	if (!canBind) {
		drops.add("tools[].function.strict");
	}
	return canBind ? { strict_tools: true } : {};
}

function propertiesOf({ properties }: JsonObject): readonly string[] {
	return isJsonObject(properties) ? Object.keys(properties) : [];
}

/** The tools that may be called. @throws GatewayError 400 where the one that must be called is not among them. */
function chosen({ tools, choice, allowed }: ToolWish): readonly ChatTool[] {
	if (choice?.mode === "named") {
		const named = tools.filter((tool) => nameOf(tool) === choice.name);
		if (named.length === 0) {
			throw badRequest(`The field 'tool_choice' names '${choice.name}', which is not among the tools.`, "tool_choice");
		}
		return named;
	}
	return allowed === undefined ? tools : tools.filter((tool) => allowed.includes(nameOf(tool)));
}

function nameOf(tool: ChatTool): string {
	return tool.kind === "vendor" ? tool.type : tool.name;
}

function functionOf(tool: ChatTool, drops: Drops): FunctionTool {
	if (tool.kind === "vendor") {
		throw badRequest(
			`A tool of type '${tool.type}' cannot be sent: Cohere runs no tools itself. Declare a function instead.`,
			"tools",
			"unsupported_parameter",
		);
	}
	if (tool.kind === "custom") {
		return customAsFunction(tool);
	}
	if (tool.cache !== undefined) {
		drops.add("tools[].cache_control");
	}
	return tool;
}

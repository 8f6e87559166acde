import { badRequest } from "../../lib/errors.ts";
import type { JsonObject } from "../../lib/json-types.ts";
import type { Drops } from "../chat-hub/drops.ts";
import { type ChatTool, customAsFunction, type ToolWish } from "../chat-hub/tools.ts";

/** The fields of a request that speak of tools: `tools`, `tool_choice`, `strict_tools`. */
export interface CohereTools {
	readonly fields: JsonObject;
	/** Names of the custom tools, which are sent as functions. */
	readonly custom: ReadonlySet<string>;
}

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
			tools: tools.map(({ name, description, parameters = NO_PARAMETERS }) => ({
				type: "function",
				function: { name, ...(description === undefined ? {} : { description }), parameters },
			})),
			...(forced ? { tool_choice: "REQUIRED" } : {}),
			...(choice?.mode === "none" ? { tool_choice: "NONE" } : {}),
			// One switch for all tools: what one of them asks for, the others can bear.
			...(tools.some(({ strict }) => strict === true) ? { strict_tools: true } : {}),
		},
		custom,
	};
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

function functionOf(tool: ChatTool, drops: Drops): Extract<ChatTool, { kind: "function" }> {
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

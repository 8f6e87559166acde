import { badRequest } from "../../lib/errors.ts";
import type { JsonObject, JsonValue } from "../../lib/json-types.ts";
import type { Drops } from "../chat-hub/drops.ts";
import type { GrammarRoom } from "../chat-hub/grammar-room.ts";
import type { ChatRequest } from "../chat-hub/request.ts";
import { plainToolName } from "../chat-hub/tool-names.ts";
import { type ChatTool, customAsFunction, type ToolChoice, type ToolWish } from "../chat-hub/tools.ts";
import type { CachePoints } from "./cache.ts";
import type { FormatPlan } from "./format.ts";
import { type BedrockModel, forcedTools, takesStrictTools } from "./models.ts";
import { isClosedSchema, objectSchema } from "./schemas.ts";
import { vendorTools } from "./vendor-tools.ts";

export interface ToolPlan {
	/** `toolConfig`; undefined: none. */
	readonly config: JsonObject | undefined;
	/** For `additionalModelRequestFields`. */
	readonly additional: JsonObject;
	/** Whether the model is made to call a tool. */
	readonly forced: boolean;
	/** The name of the tool whose arguments are the answer. */
	readonly jsonTool: string | undefined;
	/** Tools that take free text, sent as functions. */
	readonly customTools: ReadonlySet<string>;
	/** A sentence for the system prompt. */
	readonly instruction: string | undefined;
}

type PartOfPlan = Pick<ToolPlan, "config"> & Partial<ToolPlan>;

interface ToolContext {
	readonly model: BedrockModel;
	readonly format: FormatPlan;
	/** undefined where nobody counts. */
	readonly room: GrammarRoom | undefined;
	readonly cache: CachePoints;
	readonly drops: Drops;
	/** Where the client described a tool: for errors. */
	readonly param: (tool: ChatTool) => string;
}

const NO_CALLS = "Answer in words now: do not call any tool.";

/**
 * The tools of a request and which of them must be called.
 * @throws GatewayError 400 naming the field, where a call cannot be forced or a tool cannot be given.
 */
export function planTools(chat: ChatRequest, given: Omit<ToolContext, "param">): ToolPlan {
	const { toolWish: wish } = chat;
	const context = { ...given, param: (tool: ChatTool) => fieldOf(tool, chat) };
	const customTools = new Set(wish.tools.flatMap((tool) => (tool.kind === "custom" ? [tool.name] : [])));
	const allowed = wish.allowed === undefined ? undefined : new Set(wish.allowed);
	const tools = wish.tools.filter((tool) => allowed === undefined || tool.kind === "vendor" || allowed.has(tool.name));
	demandCallable(tools, wish);
	const choice: ToolChoice = tools.length === 0 ? { mode: "none" } : (wish.choice ?? { mode: "auto" });
	const plan = { additional: {}, forced: false, jsonTool: undefined, customTools, instruction: undefined };
	if (context.format.tool !== undefined && choice.mode !== "named") {
		return { ...plan, ...withJsonTool(choice.mode === "none" ? [] : tools, chat, context) };
	}
	if (choice.mode === "none") {
		return { ...plan, ...withoutCalls(tools, chat, context) };
	}
	const entries = toolEntries(only(tools, choice, context.model), context);
	return { ...plan, ...configured(entries, choice, chat, context) };
}

/** @throws GatewayError 400 where a tool must be called that is not there. */
function demandCallable(tools: readonly ChatTool[], { choice, legacy }: ToolWish): void {
	const field = legacy ? "function_call" : "tool_choice";
	if (choice?.mode === "required" && tools.length === 0) {
		throw badRequest(`The field '${field}' asks for a tool, but there is none to call.`, field);
	}
	if (choice?.mode === "named" && !tools.some((tool) => nameOf(tool) === choice.name)) {
		throw badRequest(`The field '${field}' names '${choice.name}', which is not among the tools.`, field);
	}
}

function nameOf(tool: ChatTool): JsonValue | undefined {
	return tool.kind === "vendor" ? (tool.raw.name ?? tool.type) : tool.name;
}

function fieldOf(tool: ChatTool, { toolWish }: ChatRequest): string {
	const index = toolWish.tools.indexOf(tool);
	return toolWish.legacy ? `functions[${index}]` : `tools[${index}]${tool.kind === "vendor" ? "" : `.${tool.kind}`}`;
}

/** Every answer is a call then: of one of the client's tools, or of the one that carries the answer. */
function withJsonTool(tools: readonly ChatTool[], chat: ChatRequest, context: ToolContext): PartOfPlan {
	const taken = new Set(tools.flatMap((tool) => (tool.kind === "vendor" ? [] : [plainToolName(tool.name)])));
	let name = "json";
	while (taken.has(name)) {
		name += "_answer";
	}
	const entries = toolEntries(tools, context);
	const { description, schema } = context.format.tool ?? { description: "", schema: {} };
	entries.list.push({ toolSpec: { name, description, inputSchema: { json: schema } } });
	return { ...configured(entries, { mode: "required" }, chat, context), jsonTool: name };
}

/**
 * No calls: no tools. But Bedrock refuses a conversation that holds calls when the request brings no tools, and has no
 * word for `none`: then the tools stay (so does the cached prefix) and the model is told not to call them.
 * @see https://github.com/vercel/ai/pull/7537
 */
function withoutCalls(tools: readonly ChatTool[], { turns }: ChatRequest, context: ToolContext): PartOfPlan {
	const names = new Set(turns.flatMap((turn) => turn.toolCalls.map((call) => call.name)));
	if (names.size === 0 && !turns.some((turn) => turn.role === "tool")) {
		return { config: undefined };
	}
	if (tools.length > 0) {
		context.drops.add("tool_choice");
		const { list, additional } = toolEntries(tools, context);
		return { config: list.length === 0 ? undefined : { tools: list }, additional, instruction: NO_CALLS };
	}
	const list = [...(names.size === 0 ? ["tool"] : names)].map((name) => ({
		toolSpec: {
			name: plainToolName(name),
			description: "Was used earlier in this conversation. Not available now.",
			inputSchema: { json: { type: "object" } },
		},
	}));
	return { config: { tools: list }, instruction: NO_CALLS };
}

interface ToolEntries {
	/** For `toolConfig.tools`. */
	readonly list: JsonValue[];
	/** Tools of the model's maker, for `additionalModelRequestFields`. */
	readonly additional: JsonObject;
}

function toolEntries(tools: readonly ChatTool[], context: ToolContext): ToolEntries {
	const list: JsonValue[] = [];
	for (const tool of tools) {
		if (tool.kind !== "vendor") {
			const described = tool.kind === "custom" ? customAsFunction(tool) : tool;
			list.push({ toolSpec: toolSpec(described, context.param(tool), context) });
			context.cache.after(list, described.cache, "tools", "tools[].cache_control");
		}
	}
	const vendor = vendorTools(tools, context.model, context.param);
	list.push(...vendor.systemTools);
	return { list, additional: vendor.additional };
}

function toolSpec(
	tool: Extract<ChatTool, { kind: "function" }>,
	field: string,
	{ model, room, drops }: ToolContext,
): JsonObject {
	const schema = objectSchema(tool.parameters);
	if (schema === undefined) {
		const param = `${field}.parameters`;
		throw badRequest(`The field '${param}' must describe an object: Bedrock takes no other arguments.`, param);
	}
	const binds =
		tool.strict === true && takesStrictTools(model) && isClosedSchema(schema) && room?.takesTool(schema) !== false;
	if (tool.strict === true && !binds) {
		drops.add("tools[].function.strict");
	}
	return {
		name: plainToolName(tool.name),
		...(tool.description === undefined || tool.description.trim() === "" ? {} : { description: tool.description }),
		inputSchema: { json: schema },
		...(binds ? { strict: true } : {}),
	};
}

/** A named tool where the model can only be told to call any: then it is given that one alone. */
function only(tools: readonly ChatTool[], choice: ToolChoice, model: BedrockModel): readonly ChatTool[] {
	return choice.mode === "named" && forcedTools(model) === "any"
		? tools.filter((tool) => tool.kind !== "vendor" && tool.name === choice.name)
		: tools;
}

/** `toolConfig` with its choice, or Anthropic's own choice where it must also say that calls come one at a time. */
function configured(
	{ list, additional }: ToolEntries,
	choice: ToolChoice,
	chat: ChatRequest,
	{ model, drops }: ToolContext,
): PartOfPlan {
	const forced = choice.mode === "required" || choice.mode === "named";
	if (forced && forcedTools(model) === "none") {
		throw badRequest(
			"This model on Bedrock cannot be forced to call a tool: set 'tool_choice' to 'auto' and ask for the call in the prompt.",
			chat.toolWish.legacy ? "function_call" : "tool_choice",
			"unsupported_parameter",
		);
	}
	const config: JsonObject | undefined = list.length === 0 ? undefined : { tools: list };
	if (chat.toolWish.parallel === false && model.family !== "anthropic") {
		drops.add("parallel_tool_calls");
	}
	// `function_call` answers hold one call.
	const isOneByOne = chat.toolWish.parallel === false || chat.toolWish.legacy;
	if (model.family === "anthropic" && (isOneByOne || config === undefined)) {
		const own = { ...anthropicChoice(choice), ...(isOneByOne ? { disable_parallel_tool_use: true } : {}) };
		const isDefault = choice.mode === "auto" && !isOneByOne;
		return { config, forced, additional: isDefault ? additional : { ...additional, tool_choice: own } };
	}
	return {
		config: config === undefined || !forced ? config : { ...config, toolChoice: converseChoice(choice, model) },
		forced,
		additional,
	};
}

function anthropicChoice(choice: ToolChoice): JsonObject {
	switch (choice.mode) {
		case "named":
			return { type: "tool", name: plainToolName(choice.name) };
		case "required":
			return { type: "any" };
		default:
			return { type: "auto" };
	}
}

function converseChoice(choice: ToolChoice, model: BedrockModel): JsonObject {
	return choice.mode === "named" && forcedTools(model) === "named"
		? { tool: { name: plainToolName(choice.name) } }
		: { any: {} };
}

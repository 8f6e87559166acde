import { badRequest } from "../../lib/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import type { Drops } from "../chat-hub/drops.ts";
import type { GrammarRoom } from "../chat-hub/grammar-room.ts";
import type { ChatTurn } from "../chat-hub/request.ts";
import { type ChatTool, customAsFunction, type ToolWish } from "../chat-hub/tools.ts";
import { marked } from "./content.ts";
import type { ModelFacts } from "./models.ts";
import { closeSchema, withoutRootReference } from "./schema.ts";
import { wireToolName } from "./tool-names.ts";
import { searchTool, vendorTool } from "./vendor-tools.ts";

type FunctionTool = Extract<ChatTool, { kind: "function" }>;

export interface WireTools {
	readonly tools: readonly JsonObject[];
	/** Names of the custom tools, which are functions here: their calls are answered as what they are. */
	readonly custom: ReadonlySet<string>;
}

export interface ToolContext {
	readonly facts: ModelFacts;
	readonly strictTools: boolean;
	readonly room: GrammarRoom;
	readonly betas: Set<string>;
	readonly drops: Drops;
}

/** What Anthropic knows of a tool beside OpenAI's words. */
const OWN_FIELDS = ["eager_input_streaming", "defer_loading", "allowed_callers", "input_examples"] as const;
const KNOWN_FIELDS: ReadonlySet<string> = new Set(["type", "function", "cache_control", ...OWN_FIELDS]);

/**
 * The tools the client offers, in order. Those that may not be called (`allowed_tools`) are left out: Anthropic knows no
 * other way to say so.
 */
export function wireTools(wish: ToolWish, searchOptions: JsonValue | undefined, context: ToolContext): WireTools {
	const custom = new Set<string>();
	const tools = wish.tools.map((tool) => {
		switch (tool.kind) {
			case "function":
				return functionTool(tool, wish.legacy, context);
			case "custom":
				custom.add(tool.name);
				return functionTool(customAsFunction(tool), true, context);
			default:
				return vendorTool(tool.type, tool.raw, context.betas, context.drops);
		}
	});
	const allowed = wish.allowed?.map(wireToolName);
	const offered =
		allowed === undefined
			? tools
			: tools.filter((tool) => tool.name === undefined || allowed.includes(String(tool.name)));
	const searches = isJsonObject(searchOptions) && !offered.some((tool) => tool.name === "web_search");
	return { tools: searches ? [...offered, searchTool(searchOptions, context.drops)] : offered, custom };
}

function functionTool(tool: FunctionTool, isBare: boolean, context: ToolContext): JsonObject {
	const { drops, room } = context;
	const strict = tool.strict === true;
	const wire: JsonObject = { name: wireToolName(tool.name) };
	if (tool.description !== undefined) {
		wire.description = tool.description;
	}
	const schema = objectSchema(tool.parameters);
	const closed = strict && context.strictTools ? closeSchema(schema) : undefined;
	const binds = closed !== undefined && room.takesTool(closed.schema);
	wire.input_schema = binds ? closed.schema : schema;
	if (binds) {
		// No beta header any more: https://platform.claude.com/docs/en/agents-and-tools/tool-use/strict-tool-use
		wire.strict = true;
		for (const keyword of closed.softened) {
			drops.add(`tools[].function.parameters.${keyword}`);
		}
	} else if (strict) {
		drops.add("tools[].function.strict");
	}
	for (const name of OWN_FIELDS) {
		if (tool.raw[name] !== undefined) {
			wire[name] = tool.raw[name];
		}
	}
	for (const name of isBare ? [] : Object.keys(tool.raw)) {
		if (!KNOWN_FIELDS.has(name)) {
			drops.add(`tools[].${name}`);
		}
	}
	return marked(wire, tool.cache);
}

/** `input_schema` must say that it is an object, even of a tool that takes nothing. */
function objectSchema(parameters: JsonObject | undefined): JsonObject {
	const schema = withoutRootReference(parameters ?? {});
	return schema.type === "object" ? schema : { ...schema, type: "object", properties: schema.properties ?? {} };
}

/**
 * `tool_choice` for the client's tools; undefined where nothing needs to be said.
 * @throws GatewayError 400 where the model cannot be made to call a tool.
 */
export function toolChoice(
	wish: ToolWish,
	tools: readonly JsonObject[],
	facts: ModelFacts,
	model: string,
): JsonObject | undefined {
	const mode = wish.choice?.mode;
	const field = wish.legacy ? "function_call" : "tool_choice";
	const isForced = mode === "required" || mode === "named";
	if (tools.length === 0) {
		if (isForced) {
			throw badRequest(`The field '${field}' asks for a tool, but there is none to call.`, field);
		}
		return undefined;
	}
	const chosen = wish.choice?.mode === "named" ? wish.choice.name : undefined;
	if (chosen !== undefined && !tools.some(({ name }) => name === wireToolName(chosen))) {
		throw badRequest(`The field '${field}' names '${chosen}', which is not among the tools.`, field);
	}
	if (isForced && !facts.forcedTools) {
		throw badRequest(
			`The model '${model}' cannot be made to call a tool: send the field '${field}' as 'auto'.`,
			field,
			"unsupported_parameter",
		);
	}
	if (mode === "none") {
		return { type: "none" };
	}
	// `function_call` answers hold one call.
	const alone = wish.parallel === false || wish.legacy ? { disable_parallel_tool_use: true } : {};
	switch (wish.choice?.mode) {
		case "required":
			return { type: "any", ...alone };
		case "named":
			return { type: "tool", name: wireToolName(wish.choice.name), ...alone };
		default:
			return mode === "auto" || wish.parallel === false || wish.legacy ? { type: "auto", ...alone } : undefined;
	}
}

/**
 * Tools of a conversation that has called some and offers none now: Anthropic wants to know those it reads of. None of
 * them may be called.
 */
export function rememberedTools(turns: readonly ChatTurn[]): JsonObject[] {
	const names = new Set(turns.flatMap((turn) => turn.toolCalls.map((call) => wireToolName(call.name))));
	return [...names].map((name) => ({ name, input_schema: { type: "object", properties: {} } }));
}

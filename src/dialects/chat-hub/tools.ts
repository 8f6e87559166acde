import { isJsonObject, type JsonObject, type JsonValue, objectsIn } from "../../lib/json-types.ts";
import { type CacheMark, cacheMark } from "./parts.ts";

/** A tool that a model may call. */
export type ChatTool =
	| {
			readonly kind: "function";
			readonly name: string;
			readonly description: string | undefined;
			/** JSON schema; undefined = takes nothing. */
			readonly parameters: JsonObject | undefined;
			readonly strict: boolean | undefined;
			readonly cache: CacheMark | undefined;
			/** The tool as it came, for fields of one vendor. */
			readonly raw: JsonObject;
	  }
	/** Takes free text, perhaps of a grammar. Targets without such: a function with one text field, see `customAsFunction`. */
	| {
			readonly kind: "custom";
			readonly name: string;
			readonly description: string | undefined;
			readonly format: JsonObject | undefined;
			readonly cache?: CacheMark | undefined;
	  }
	/** A tool the provider runs itself (`web_search_20250305`, `google_search`): `raw` as it came. */
	| { readonly kind: "vendor"; readonly type: string; readonly raw: JsonObject };

export type ToolChoice =
	| { readonly mode: "auto" | "none" | "required" }
	| { readonly mode: "named"; readonly name: string };

export interface ToolWish {
	readonly tools: readonly ChatTool[];
	/** undefined = not said. */
	readonly choice: ToolChoice | undefined;
	/** `allowed_tools`: only these may be called. */
	readonly allowed: readonly string[] | undefined;
	/** undefined = not said. */
	readonly parallel: boolean | undefined;
	/** The client used `functions`: answer with `function_call`. */
	readonly legacy: boolean;
}

export function readTools(json: JsonObject): ToolWish {
	const tools = objectsIn(json.tools).flatMap(readTool);
	const functions = objectsIn(json.functions).flatMap((described) => readFunction(described, described));
	const legacy = tools.length === 0 && functions.length > 0;
	const choice = legacy ? json.function_call : json.tool_choice;
	return {
		tools: legacy ? functions : tools,
		choice: readChoice(choice),
		allowed: readAllowed(choice),
		parallel: typeof json.parallel_tool_calls === "boolean" ? json.parallel_tool_calls : undefined,
		legacy,
	};
}

function readTool(tool: JsonObject): ChatTool[] {
	if (tool.type === "function") {
		return isJsonObject(tool.function) ? readFunction(tool.function, tool) : [];
	}
	if (tool.type === "custom" && isJsonObject(tool.custom)) {
		const { name, description, format } = tool.custom;
		return [
			{
				kind: "custom",
				name: String(name),
				description: typeof description === "string" ? description : undefined,
				format: isJsonObject(format) ? format : undefined,
				cache: cacheMark(tool) ?? cacheMark(tool.custom),
			},
		];
	}
	return [{ kind: "vendor", type: String(tool.type), raw: tool }];
}

function readFunction(described: JsonObject, tool: JsonObject): ChatTool[] {
	const { name, description, parameters, strict } = described;
	return [
		{
			kind: "function",
			name: String(name),
			description: typeof description === "string" ? description : undefined,
			parameters: isJsonObject(parameters) ? parameters : undefined,
			strict: typeof strict === "boolean" ? strict : undefined,
			cache: cacheMark(tool) ?? cacheMark(described),
			raw: tool,
		},
	];
}

function readChoice(choice: JsonValue | undefined): ToolChoice | undefined {
	if (choice === "auto" || choice === "none" || choice === "required") {
		return { mode: choice };
	}
	if (choice === "any") {
		return { mode: "required" };
	}
	if (!isJsonObject(choice)) {
		return undefined;
	}
	if (choice.type === "allowed_tools") {
		const mode = allowedTools(choice).mode;
		return { mode: mode === "required" ? "required" : "auto" };
	}
	const named = [choice.function, choice.custom, choice].find(
		(holder): holder is JsonObject => isJsonObject(holder) && typeof holder.name === "string",
	);
	return named === undefined ? undefined : { mode: "named", name: String(named.name) };
}

function readAllowed(choice: JsonValue | undefined): readonly string[] | undefined {
	if (!isJsonObject(choice) || choice.type !== "allowed_tools") {
		return undefined;
	}
	return objectsIn(allowedTools(choice).tools).flatMap((tool) => {
		const described = [tool.function, tool.custom, tool].find(
			(holder): holder is JsonObject => isJsonObject(holder) && typeof holder.name === "string",
		);
		return described === undefined ? [] : [String(described.name)];
	});
}

/** Chat wraps the list in `allowed_tools`, Responses does not. */
function allowedTools(choice: JsonObject): JsonObject {
	return isJsonObject(choice.allowed_tools) ? choice.allowed_tools : choice;
}

/** The one field of a custom tool where the target knows functions only. */
export const CUSTOM_INPUT = "input";

/** A custom tool as a function with one text field. Its grammar, which no schema can say, goes into the description. */
export function customAsFunction(tool: Extract<ChatTool, { kind: "custom" }>): Extract<ChatTool, { kind: "function" }> {
	const grammar = tool.format === undefined || tool.format.type === "text" ? undefined : JSON.stringify(tool.format);
	const hint = grammar === undefined ? "" : `\nThe input must keep to this format: ${grammar}`;
	return {
		kind: "function",
		name: tool.name,
		description: `${tool.description ?? ""}${hint}` || undefined,
		parameters: {
			type: "object",
			properties: { [CUSTOM_INPUT]: { type: "string" } },
			required: [CUSTOM_INPUT],
			additionalProperties: false,
		},
		strict: undefined,
		cache: tool.cache,
		raw: {},
	};
}

/** The free text that a model gave a custom tool by way of `customAsFunction`. */
export function customInput(argumentsText: string): string {
	try {
		const value: unknown = JSON.parse(argumentsText);
		if (isJsonObject(value) && typeof value[CUSTOM_INPUT] === "string") {
			return value[CUSTOM_INPUT];
		}
	} catch {
		// Not what was asked for: the client sees what the model wrote.
	}
	return argumentsText;
}

import { badRequest } from "../../lib/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import type { Drops } from "../chat-hub/drops.ts";
import { argumentsText } from "../chat-hub/tool-ids.ts";
import { plainToolName } from "../chat-hub/tool-names.ts";
import { type ChatTool, CUSTOM_INPUT, customAsFunction, type ToolWish } from "../chat-hub/tools.ts";
import { mistralToolId } from "./tool-ids.ts";

const NO_PARAMETERS: JsonObject = { type: "object", properties: {} };

/**
 * Tools nearly as they came: names that Mistral takes, parameters in any case, no marks for other providers' caches.
 * `required` is `any` here, and a choice among some tools is a request with those tools only.
 * https://docs.mistral.ai/capabilities/function_calling
 * @throws GatewayError 400 where a tool must be called that is not there.
 */
export function mistralTools(wish: ToolWish, request: JsonObject, drops: Drops): JsonObject {
	const { allowed, legacy } = wish;
	const offered = wish.tools.filter((tool) => allowed === undefined || allowed.includes(nameOf(tool)));
	const field = legacy ? "function_call" : "tool_choice";
	demandCallable(offered, wish, field);
	// An empty list is an error to Mistral: https://github.com/partITech/php-mistral/issues/76
	if (offered.length === 0) {
		return {};
	}
	const choice = choiceOf(request[field], wish);
	const parallel = legacy ? false : request.parallel_tool_calls;
	return {
		tools: offered.map((tool) => mistralTool(tool, drops)),
		...(choice === undefined || choice === null ? {} : { tool_choice: choice }),
		...(parallel === undefined || parallel === null ? {} : { parallel_tool_calls: parallel }),
	};
}

function demandCallable(tools: readonly ChatTool[], { choice }: ToolWish, field: string): void {
	if (choice?.mode === "required" && tools.length === 0) {
		throw badRequest(`The field '${field}' asks for a tool, but there is none to call.`, field);
	}
	if (choice?.mode === "named" && !tools.some((tool) => nameOf(tool) === choice.name)) {
		throw badRequest(`The field '${field}' names '${choice.name}', which is not among the tools.`, field);
	}
}

function choiceOf(given: JsonValue | undefined, { choice }: ToolWish): JsonValue | undefined {
	if (choice === undefined) {
		return given;
	}
	switch (choice.mode) {
		case "required":
			return "any";
		case "named":
			return { type: "function", function: { name: plainToolName(choice.name) } };
		default:
			return choice.mode;
	}
}

function nameOf(tool: ChatTool): string {
	return tool.kind === "vendor" ? String(tool.raw.name ?? tool.type) : tool.name;
}

function mistralTool(tool: ChatTool, drops: Drops): JsonObject {
	if (tool.kind === "vendor") {
		return withoutMark(tool.raw, drops);
	}
	if (tool.kind === "custom") {
		const { name, description, parameters } = customAsFunction(tool);
		const described = description === undefined ? {} : { description };
		return { type: "function", function: { name: plainToolName(name), ...described, parameters: parameters ?? {} } };
	}
	const { function: described, ...rest } = isJsonObject(tool.raw.function)
		? tool.raw
		: { type: "function", function: tool.raw };
	const { parameters, ...facts } = withoutMark(isJsonObject(described) ? described : {}, drops);
	return {
		...withoutMark(rest, drops),
		function: { ...facts, name: plainToolName(tool.name), parameters: parameters ?? NO_PARAMETERS },
	};
}

function withoutMark({ cache_control: mark, ...rest }: JsonObject, drops: Drops): JsonObject {
	if (mark !== undefined && mark !== null) {
		drops.add("tools[].cache_control");
	}
	return rest;
}

/** The calls of an assistant's message: ids and names in Mistral's form, and what others put on them left out. */
export function askedCalls(calls: JsonValue | undefined): JsonValue | undefined {
	return Array.isArray(calls) ? calls.map((call) => (isJsonObject(call) ? askedCall(call) : call)) : calls;
}

function askedCall(call: JsonObject): JsonObject {
	const { extra_content, cache_control, custom, function: described, ...rest } = call;
	const id = typeof call.id === "string" ? { id: mistralToolId(call.id) } : {};
	if (isJsonObject(custom)) {
		const text = JSON.stringify({ [CUSTOM_INPUT]: custom.input ?? "" });
		return { ...rest, ...id, type: "function", function: { name: plainName(custom.name), arguments: text } };
	}
	// OpenAI's own client adds the arguments once more, read.
	const { parsed_arguments, ...kept } = isJsonObject(described) ? described : {};
	return {
		...rest,
		...id,
		function: { ...kept, name: plainName(kept.name), arguments: askedArguments(kept.arguments) },
	};
}

/** Mistral reads them as JSON; some clients send the object itself. */
function askedArguments(value: JsonValue | undefined): string {
	return typeof value === "string" ? argumentsText(value) : JSON.stringify(value ?? {});
}

function plainName(name: JsonValue | undefined): string {
	return plainToolName(typeof name === "string" ? name : "");
}

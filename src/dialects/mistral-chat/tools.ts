import { badRequest } from "../../lib/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import type { Drops } from "../chat-hub/drops.ts";
import { CUSTOM_INPUT, readTools } from "../chat-hub/tools.ts";
import { mistralToolId } from "./tool-ids.ts";

/**
 * Tools as they came, less the marks for other providers' caches; `required` is `any` here, and a choice among some tools
 * is a request with those tools only. https://docs.mistral.ai/capabilities/function_calling
 * @throws GatewayError 400 for tools that take free text, and for OpenAI's older `functions`.
 */
export function mistralTools(request: JsonObject, drops: Drops): JsonObject {
	if (Array.isArray(request.functions) && request.functions.length > 0) {
		throw badRequest("Mistral does not know 'functions': use 'tools'.", "functions", "unsupported_parameter");
	}
	const tools = (Array.isArray(request.tools) ? request.tools : []).map((tool, index) =>
		mistralTool(tool, index, drops),
	);
	// An empty list is an error to Mistral: https://github.com/partITech/php-mistral/issues/76
	if (tools.length === 0) {
		return {};
	}
	const { allowed, choice } = readTools(request);
	const { tool_choice: given } = request;
	const parallel = request.parallel_tool_calls;
	return {
		tools: allowed === undefined ? tools : tools.filter((tool) => isJsonObject(tool) && allowed.includes(nameOf(tool))),
		...(given === undefined || given === null ? {} : { tool_choice: choiceOf(given, choice?.mode) }),
		...(parallel === undefined || parallel === null ? {} : { parallel_tool_calls: parallel }),
	};
}

function choiceOf(given: JsonValue, mode: string | undefined): JsonValue {
	const isSome = isJsonObject(given) && given.type === "allowed_tools";
	if (mode === "required") {
		return "any";
	}
	return isSome ? "auto" : given;
}

function nameOf(tool: JsonObject): string {
	return isJsonObject(tool.function) ? String(tool.function.name) : String(tool.name ?? tool.type);
}

function mistralTool(tool: JsonValue, index: number, drops: Drops): JsonValue {
	if (!isJsonObject(tool)) {
		return tool;
	}
	if (tool.type === "custom") {
		throw badRequest(
			"Mistral has no tools that take free text: make it a function with one text parameter.",
			`tools[${index}]`,
			"unsupported_parameter",
		);
	}
	const { cache_control: mark, ...rest } = tool;
	if (mark !== undefined && mark !== null) {
		drops.add("tools[].cache_control");
	}
	return rest;
}

/** The calls of an assistant's message: their ids in Mistral's form, and what other providers put on them left out. */
export function askedCalls(calls: JsonValue | undefined): JsonValue | undefined {
	return Array.isArray(calls) ? calls.map((call) => (isJsonObject(call) ? askedCall(call) : call)) : calls;
}

function askedCall(call: JsonObject): JsonObject {
	const { extra_content, cache_control, custom, ...rest } = call;
	const id = typeof call.id === "string" ? { id: mistralToolId(call.id) } : {};
	if (!isJsonObject(custom)) {
		return { ...rest, ...id };
	}
	const text = JSON.stringify({ [CUSTOM_INPUT]: custom.input ?? "" });
	return { ...rest, ...id, type: "function", function: { name: custom.name ?? "", arguments: text } };
}

import { isJsonObject, type JsonObject, type JsonValue } from "../lib/json-types.ts";
import { textField } from "./read.ts";
import type { MockScript } from "./script.ts";
import { countTokens, lorem, repeatTokens, toTokens } from "./text.ts";

const THOUGHTS = toTokens("The user asked for something. I will think about it, then answer.");
const NOTHING_TO_ECHO = "(nothing to echo)";
/** Streams cut the arguments of a tool call into pieces of this many characters. */
const ARGUMENTS_PIECE_LENGTH = 8;

export interface MockTool {
	readonly name: string;
	readonly parameters: JsonObject;
}

/** What the answer depends on. */
export interface Turn {
	/** The last user message. */
	readonly userText: string;
	/** Set when the conversation ends with a tool's result: it is then echoed, so that agent loops end. */
	readonly toolResult: string | undefined;
	readonly tools: readonly MockTool[];
	readonly tokensMax: number | undefined;
}

/** One answer, cut into the pieces in which a stream sends it. Joined, they are the whole. */
export interface Answer {
	readonly reasoning: readonly string[];
	readonly text: readonly string[];
	readonly toolCall: { readonly name: string; readonly arguments: readonly string[] } | undefined;
	/** All of it, reasoning and arguments included. */
	readonly outputTokens: number;
	readonly reasoningTokens: number;
	readonly finish: "stop" | "length" | "tool_calls";
}

/** Deterministic: the same script and turn give the same answer. */
export function composeAnswer(script: MockScript, turn: Turn): Answer {
	const limit = turn.tokensMax ?? Number.POSITIVE_INFINITY;
	const allThoughts = script.reasoning ? THOUGHTS : [];
	const reasoning = allThoughts.slice(0, limit);
	const [tool] = script.answer === "tool" && turn.toolResult === undefined ? turn.tools : [];
	if (tool !== undefined) {
		return toolAnswer(tool, reasoning, limit);
	}
	const all = answerTokens(script, turn);
	const text = all.slice(0, limit - reasoning.length);
	return {
		reasoning,
		text,
		toolCall: undefined,
		outputTokens: reasoning.length + text.length,
		reasoningTokens: reasoning.length,
		finish: allThoughts.length + all.length > limit ? "length" : "stop",
	};
}

/** A call that does not fit into the limit is not made at all: half a call is of no use to anybody. */
function toolAnswer(tool: MockTool, reasoning: readonly string[], limit: number): Answer {
	const callArguments = JSON.stringify(sampleOf(tool.parameters));
	const callTokens = 1 + countTokens(callArguments);
	const fits = reasoning.length + callTokens <= limit;
	return {
		reasoning,
		text: [],
		toolCall: fits ? { name: tool.name, arguments: piecesOf(callArguments) } : undefined,
		outputTokens: reasoning.length + (fits ? callTokens : 0),
		reasoningTokens: reasoning.length,
		finish: fits ? "tool_calls" : "length",
	};
}

function answerTokens(script: MockScript, turn: Turn): readonly string[] {
	if (script.answer === "lorem") {
		return lorem(script.tokens ?? 0);
	}
	const echoed = toTokens(turn.toolResult ?? turn.userText);
	const tokens = echoed.length === 0 ? toTokens(NOTHING_TO_ECHO) : echoed;
	return script.tokens === undefined ? tokens : repeatTokens(tokens, script.tokens);
}

function piecesOf(text: string): readonly string[] {
	const count = Math.ceil(text.length / ARGUMENTS_PIECE_LENGTH);
	return Array.from({ length: count }, (_, index) =>
		text.slice(index * ARGUMENTS_PIECE_LENGTH, (index + 1) * ARGUMENTS_PIECE_LENGTH),
	);
}

/** The function tools of a request. OpenAI's two APIs nest them differently: `function` is absent in Responses. */
export function toolsOf(definitions: readonly JsonObject[], choice: JsonValue | undefined): readonly MockTool[] {
	if (choice === "none") {
		return [];
	}
	const tools = definitions
		.filter((definition) => definition.type === "function")
		.map((definition) => (isJsonObject(definition.function) ? definition.function : definition))
		.map((tool) => ({
			name: textField(tool, "name") ?? "",
			parameters: isJsonObject(tool.parameters) ? tool.parameters : {},
		}));
	const forced = isJsonObject(choice) ? (isJsonObject(choice.function) ? choice.function : choice).name : undefined;
	return forced === undefined ? tools : tools.filter((tool) => tool.name === forced);
}

/** A value that fits the usual parts of a JSON schema: required properties, types, enums. Not nested deeper than that. */
function sampleOf(schema: JsonObject, depth = 0): JsonValue {
	if (Array.isArray(schema.enum) && schema.enum[0] !== undefined) {
		return schema.enum[0];
	}
	const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
	switch (type) {
		case "string":
			return "mock";
		case "integer":
		case "number":
			return 1;
		case "boolean":
			return true;
		case "null":
			return null;
		case "array":
			return [];
		default:
			return sampleObject(schema, depth);
	}
}

/** Schemas nest without end in hostile requests; samples do not. */
const SAMPLE_DEPTH_MAX = 8;

function sampleObject(schema: JsonObject, depth: number): JsonObject {
	const { properties, required } = schema;
	if (!isJsonObject(properties) || !Array.isArray(required) || depth >= SAMPLE_DEPTH_MAX) {
		return {};
	}
	const sample: [string, JsonValue][] = [];
	for (const name of required) {
		const property = typeof name === "string" && Object.hasOwn(properties, name) ? properties[name] : undefined;
		if (isJsonObject(property)) {
			sample.push([String(name), sampleOf(property, depth + 1)]);
		}
	}
	return Object.fromEntries(sample);
}

import { isJsonObject, type JsonObject, type JsonValue, objectsIn } from "../../lib/json-types.ts";
import { type CacheMark, type ChatPart, cacheMark, readParts } from "./parts.ts";
import { type ReasoningDetail, type ReasoningWish, readReasoningDetails, readReasoningWish } from "./reasoning.ts";
import { readTools, type ToolWish } from "./tools.ts";

/** A call that an assistant made earlier in the conversation. */
export interface AskedToolCall {
	readonly id: string;
	readonly name: string;
	/** JSON text of a function; free text of a custom tool. */
	readonly arguments: string;
	readonly kind: "function" | "custom";
	/** The call as it came, for fields such as `extra_content`. */
	readonly raw: JsonObject;
}

/** One message. `tool` is also OpenAI's old `function` role. */
export interface ChatTurn {
	readonly role: "system" | "developer" | "user" | "assistant" | "tool";
	readonly parts: readonly ChatPart[];
	/** `messages[2]`: for errors. */
	readonly param: string;
	readonly name: string | undefined;
	/** On the message itself. */
	readonly cache: CacheMark | undefined;
	/** Of an assistant. */
	readonly toolCalls: readonly AskedToolCall[];
	/** Thinking with its seals. */
	readonly reasoning: readonly ReasoningDetail[];
	/** Thinking without a seal (`reasoning_content`); undefined where `reasoning` holds it already. */
	readonly reasoningText: string | undefined;
	/** Of a tool's result: the call it answers. */
	readonly toolCallId: string | undefined;
	/** The message as it came. */
	readonly raw: JsonObject;
}

export type ResponseFormat =
	| { readonly kind: "text" }
	| { readonly kind: "json_object" }
	| {
			readonly kind: "json_schema";
			readonly name: string;
			readonly description: string | undefined;
			readonly schema: JsonObject;
			readonly strict: boolean | undefined;
	  }
	/** A constrained format of one vendor (`grammar`, `regex`). */
	| { readonly kind: "other"; readonly type: string };

/**
 * A chat request as a translator reads it: every usual spelling in one shape, nothing decided yet. Plain fields
 * (`temperature`, `seed`, …) are read from the request itself.
 */
export interface ChatRequest {
	readonly turns: readonly ChatTurn[];
	readonly toolWish: ToolWish;
	readonly reasoning: ReasoningWish;
	readonly format: ResponseFormat;
	/** The client's bound on output tokens; undefined = none given. */
	readonly outputTokensMax: number | undefined;
	readonly stop: readonly string[];
	/** At least 1. */
	readonly choices: number;
}

/** Fields of a request that `readChatRequest` reads: a translator that handles a wish counts its field as mapped. */
export function readChatRequest(json: JsonObject): ChatRequest {
	const bound = json.max_completion_tokens ?? json.max_tokens;
	return {
		turns: readTurns(json.messages),
		toolWish: readTools(json),
		reasoning: readReasoningWish(json),
		format: readFormat(json.response_format),
		outputTokensMax: typeof bound === "number" ? bound : undefined,
		stop: typeof json.stop === "string" ? [json.stop] : strings(json.stop),
		choices: typeof json.n === "number" ? json.n : 1,
	};
}

function readTurns(messages: JsonValue | undefined): ChatTurn[] {
	const turns: ChatTurn[] = [];
	for (const [index, message] of (Array.isArray(messages) ? messages : []).entries()) {
		if (isJsonObject(message)) {
			turns.push(readTurn(message, index, turns));
		}
	}
	return turns;
}

function readTurn(message: JsonObject, index: number, before: readonly ChatTurn[]): ChatTurn {
	const param = `messages[${index}]`;
	// The ingress has admitted no other role than OpenAI's six.
	const role = message.role === "function" ? "tool" : (message.role as ChatTurn["role"]);
	const refusal = typeof message.refusal === "string" && message.refusal !== "" ? message.refusal : undefined;
	const parts = readParts(message.content, `${param}.content`);
	const reasoning = role === "assistant" ? readReasoningDetails(message) : [];
	const plain = message.reasoning_content ?? message.reasoning;
	return {
		role,
		parts:
			parts.length === 0 && refusal !== undefined
				? [{ kind: "text", text: refusal, param: `${param}.refusal`, cache: undefined }]
				: parts,
		param,
		name: typeof message.name === "string" ? message.name : undefined,
		cache: cacheMark(message),
		toolCalls: role === "assistant" ? readCalls(message, index) : [],
		reasoning,
		reasoningText: role === "assistant" && reasoning.length === 0 && typeof plain === "string" ? plain : undefined,
		toolCallId: role === "tool" ? answeredCall(message, before) : undefined,
		raw: message,
	};
}

function readCalls(message: JsonObject, index: number): AskedToolCall[] {
	const calls = objectsIn(message.tool_calls);
	if (calls.length === 0 && isJsonObject(message.function_call)) {
		// The old words have no ids: the result is matched by its place.
		return [callOf({ id: `call_${index}`, function: message.function_call }, index, 0)];
	}
	return calls.map((call, position) => callOf(call, index, position));
}

function callOf(call: JsonObject, index: number, position: number): AskedToolCall {
	const isCustom = isJsonObject(call.custom);
	const described = isJsonObject(call.custom) ? call.custom : isJsonObject(call.function) ? call.function : {};
	const given = isCustom ? described.input : described.arguments;
	return {
		id: typeof call.id === "string" && call.id !== "" ? call.id : `call_${index}_${position}`,
		name: typeof described.name === "string" ? described.name : "",
		// Some clients send the object itself.
		arguments: typeof given === "string" ? given : given === undefined ? "" : JSON.stringify(given),
		kind: isCustom ? "custom" : "function",
		raw: call,
	};
}

/** A result of the old `function` role answers the latest call of its name. */
function answeredCall(message: JsonObject, before: readonly ChatTurn[]): string | undefined {
	if (typeof message.tool_call_id === "string") {
		return message.tool_call_id;
	}
	let latest: AskedToolCall | undefined;
	for (let index = before.length - 1; index >= 0; index -= 1) {
		const calls = before[index]?.toolCalls ?? [];
		const named = calls.findLast((call) => call.name === message.name);
		if (named !== undefined) {
			return named.id;
		}
		latest ??= calls.at(-1);
	}
	return latest?.id;
}

function readFormat(format: JsonValue | undefined): ResponseFormat {
	if (!isJsonObject(format) || format.type === undefined || format.type === "text") {
		return { kind: "text" };
	}
	if (format.type === "json_object") {
		return { kind: "json_object" };
	}
	if (format.type !== "json_schema" || !isJsonObject(format.json_schema)) {
		return { kind: "other", type: String(format.type) };
	}
	const { name, description, schema, strict } = format.json_schema;
	return {
		kind: "json_schema",
		name: typeof name === "string" ? name : "response",
		description: typeof description === "string" ? description : undefined,
		schema: isJsonObject(schema) ? schema : {},
		strict: typeof strict === "boolean" ? strict : undefined,
	};
}

function strings(value: JsonValue | undefined): string[] {
	return Array.isArray(value) ? value.filter((entry) => typeof entry === "string") : [];
}

import { type Json, object, objects, text } from "../oracle/json.ts";
import { createFaults, demandKnown, type Faults } from "./rules.ts";

/*
 * What servers refuse that speak OpenAI's chat: https://platform.openai.com/docs/api-reference/chat/create and
 * https://docs.mistral.ai/api/#tag/chat
 */
const FIELDS = [
	"model",
	"messages",
	"stream",
	"max_tokens",
	"temperature",
	"top_p",
	"n",
	"stop",
	"presence_penalty",
	"frequency_penalty",
	"response_format",
	"tools",
	"tool_choice",
	"parallel_tool_calls",
	"reasoning_effort",
	"metadata",
];
const OPENAI_FIELDS = [
	...FIELDS,
	"stream_options",
	"seed",
	"logit_bias",
	"logprobs",
	"top_logprobs",
	"user",
	"verbosity",
	"service_tier",
	"prompt_cache_key",
	"safety_identifier",
	"functions",
	"function_call",
];
const MISTRAL_FIELDS = [...FIELDS, "random_seed", "safe_prompt", "prompt_mode", "prediction", "prompt_cache_key"];
const MISTRAL_ID = /^[a-zA-Z0-9]{9}$/;

export function chatFaults(body: Json): string[] {
	const faults = createFaults();
	demandKnown(faults, "body", body, OPENAI_FIELDS);
	faults.demand(body.stream === true || body.stream_options === undefined, "stream_options without stream");
	checkMessages(faults, body);
	return faults.list();
}

export function mistralFaults(body: Json): string[] {
	const faults = createFaults();
	demandKnown(faults, "body", body, MISTRAL_FIELDS);
	checkMessages(faults, body);
	for (const [index, message] of objects(body.messages).entries()) {
		const known = [
			"role",
			"content",
			"tool_calls",
			"prefix",
			...(message.role === "tool" ? ["tool_call_id", "name"] : []),
		];
		demandKnown(faults, `messages[${index}]`, message, known);
		const ids = [...objects(message.tool_calls).map(({ id }) => id), message.tool_call_id];
		for (const id of ids.filter((entry) => entry !== undefined)) {
			faults.demand(MISTRAL_ID.test(text(id)), "tool call id must be a-z, A-Z, 0-9, with a length of 9");
		}
	}
	return faults.list();
}

function checkMessages(faults: Faults, body: Json): void {
	const messages = objects(body.messages);
	faults.demand(text(body.model) !== "", "model: field required");
	faults.demand(messages.length > 0, "messages: at least one");
	faults.demand(body.tool_choice === undefined || objects(body.tools).length > 0, "tool_choice without tools");
	let open: string[] = [];
	for (const [index, message] of messages.entries()) {
		const where = `messages[${index}]`;
		const { role } = message;
		const calls = objects(message.tool_calls);
		faults.demand(["system", "user", "assistant", "tool"].includes(text(role)), `${where}.role: unknown`);
		faults.demand(role === "tool" || open.length === 0, `${where}: tool calls without results: ${open.join(", ")}`);
		faults.demand(hasContent(message) || calls.length > 0, `${where}: content must not be empty`);
		if (role === "tool") {
			faults.demand(open.includes(text(message.tool_call_id)), `${where}: unknown tool_call_id`);
			open = open.filter((id) => id !== message.tool_call_id);
		}
		for (const call of calls) {
			const isCustom = call.type === "custom" && typeof object(call.custom).input === "string";
			const isFunction = call.type === "function" && isJsonText(object(call.function).arguments);
			faults.demand(isCustom || isFunction, `${where}: a tool call needs its arguments as JSON text`);
		}
		open = [...open, ...calls.map(({ id }) => text(id))];
	}
	faults.demand(open.length === 0, `tool calls without results: ${open.join(", ")}`);
	for (const { type, ...tool } of objects(body.tools)) {
		faults.demand(text(object(tool[text(type)]).name) !== "", "tools.name: field required");
	}
}

function hasContent({ content }: Json): boolean {
	return typeof content === "string" ? content !== "" : Array.isArray(content) && content.length > 0;
}

function isJsonText(value: unknown): boolean {
	try {
		const parsed: unknown = JSON.parse(text(value));
		return parsed === object(parsed);
	} catch {
		return false;
	}
}

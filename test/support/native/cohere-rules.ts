import { type Json, object, objects, text } from "../oracle/json.ts";
import { createFaults, demandKnown } from "./rules.ts";

/* What Cohere's v2 chat refuses: https://docs.cohere.com/reference/chat */
const FIELDS = [
	"stream",
	"model",
	"messages",
	"tools",
	"strict_tools",
	"documents",
	"citation_options",
	"response_format",
	"safety_mode",
	"max_tokens",
	"stop_sequences",
	"temperature",
	"seed",
	"frequency_penalty",
	"presence_penalty",
	"k",
	"p",
	"logprobs",
	"tool_choice",
	"thinking",
	"priority",
];

export function cohereFaults(body: Json): string[] {
	const faults = createFaults();
	demandKnown(faults, "body", body, FIELDS);
	faults.demand(text(body.model) !== "", "model is required");
	faults.demand([undefined, "REQUIRED", "NONE"].includes(body.tool_choice as string), "invalid tool_choice");
	faults.demand(typeof body.p !== "number" || (body.p >= 0.01 && body.p <= 0.99), "p: must be between 0.01 and 0.99");
	const messages = objects(body.messages);
	faults.demand(messages.length > 0, "messages: at least one");
	faults.demand(["user", "tool"].includes(text(messages.at(-1)?.role)), "the last message must be of a user or a tool");
	let open: string[] = [];
	for (const [index, message] of messages.entries()) {
		const where = `messages[${index}]`;
		const calls = objects(message.tool_calls);
		const isTool = message.role === "tool";
		faults.demand(["system", "user", "assistant", "tool"].includes(text(message.role)), `${where}.role: unknown`);
		faults.demand(isTool || open.length === 0, `${where}: tool calls without results: ${open.join(", ")}`);
		faults.demand(hasContent(message) || calls.length > 0, `${where}: content must not be empty`);
		if (isTool) {
			faults.demand(open.includes(text(message.tool_call_id)), `${where}: unknown tool_call_id`);
			open = open.filter((id) => id !== message.tool_call_id);
		}
		for (const call of calls) {
			faults.demand(call.type === "function" && text(call.id) !== "", `${where}: tool_calls need an id`);
			faults.demand(isJsonText(object(call.function).arguments), `${where}: arguments must be JSON text`);
		}
		open = [...open, ...calls.map(({ id }) => text(id))];
	}
	return faults.list();
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

import { asksForStream } from "./native-rig.ts";
import { object, objects, parseJson } from "./oracle/json.ts";
import { json, respond, SSE_HEADERS } from "./replies.ts";
import type { ReceivedRequest, Reply } from "./upstream.ts";

let answers = 0;

/** An id as OpenAI makes them: nothing of it is in upper case. */
function newId(prefix: string): string {
	answers += 1;
	return `${prefix}_${answers.toString(16).padStart(48, "0")}`;
}

/** An item of an answer. */
interface OutputItem {
	readonly id: string;
	readonly type: string;
	readonly [field: string]: unknown;
}

/** What a model says in words. */
export function messageItem(text: string): OutputItem {
	const part = { type: "output_text", text, annotations: [], logprobs: [] };
	return { id: newId("msg"), type: "message", status: "completed", role: "assistant", content: [part] };
}

/** What it thought, for its account alone. */
export function reasoningItem(sealed: string): OutputItem {
	return { id: newId("rs"), type: "reasoning", status: "completed", summary: [], encrypted_content: sealed };
}

export function callItem(name: string, args: Readonly<Record<string, unknown>>): OutputItem {
	const text = JSON.stringify(args);
	return { id: newId("fc"), type: "function_call", status: "completed", call_id: newId("call"), name, arguments: text };
}

/** A provider that speaks the Responses API itself, and says `text`. */
export function responsesReply(request: ReceivedRequest, text: string): Reply {
	return itemsReply(request, [messageItem(text)]);
}

/** The same, with these items. */
export function itemsReply(request: ReceivedRequest, output: readonly OutputItem[]): Reply {
	const asked = parseJson(request.text());
	const response = {
		id: newId("resp"),
		object: "response",
		created_at: 1_700_000_000,
		completed_at: null,
		status: "in_progress",
		background: false,
		error: null,
		incomplete_details: null,
		instructions: asked.instructions ?? null,
		max_output_tokens: null,
		max_tool_calls: null,
		metadata: object(asked.metadata),
		model: "gpt-4o-mini-2024-07-18",
		output: [],
		parallel_tool_calls: true,
		presence_penalty: 0,
		frequency_penalty: 0,
		previous_response_id: asked.previous_response_id ?? null,
		prompt_cache_key: null,
		reasoning: { effort: null, summary: null },
		safety_identifier: null,
		service_tier: "default",
		store: asked.store ?? true,
		temperature: 1,
		text: { format: { type: "text" }, verbosity: "medium" },
		tool_choice: "auto",
		tools: [],
		top_logprobs: 0,
		top_p: 1,
		truncation: "disabled",
		usage: null,
		user: null,
	};
	const done = {
		...response,
		status: "completed",
		completed_at: 1_700_000_001,
		output,
		usage: {
			input_tokens: 40,
			input_tokens_details: { cached_tokens: 10, cache_write_tokens: 0 },
			output_tokens: 20,
			output_tokens_details: { reasoning_tokens: 5 },
			total_tokens: 60,
		},
	};
	if (!asksForStream(request)) {
		return json(200, done);
	}
	const events: readonly Event[] = [
		{ type: "response.created", response },
		{ type: "response.in_progress", response },
		...output.flatMap(eventsOf),
		{ type: "response.completed", response: done },
	];
	const body = events
		.map((event, index) => `event: ${event.type}\ndata: ${JSON.stringify({ ...event, sequence_number: index })}\n\n`)
		.join("");
	return respond({ framing: "chunked", headers: SSE_HEADERS, body });
}

interface Event {
	readonly type: string;
	readonly [field: string]: unknown;
}

function eventsOf(item: OutputItem, index: number): Event[] {
	const begun =
		item.type === "message" ? { ...item, content: [] } : { ...item, ...(item.arguments ? { arguments: "" } : {}) };
	return [
		{ type: "response.output_item.added", output_index: index, item: { ...begun, status: "in_progress" } },
		...deltasOf(item, { item_id: item.id, output_index: index }),
		{ type: "response.output_item.done", output_index: index, item },
	];
}

function deltasOf(
	{ type, content, name, arguments: args }: OutputItem,
	at: Readonly<Record<string, unknown>>,
): Event[] {
	if (type === "function_call") {
		return [
			{ type: "response.function_call_arguments.delta", ...at, delta: args },
			{ type: "response.function_call_arguments.done", ...at, name, arguments: args },
		];
	}
	const inPart = { ...at, content_index: 0 };
	return objects(content).flatMap((part) => [
		{ type: "response.content_part.added", ...inPart, part: { ...part, text: "" } },
		{ type: "response.output_text.delta", ...inPart, delta: part.text, logprobs: [] },
		{ type: "response.output_text.done", ...inPart, text: part.text, logprobs: [] },
		{ type: "response.content_part.done", ...inPart, part },
	]);
}

import { asksForStream } from "./native-rig.ts";
import { object, parseJson } from "./oracle/json.ts";
import { json, respond, SSE_HEADERS } from "./replies.ts";
import type { ReceivedRequest, Reply } from "./upstream.ts";

let answers = 0;

/** An id as OpenAI makes them: nothing of it is in upper case. */
function newId(prefix: string): string {
	answers += 1;
	return `${prefix}_${answers.toString(16).padStart(48, "0")}`;
}

/** A provider that speaks the Responses API itself, and says `text`. */
export function responsesReply(request: ReceivedRequest, text: string): Reply {
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
	const part = { type: "output_text", text, annotations: [], logprobs: [] };
	const item = { id: newId("msg"), type: "message", status: "completed", role: "assistant", content: [part] };
	const done = {
		...response,
		status: "completed",
		completed_at: 1_700_000_001,
		output: [item],
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
	const at = { item_id: item.id, output_index: 0 };
	const inPart = { ...at, content_index: 0 };
	const events: readonly { readonly type: string; readonly [field: string]: unknown }[] = [
		{ type: "response.created", response },
		{ type: "response.in_progress", response },
		{ type: "response.output_item.added", output_index: 0, item: { ...item, status: "in_progress", content: [] } },
		{ type: "response.content_part.added", ...inPart, part: { ...part, text: "" } },
		{ type: "response.output_text.delta", ...inPart, delta: text, logprobs: [] },
		{ type: "response.output_text.done", ...inPart, text, logprobs: [] },
		{ type: "response.content_part.done", ...inPart, part },
		{ type: "response.output_item.done", output_index: 0, item },
		{ type: "response.completed", response: done },
	];
	const body = events
		.map((event, index) => `event: ${event.type}\ndata: ${JSON.stringify({ ...event, sequence_number: index })}\n\n`)
		.join("");
	return respond({ framing: "chunked", headers: SSE_HEADERS, body });
}

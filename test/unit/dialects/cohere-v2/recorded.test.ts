import { describe, expect, test } from "bun:test";
import type { SseEvent } from "../../../../src/dialects/types.ts";
import { isJsonObject, type JsonObject } from "../../../../src/lib/json-types.ts";
import { schemaFaults } from "../../../support/openai-schema.ts";
import { type RecordedCase, recordedCases } from "../../../support/recorded.ts";
import { parseSse } from "../../../support/sse-events.ts";
import { chunksOf, clientEvents, collect, messageOf, objects, planIn, splitBytes, translated } from "./harness.ts";

const cases = recordedCases(({ api }) => api === "cohere.chat");
const whole = cases.filter(({ stream, status }) => !stream && status === 200);
const streamed = cases.filter(({ stream, status }) => stream && status === 200);
const refused = cases.filter(({ status }) => status >= 400);

/** What an answer says, read from the recording by the rules in the fixtures' README, without the code under test. */
interface Said {
	readonly id: string;
	readonly text: string;
	readonly reasoning: string;
	/** Of the calls: no thinking, but kept for the next turn. */
	readonly plan: string;
	readonly calls: readonly { readonly id: string; readonly name: string; readonly arguments: unknown }[];
	readonly finish: string;
	readonly prompt: number;
	readonly completion: number;
	readonly cited: readonly { readonly start: number; readonly end: number; readonly text: string }[];
}

const FINISH: Record<string, string> = {
	COMPLETE: "stop",
	STOP_SEQUENCE: "stop",
	MAX_TOKENS: "length",
	TOOL_CALL: "tool_calls",
};

interface RawCall {
	readonly id: string;
	readonly function: { readonly name: string; readonly arguments: string };
}

interface RawContent {
	readonly type?: string;
	readonly text?: string;
	readonly thinking?: string;
}

interface RawMessage {
	readonly content?: readonly RawContent[];
	readonly tool_plan?: string;
	readonly tool_calls?: readonly RawCall[];
	readonly citations?: Said["cited"];
}

interface RawUsage {
	readonly tokens: { readonly input_tokens: number; readonly output_tokens: number };
}

/** Of the second API, or (`text`, `meta`) of the first. */
interface RawAnswer {
	readonly id?: string;
	readonly generation_id?: string;
	readonly text?: string;
	readonly message?: RawMessage;
	readonly finish_reason: string;
	readonly usage?: RawUsage;
	readonly meta?: RawUsage;
}

interface RawEvent {
	readonly type?: string;
	readonly event_type?: string;
	readonly id?: string;
	readonly index?: number;
	readonly response?: RawAnswer;
	readonly delta?: {
		readonly finish_reason?: string;
		readonly usage?: RawUsage;
		readonly message?: {
			readonly content?: RawContent;
			readonly tool_plan?: string;
			readonly tool_calls?: RawCall;
			readonly citations?: Said["cited"][number];
		};
	};
}

function saidWhole(raw: RawAnswer): Said {
	const content = raw.text === undefined ? (raw.message?.content ?? []) : [{ type: "text", text: raw.text }];
	const joined = (type: "text" | "thinking") =>
		content.map((part: RawContent) => (part.type === type ? part[type] : "")).join("");
	const counted = (raw.usage ?? raw.meta)?.tokens;
	return {
		id: raw.id ?? raw.generation_id ?? "",
		text: joined("text"),
		reasoning: joined("thinking"),
		plan: raw.message?.tool_plan ?? "",
		calls: (raw.message?.tool_calls ?? []).map((call) => saidCall(call.id, call.function)),
		finish: FINISH[raw.finish_reason] ?? "",
		prompt: counted?.input_tokens ?? -1,
		completion: counted?.output_tokens ?? -1,
		cited: raw.message?.citations ?? [],
	};
}

function saidCall(id: string, described: { readonly name: string; readonly arguments: string }) {
	return { id, name: described.name, arguments: JSON.parse(described.arguments || "{}") ?? {} };
}

function saidStream(events: readonly RawEvent[]): Said {
	const old = events.find((entry) => entry.event_type === "stream-end")?.response;
	if (old !== undefined) {
		return saidWhole(old);
	}
	const of = (type: string) => events.filter((entry) => entry.type === type);
	const messages = (type: string) => of(type).map(({ delta, index }) => ({ ...delta?.message, index }));
	const content = messages("content-delta").map((message) => message.content);
	const end = of("message-end")[0]?.delta;
	return {
		id: of("message-start")[0]?.id ?? "",
		text: content.map((part) => part?.text ?? "").join(""),
		reasoning: content.map((part) => part?.thinking ?? "").join(""),
		plan: messages("tool-plan-delta")
			.map((message) => message.tool_plan)
			.join(""),
		calls: messages("tool-call-start").map((start) => {
			const pieces = messages("tool-call-delta").filter(({ index }) => index === start.index);
			const text = pieces.map((piece) => piece.tool_calls?.function.arguments).join("");
			return saidCall(start.tool_calls?.id ?? "", { name: start.tool_calls?.function.name ?? "", arguments: text });
		}),
		finish: FINISH[end?.finish_reason ?? ""] ?? "",
		prompt: end?.usage?.tokens.input_tokens ?? -1,
		completion: end?.usage?.tokens.output_tokens ?? -1,
		cited: messages("citation-start").flatMap(({ citations }) => citations ?? []),
	};
}

/** The same read from what a client gets. */
function heard(message: JsonObject, facts: { id: unknown; finish: unknown; usage: unknown }): Said {
	const usage = isJsonObject(facts.usage) ? facts.usage : {};
	const text = String(message.content ?? "");
	return {
		id: String(facts.id),
		text,
		reasoning: String(message.reasoning_content ?? ""),
		plan: planIn(message.reasoning_details),
		calls: objects(message.tool_calls).map((call) => {
			const described = isJsonObject(call.function) ? call.function : {};
			return saidCall(String(call.id), { name: String(described.name), arguments: String(described.arguments) });
		}),
		finish: String(facts.finish),
		prompt: Number(usage.prompt_tokens),
		completion: Number(usage.completion_tokens),
		cited: objects(message.citations).map(({ start_index: start, end_index: end }) => ({
			start: Number(start),
			end: Number(end),
			text: [...text].slice(Number(start), Number(end)).join(""),
		})),
	};
}

function rawEvents(recorded: RecordedCase): RawEvent[] {
	const text = recorded.response.body.toString();
	const lines = recorded.response.headers["content-type"]?.includes("stream+json")
		? text.split("\n").filter((line) => line !== "")
		: parseSse(text).data.filter((data) => data !== "[DONE]");
	return lines.map((line) => JSON.parse(line));
}

/** As the gateway's splitter cuts them; the first API streams bare lines of JSON. */
function providerEvents(recorded: RecordedCase): SseEvent[] {
	const isLines = recorded.response.headers["content-type"]?.includes("stream+json");
	return isLines
		? rawEvents(recorded).map((json) => ({ name: "", data: JSON.stringify(json) }))
		: splitBytes(recorded.response.body);
}

const positions = (cited: Said["cited"]) => cited.map(({ start, end, text }) => ({ start, end, text }));

describe("recorded answers of Cohere", () => {
	test("there are enough of them", () => {
		expect([whole.length, streamed.length, refused.length]).toEqual([13, 9, 1]);
	});

	test.each(whole.map((recorded) => [recorded.id, recorded] as const))("%s", (_id, recorded) => {
		const raw = JSON.parse(recorded.response.body.toString());
		const answer = translated().whole(raw);
		const [choice] = objects(answer?.choices);
		const said = saidWhole(raw);
		expect(heard(messageOf(answer), { id: answer?.id, finish: choice?.finish_reason, usage: answer?.usage })).toEqual({
			...said,
			cited: positions(said.cited),
		});
		expect(schemaFaults("CreateChatCompletionResponse", answer)).toEqual([]);
	});

	test.each(streamed.map((recorded) => [recorded.id, recorded] as const))("%s", (_id, recorded) => {
		const events = clientEvents(providerEvents(recorded), translated({}, { stream: true }));
		const got = collect(events);
		const said = saidStream(rawEvents(recorded));
		const message = {
			content: got.text,
			reasoning_content: got.reasoning,
			reasoning_details: got.details ?? [],
			citations: got.citations ?? [],
			tool_calls: got.calls.map(({ id, name, arguments: text }) => ({ id, function: { name, arguments: text } })),
		};
		expect(heard(message, { id: [...got.ids][0], finish: got.reasons[0], usage: got.usage })).toEqual({
			...said,
			cited: positions(said.cited),
		});
		expect({ ids: got.ids.size, reasons: got.reasons.length, done: got.isDone }).toEqual({
			ids: 1,
			reasons: 1,
			done: true,
		});
		const faults = chunksOf(events).flatMap((chunk) => schemaFaults("CreateChatCompletionStreamResponse", chunk));
		expect(faults).toEqual([]);
	});

	test.each(streamed.map((recorded) => [recorded.id, recorded] as const))(
		"cut anywhere, %s has no end",
		(_id, recorded) => {
			const events = providerEvents(recorded);
			const end = events.findLastIndex(({ data }) => data.includes('"finish_reason"'));
			for (const length of [1, Math.floor(end / 2), end]) {
				const got = collect(clientEvents(events.slice(0, length), translated({}, { stream: true })));
				expect({ reasons: got.reasons, done: got.isDone }).toEqual({ reasons: [], done: false });
			}
		},
	);

	test("a refused key keeps its status and message", () => {
		const [recorded] = refused;
		const raw = JSON.parse(recorded?.response.body.toString() ?? "{}");
		expect(translated().readFault(raw, recorded?.status)).toEqual({
			status: 401,
			type: "authentication_error",
			code: "invalid_api_key",
			message: raw.message,
		});
	});
});

describe("recorded conversations with Cohere", () => {
	const asked = cases.filter(({ request, status }) => status === 200 && Array.isArray(request.body?.messages));

	test.each(asked.map((recorded) => [recorded.id, recorded] as const))(
		"%s is sent as it was recorded",
		(_id, recorded) => {
			// OpenAI's words and Cohere's are the same for these requests.
			const sent: JsonObject = JSON.parse(JSON.stringify(recorded.request.body));
			const { model, stream, ...fields } = sent;
			const { body, dropped } = translated(fields, { model: String(model), stream: stream === true });
			const messages = objects(fields.messages).map(({ content, ...message }) =>
				content === null ? message : { content, ...message },
			);
			expect(body).toEqual({ ...fields, messages, model, stream });
			expect(dropped).toEqual([]);
		},
	);
});

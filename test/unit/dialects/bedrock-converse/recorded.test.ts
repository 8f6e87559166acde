import { describe, expect, test } from "bun:test";
import { openChoiceStream } from "../../../../src/dialects/choice-stream.ts";
import { readTokenUsage } from "../../../../src/dialects/token-usage.ts";
import type { SseEvent } from "../../../../src/dialects/types.ts";
import type { JsonObject, JsonValue } from "../../../../src/lib/json-types.ts";
import { createAwsEventSplitter } from "../../../../src/transport/aws-event-stream.ts";
import { type RecordedCase, recordedCases } from "../../../support/recorded.ts";
import { readFrames } from "./frames.ts";
import { at, fold, translate } from "./harness.ts";

interface Expected {
	text: string;
	reasoning: string;
	calls: { id: JsonValue | undefined; name: JsonValue | undefined; arguments: unknown }[];
	finish: string | undefined;
	usage: { prompt: number; completion: number; cached: number } | undefined;
}

const FINISHES: Record<string, string> = {
	end_turn: "stop",
	stop_sequence: "stop",
	tool_use: "tool_calls",
	max_tokens: "length",
	guardrail_intervened: "content_filter",
	content_filtered: "content_filter",
};

function usageOf(usage: JsonValue | undefined): Expected["usage"] {
	if (usage === undefined) {
		return undefined;
	}
	const tokens = (name: string) => Number(at(usage, name) ?? 0);
	return {
		prompt: tokens("inputTokens") + tokens("cacheReadInputTokens") + tokens("cacheWriteInputTokens"),
		completion: tokens("outputTokens"),
		cached: tokens("cacheReadInputTokens"),
	};
}

/** What a whole recorded answer says, read from the recording alone. */
function expectedOfWhole(answer: JsonObject): Expected {
	const blocks = at(answer, "output", "message", "content") as JsonObject[];
	return {
		text: blocks.map((block) => block.text ?? "").join(""),
		reasoning: blocks.map((block) => at(block, "reasoningContent", "reasoningText", "text") ?? "").join(""),
		calls: blocks.flatMap((block) =>
			block.toolUse === undefined
				? []
				: [
						{
							id: at(block, "toolUse", "toolUseId"),
							name: at(block, "toolUse", "name"),
							arguments: at(block, "toolUse", "input"),
						},
					],
		),
		finish: FINISHES[String(answer.stopReason)],
		usage: usageOf(answer.usage),
	};
}

/** What a recorded stream says: frames decoded by hand, deltas added up. */
function expectedOfStream(bytes: Buffer): Expected {
	const expected: Expected = { text: "", reasoning: "", calls: [], finish: undefined, usage: undefined };
	const open = new Map<JsonValue | undefined, { call: Expected["calls"][number]; text: string }>();
	for (const { headers, payload } of readFrames(bytes)) {
		const json = JSON.parse(payload) as JsonObject;
		const type = headers[":event-type"];
		if (type === "contentBlockStart" && at(json, "start", "toolUse") !== undefined) {
			const call = {
				id: at(json, "start", "toolUse", "toolUseId"),
				name: at(json, "start", "toolUse", "name"),
				arguments: {},
			};
			expected.calls.push(call);
			open.set(json.contentBlockIndex, { call, text: "" });
		} else if (type === "contentBlockDelta") {
			expected.text += at(json, "delta", "text") ?? "";
			expected.reasoning += at(json, "delta", "reasoningContent", "text") ?? "";
			const call = open.get(json.contentBlockIndex);
			if (call !== undefined) {
				call.text += at(json, "delta", "toolUse", "input") ?? "";
				call.call.arguments = call.text === "" ? {} : tolerant(call.text);
			}
		} else if (type === "messageStop") {
			expected.finish = FINISHES[String(json.stopReason)];
		} else if (type === "metadata") {
			expected.usage = usageOf(json.usage);
		}
	}
	return expected;
}

function tolerant(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return text;
	}
}

function usageSaid(usage: JsonValue | undefined): Expected["usage"] {
	return usage === undefined
		? undefined
		: {
				prompt: Number(at(usage, "prompt_tokens")),
				completion: Number(at(usage, "completion_tokens")),
				cached: Number(at(usage, "prompt_tokens_details", "cached_tokens")),
			};
}

function streamOf({ response, model }: RecordedCase, chunkBytes: number): SseEvent[] {
	const stream = translate({}, { model: model ?? "anthropic.claude", stream: true }).openStream();
	const splitter = createAwsEventSplitter();
	const told: SseEvent[] = [];
	for (let start = 0; start < response.body.length; start += chunkBytes) {
		for (const { event } of splitter.push(response.body.subarray(start, start + chunkBytes))) {
			const step = event === undefined ? [] : stream.step(event);
			expect(step).not.toBe("malformed");
			told.push(...(step === "malformed" ? [] : step));
		}
	}
	expect(splitter.end()).toEqual([]);
	return [...told, ...stream.end()];
}

const WHOLE = recordedCases(({ api }) => api === "bedrock.converse");
const STREAMS = recordedCases(({ api }) => api === "bedrock.converseStream");

describe("recorded answers of Converse", () => {
	test("are here", () => {
		expect([WHOLE.length, STREAMS.length]).toEqual([10, 10]);
	});

	test.each(WHOLE.map((recorded) => [recorded.id, recorded] as const))("%s", (_, { response, model }) => {
		const json = JSON.parse(response.body.toString()) as JsonObject;
		const answer = translate({}, { model: model ?? "anthropic.claude" }).whole(json);
		const message = at(answer, "choices", 0, "message");
		const expected = expectedOfWhole(json);
		const calls = (at(message, "tool_calls") ?? []) as JsonObject[];
		expect({
			text: at(message, "content") ?? "",
			reasoning: at(message, "reasoning_content") ?? "",
			calls: calls.map((call) => ({
				id: call.id,
				name: at(call, "function", "name"),
				arguments: tolerant(String(at(call, "function", "arguments"))),
			})),
			finish: at(answer, "choices", 0, "finish_reason"),
			usage: usageSaid(at(answer, "usage")),
		}).toEqual(expected as never);
		expect(at(answer, "id")).toBe("chatcmpl-01ANSWER");
		expect(at(answer, "object")).toBe("chat.completion");
	});

	test.each(STREAMS.flatMap((recorded) => [1, 7, 1_000_000].map((bytes) => [recorded.id, bytes, recorded] as const)))(
		"%s in chunks of %p bytes",
		(_, bytes, recorded) => {
			const events = streamOf(recorded, bytes);
			const said = fold(events);
			const expected = expectedOfStream(recorded.response.body);
			expect({
				text: said.text,
				reasoning: said.reasoning,
				calls: said.calls.map((call) => ({ ...call, arguments: tolerant(call.arguments) })),
				finish: said.finishes[0],
				usage: usageSaid(said.usage),
			}).toEqual(expected as never);
			expect(said.finishes.length).toBe(1);
			expect(said.done).toBe(1);
			expect(new Set(said.chunks.map((chunk) => chunk.id)).size).toBe(1);
			const reader = openChoiceStream(() => 1, 1);
			const steps = events.map((event) => reader.step(event));
			expect(reader.finished()).toBe(true);
			expect(steps).not.toContain("malformed");
			expect(reader.usage()).toEqual(readTokenUsage(said.usage));
		},
	);

	test.each(STREAMS.map((recorded) => [recorded.id, recorded] as const))(
		"%s, broken off before its last word, does not end as if it were finished",
		(_, recorded) => {
			const frames = readFrames(recorded.response.body);
			const stop = frames.findIndex(({ headers }) => headers[":event-type"] === "messageStop");
			const stream = translate({}, { stream: true }).openStream();
			const told = frames
				.slice(0, stop)
				.flatMap(
					({ headers, payload }) => stream.step({ name: headers[":event-type"] ?? "", data: payload }) as SseEvent[],
				);
			const said = fold([...told, ...stream.end()]);
			expect(said.finishes).toEqual([]);
			expect(said.done).toBe(0);
		},
	);
});

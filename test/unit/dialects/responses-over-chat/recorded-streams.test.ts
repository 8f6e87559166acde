import { describe, expect, test } from "bun:test";
import { readerOf } from "../../../../src/dialects/registry.ts";
import type { SseEvent } from "../../../../src/dialects/types.ts";
import { isJsonObject, type JsonObject } from "../../../../src/lib/json-types.ts";
import { type RecordedCase, recordedCases } from "../../../support/recorded.ts";
import { parseSse } from "../../../support/sse-events.ts";
import { foldChunks } from "./fold.ts";
import { responseFaults, type Streamed, stream, streamFaults, translate, WITH_SEALS } from "./rig.ts";

const cases = recordedCases(({ api, stream, status }) => api === "openai.chat" && stream && status === 200);

function eventsOf(recorded: RecordedCase): SseEvent[] {
	const { data, names } = parseSse(recorded.response.body.toString());
	return data.map((text, index) => ({ name: names[index] ?? "", data: text }));
}

function chunksOf(recorded: RecordedCase): JsonObject[] {
	return eventsOf(recorded).flatMap(({ data }) => (data.trim() === "[DONE]" ? [] : [JSON.parse(data)]));
}

describe("recorded chat streams as Responses", () => {
	test("there are more than a hundred, of many providers", () => {
		expect(cases.length).toBeGreaterThan(150);
		expect(new Set(cases.map(({ id }) => id.split("/")[0])).size).toBeGreaterThan(10);
	});

	test.each(cases.map((recorded) => [recorded.id, recorded] as const))("%s", (_, recorded) => {
		const events = eventsOf(recorded);
		for (const request of [{}, WITH_SEALS]) {
			const said = stream(events, request);
			expect(streamFaults(said)).toEqual([]);
			expect(responseFaults(said.response)).toEqual([]);
			expectSameReading(events, said);
			expectSameWords(chunksOf(recorded), said.response);
			expectSameAsWhole(chunksOf(recorded), said, request);
		}
	});

	test.each(cases.slice(0, 60).map((recorded) => [recorded.id, recorded] as const))(
		"%s cut anywhere has no end",
		(_, recorded) => {
			const events = eventsOf(recorded);
			const finish = events.findIndex(({ data }) => /"finish_reason": ?"\w/.test(data));
			for (const length of new Set([0, 1, 2, Math.floor(finish / 2), finish])) {
				const { types } = stream(events.slice(0, Math.max(0, Math.min(length, finish))));
				expect(
					types.filter((type) => /completed$|incomplete|failed|error/.test(type) && !type.includes("image")),
				).toEqual([]);
			}
		},
	);
});

/** The gateway's own reader sees the same usage and a finished stream. */
function expectSameReading(events: readonly SseEvent[], said: Streamed): void {
	const chat = readerOf.chat.openStream();
	for (const event of events) {
		chat.step(event);
	}
	const responses = readerOf.responses.openStream();
	for (const { name, data } of said.events) {
		responses.step({ name, data });
	}
	expect(responses.usage()).toEqual(chat.usage());
	expect(responses.finished()).toBe(chat.finished());
	expect(responses.fault()).toBeUndefined();
	expect(responses.objectId()).toBe("resp_01ANSWER");
}

function expectSameWords(chunks: readonly JsonObject[], response: JsonObject): void {
	const message = foldChunks(chunks).message;
	const output = (Array.isArray(response.output) ? response.output : []).filter(isJsonObject);
	const texts = output.flatMap(({ content }) => (Array.isArray(content) ? content : []).filter(isJsonObject));
	expect(texts.map(({ text, refusal }) => text ?? refusal).join("")).toBe(message.text + message.refusal);
	const summaries = output.flatMap(({ summary }) => (Array.isArray(summary) ? summary : []).filter(isJsonObject));
	expect(summaries.map(({ text }) => text).join("")).toBe(message.thinking);
	const calls = output.filter(({ type }) => type === "function_call");
	expect(calls.map(({ call_id, name, arguments: text }) => ({ id: call_id, name, text }))).toEqual(
		message.calls.map(({ id, name, text }) => ({ id, name, text: text || "{}" })),
	);
}

/** Where the provider told things in the usual order, the whole answer makes the same response. */
function expectSameAsWhole(chunks: readonly JsonObject[], said: Streamed, request: JsonObject): void {
	const folded = foldChunks(chunks);
	const whole = translate(request).whole(folded.completion) ?? {};
	expect(responseFaults(whole)).toEqual([]);
	const { output: one, ...rest } = whole;
	const { output: other, ...streamedRest } = said.response;
	expect(streamedRest).toEqual(rest);
	if (folded.isInOrder) {
		expect(other).toEqual(one ?? null);
	}
}

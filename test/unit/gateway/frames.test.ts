import { describe, expect, test } from "bun:test";
import { eventJson, jsonEvent } from "../../../src/dialects/event-data.ts";
import type { StreamTranslator, Translation } from "../../../src/dialects/translation.ts";
import { isStream, openFrames } from "../../../src/gateway/frames.ts";

/** Says every word of the provider twice, in other letters, and its own last word at the end. */
function doubling(): StreamTranslator {
	return {
		step(event) {
			const json = eventJson(event);
			return json === undefined ? "malformed" : [jsonEvent({ ä: json.word ?? "" }), jsonEvent({ b: 1 }, "named")];
		},
		end: () => [{ name: "", data: "[DONE]" }],
	};
}

const translation: Translation = {
	body: {},
	dropped: [],
	whole: (answer) => answer,
	openStream: doubling,
	readFault: () => ({ status: 500, type: undefined, code: undefined, message: "" }),
};
const speech = { path: () => "", translator: undefined, framing: "sse", fetchesMedia: true } as const;
const SSE = "text/event-stream";
const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

describe("the events of an upstream stream", () => {
	test("travel byte for byte where the provider speaks the client's words", () => {
		const frames = openFrames({ speech, translation: undefined }, SSE);
		const seen = frames.push(encode(': ping\n\nevent: x\r\ndata:{"a":1}\r\n\r\n'));
		expect(seen.map(({ bytes }) => decode(bytes))).toEqual([": ping\n\n", 'event: x\r\ndata:{"a":1}\r\n\r\n']);
		expect(frames.end()).toEqual([]);
	});

	test("are said in the client's words by a translator, each with exactly its bytes", () => {
		const frames = openFrames({ speech, translation }, SSE);
		const seen = frames.push(encode('data: {"word":"é€😀"}\n\n: ping\n\ndata: {"word":"x"}\n\n'));
		expect(seen.map(({ bytes }) => decode(bytes))).toEqual([
			'data: {"ä":"é€😀"}\n\n',
			'event: named\ndata: {"b":1}\n\n',
			'data: {"ä":"x"}\n\n',
			'event: named\ndata: {"b":1}\n\n',
		]);
		expect(decode(frames.end()[0]?.bytes ?? encode(""))).toBe("data: [DONE]\n\n");
	});

	test("that cannot be read are handed on as such, so that they are counted", () => {
		const frames = openFrames({ speech, translation }, SSE);
		expect(frames.push(encode("data: {nonsense\n\n")).map(({ event }) => event?.data)).toEqual([""]);
	});

	test("that a server has glued together, a line each, are told apart", () => {
		const frames = openFrames({ speech, translation }, SSE);
		const seen = frames.push(encode('data: {"word":"x"}\ndata: {"word":"y"}\n\ndata: {\ndata: "word":"z"}\n\n'));
		expect(seen.map(({ event }) => event?.data)).toEqual([
			'{"ä":"x"}',
			'{"b":1}',
			'{"ä":"y"}',
			'{"b":1}',
			'{"ä":"z"}',
			'{"b":1}',
		]);
	});

	test("of several lines stay one where the lines are one JSON text", () => {
		const seen: string[] = [];
		const listening: StreamTranslator = {
			step({ data }) {
				seen.push(data);
				return [];
			},
			end: () => [],
		};
		const frames = openFrames(
			{ speech, translation: { ...translation, openStream: () => listening } },
			"text/event-stream",
		);
		frames.push(encode('data: [{"word":"x"},\ndata: {"word":"y"}]\n\n'));
		expect(seen).toEqual(['[{"word":"x"},\n{"word":"y"}]']);
	});

	test("that lack their last blank line are not lost", () => {
		const frames = openFrames({ speech, translation }, SSE);
		expect(frames.push(encode('data: {"word":"x"}'))).toEqual([]);
		expect(frames.end().map(({ event }) => event?.data)).toEqual(['{"ä":"x"}', '{"b":1}', "[DONE]"]);
	});
});

const JSON_LINES = [
	"application/stream+json",
	"application/x-ndjson",
	"application/ndjson; charset=utf-8",
	"Application/JSONL",
];

describe("a stream of JSON lines", () => {
	test.each(JSON_LINES)("is cut at its lines where a translator reads it: %s", (contentType) => {
		const spoken = { speech, translation };
		expect(isStream(spoken, contentType)).toBe(true);
		const frames = openFrames(spoken, contentType);
		const seen = frames.push(encode('{"word":"x"}\n\n{"word":"y"}\r\n{"word":"z"}'));
		expect(seen.map(({ event }) => event?.data)).toEqual(['{"ä":"x"}', '{"b":1}', '{"ä":"y"}', '{"b":1}']);
		expect(frames.end().map(({ event }) => event?.data)).toEqual(['{"ä":"z"}', '{"b":1}', "[DONE]"]);
	});

	test.each(JSON_LINES)("is no stream that a client of OpenAI's could read: %s", (contentType) => {
		expect(isStream({ speech, translation: undefined }, contentType)).toBe(false);
	});

	test.each([
		["text/event-stream", true],
		["", true],
		["application/octet-stream", true],
		["application/json", false],
		["application/problem+json", false],
		["text/html; charset=utf-8", false],
	])("%j: whether it is a stream: %p", (contentType, expected) => {
		expect(isStream({ speech, translation }, contentType)).toBe(expected);
		expect(isStream({ speech, translation: undefined }, contentType)).toBe(expected);
	});
});

import { describe, expect, test } from "bun:test";
import type { JsonObject, JsonValue } from "../../../../src/lib/json-types.ts";
import { isJsonObject } from "../../../../src/lib/json-types.ts";
import { type RecordedCase, recordedCases } from "../../../support/recorded.ts";
import { collected, list, obj, streamed, translate } from "./support.ts";

const CASES = recordedCases(({ api }) => api === "gemini.generateContent" || api === "gemini.streamGenerateContent");
const ANSWERS = CASES.filter(({ status }) => status === 200);

interface Meaning {
	readonly text: string;
	readonly reasoning: string;
	readonly calls: readonly { readonly name: string; readonly args: JsonValue }[];
	readonly signatures: readonly string[];
	readonly finish: string;
	readonly prompt: number;
	readonly promptWithTools: number;
	readonly completion: number;
	readonly cached: number;
	readonly thoughts: number | undefined;
	readonly id: string | undefined;
	readonly model: string | undefined;
	readonly cited: readonly string[];
}

/** Read off the raw recording by the table of the fixtures' README, with nothing of the translator's. */
function oracle(recorded: RecordedCase): Meaning {
	const body = recorded.response.body.toString();
	const documents = recorded.stream
		? body
				.split("\n")
				.filter((line) => line.startsWith("data:"))
				.map((line) => obj(JSON.parse(line.slice(5))))
		: [obj(JSON.parse(body))];
	const candidates = documents.flatMap((document) =>
		document.candidates === undefined ? [] : list(document.candidates),
	);
	const parts = candidates.flatMap((candidate) => {
		const content = candidate.content;
		return isJsonObject(content) && content.parts !== undefined ? list(content.parts) : [];
	});
	const calls = readCalls(parts);
	const reason = candidates.map(({ finishReason }) => finishReason).findLast((found) => found !== undefined);
	const usage = documents
		.map(({ usageMetadata }) => usageMetadata)
		.findLast((found) => isJsonObject(found) && found.promptTokenCount !== undefined);
	const counts = isJsonObject(usage) ? usage : {};
	const number = (name: string) => Number(counts[name] ?? 0);
	const said = (wanted: boolean) =>
		parts
			.filter(({ thought, text }) => (thought === true) === wanted && typeof text === "string")
			.map(({ text }) => text)
			.join("");
	const facts = (name: string) => documents.map((document) => document[name]).find((value) => value !== undefined);
	return {
		text: said(false),
		reasoning: said(true),
		calls,
		signatures: parts.flatMap(({ thoughtSignature }) =>
			thoughtSignature === undefined ? [] : [String(thoughtSignature)],
		),
		finish: calls.length > 0 && reason === "STOP" ? "tool_calls" : reason === "STOP" ? "stop" : String(reason),
		prompt: number("promptTokenCount"),
		promptWithTools: number("promptTokenCount") + number("toolUsePromptTokenCount"),
		completion: number("candidatesTokenCount") + number("thoughtsTokenCount"),
		cached: number("cachedContentTokenCount"),
		thoughts: typeof counts.thoughtsTokenCount !== "number" ? undefined : number("thoughtsTokenCount"),
		id: facts("responseId") === undefined ? undefined : String(facts("responseId")),
		model: facts("modelVersion") === undefined ? undefined : String(facts("modelVersion")),
		cited: citedTexts(candidates),
	};
}

/** Recorded arguments in pieces have one level and text only. */
function readCalls(parts: readonly JsonObject[]): { name: string; args: JsonObject }[] {
	const calls: { name: string; args: JsonObject }[] = [];
	for (const { functionCall } of parts) {
		if (!isJsonObject(functionCall)) {
			continue;
		}
		if (functionCall.name !== undefined) {
			calls.push({ name: String(functionCall.name), args: isJsonObject(functionCall.args) ? functionCall.args : {} });
		}
		for (const { jsonPath, stringValue } of functionCall.partialArgs === undefined
			? []
			: list(functionCall.partialArgs)) {
			const args = calls.at(-1)?.args ?? {};
			const name = String(jsonPath).slice(2);
			args[name] = `${args[name] ?? ""}${stringValue}`;
		}
	}
	return calls;
}

/** What each citation's segment says, once for each source of it. */
function citedTexts(candidates: readonly JsonObject[]): string[] {
	return candidates.flatMap(({ groundingMetadata }) => {
		const supports = isJsonObject(groundingMetadata) ? groundingMetadata.groundingSupports : undefined;
		return (supports === undefined ? [] : list(supports)).flatMap(({ segment, groundingChunkIndices }) =>
			(Array.isArray(groundingChunkIndices) ? groundingChunkIndices : []).map(() => String(obj(segment).text)),
		);
	});
}

function expectMeaning(message: JsonObject, choice: JsonObject, usage: JsonObject, meaning: Meaning): void {
	expect(message.content ?? "").toBe(meaning.text);
	expect(message.reasoning_content ?? "").toBe(meaning.reasoning);
	const calls = message.tool_calls === undefined ? [] : list(message.tool_calls);
	expect(
		calls
			.map((call) => obj(call.function))
			.map(({ name, arguments: args }) => ({ name, args: JSON.parse(String(args)) })),
	).toEqual([...meaning.calls]);
	expect(new Set(calls.map(({ id }) => id)).size).toBe(calls.length);
	expect(choice.finish_reason).toBe(meaning.finish);
	expect([meaning.prompt, meaning.promptWithTools]).toContain(Number(usage.prompt_tokens));
	expect(usage.completion_tokens).toBe(meaning.completion);
	expect(obj(usage.prompt_tokens_details).cached_tokens).toBe(meaning.cached);
	expect(obj(usage.completion_tokens_details).reasoning_tokens).toBe(meaning.thoughts);
	const details = message.reasoning_details === undefined ? [] : list(message.reasoning_details);
	const sealed = details.map(({ data, signature }) => data ?? signature).filter((seal) => seal !== undefined);
	expect(sealed).toEqual([...meaning.signatures]);
	expect(citedBy(message)).toEqual([...meaning.cited].sort());
}

function citedBy(message: JsonObject): string[] {
	const spans = [
		...(message.annotations === undefined
			? []
			: list(message.annotations).map(({ url_citation }) => obj(url_citation))),
		...(message.citations === undefined ? [] : list(message.citations)),
	];
	const content = String(message.content ?? "");
	return spans.map(({ start_index, end_index }) => content.slice(Number(start_index), Number(end_index))).sort();
}

function translationOf(recorded: RecordedCase) {
	const model = recorded.model ?? "gemini";
	const on = recorded.id.startsWith("vertex") ? "vertex" : "gemini";
	return translate({ messages: [{ role: "user", content: "x" }], stream: recorded.stream }, model, on);
}

describe("every recorded answer says in chat what it says on the wire", () => {
	test("there are recordings of both kinds", () => {
		expect(ANSWERS.filter(({ stream }) => stream).length).toBeGreaterThan(30);
		expect(ANSWERS.filter(({ stream }) => !stream).length).toBeGreaterThan(30);
	});

	test.each(ANSWERS.filter(({ stream }) => !stream).map((recorded) => [recorded.id, recorded] as const))(
		"%s",
		(_id, recorded) => {
			const meaning = oracle(recorded);
			const answer = obj(translationOf(recorded).whole(obj(JSON.parse(recorded.response.body.toString()))));
			const [choice, ...others] = list(answer.choices);
			expect(others).toEqual([]);
			expectMeaning(obj(choice?.message), obj(choice), obj(answer.usage), meaning);
			expect(answer.id).toBe(meaning.id ?? "chatcmpl-a1");
			expect(answer.model).toBe(meaning.model ?? recorded.model ?? "gemini");
			expect(answer.object).toBe("chat.completion");
		},
	);

	test.each(ANSWERS.filter(({ stream }) => stream).map((recorded) => [recorded.id, recorded] as const))(
		"%s",
		(_id, recorded) => {
			const meaning = oracle(recorded);
			const whole = collected(streamed(translationOf(recorded), [recorded.response.body]));
			const [choice, ...others] = whole.choices;
			expect(others).toEqual([]);
			expectMeaning(obj(choice?.message), obj(choice), obj(whole.usage), meaning);
			expect(choice?.finishes).toBe(1);
			expect([...whole.ids]).toEqual([meaning.id ?? "chatcmpl-a1"]);
			expect([...whole.models]).toEqual([meaning.model ?? recorded.model ?? "gemini"]);
			expect(whole.done).toBe(true);
		},
	);

	test.each(ANSWERS.filter(({ stream }) => stream).map((recorded) => [recorded.id, recorded] as const))(
		"cut short, %s does not end",
		(_id, recorded) => {
			const text = recorded.response.body.toString();
			const cut = text.slice(0, text.lastIndexOf("data:"));
			const events = streamed(translationOf(recorded), [Buffer.from(cut)]);
			const hasReason = cut.includes('"finishReason"');
			expect(events.some(({ data }) => data === "[DONE]")).toBe(hasReason);
			expect(events.some(({ data }) => data.includes('"finish_reason":"'))).toBe(hasReason);
		},
	);
});

describe("every recorded failure", () => {
	const failures = CASES.filter(({ status }) => status !== 200);
	test("keeps its message, and is sorted", () => {
		const sorted = failures.map((recorded) => {
			const body = obj(JSON.parse(recorded.response.body.toString()));
			const fault = translationOf(recorded).readFault(body, recorded.status);
			expect(fault.message).toBe(String(obj(body.error).message));
			return [recorded.status, fault.status, fault.code, fault.retryAfterMs];
		});
		expect(sorted).toEqual([
			[429, 429, "rate_limit_exceeded", 34_400],
			[400, 401, "invalid_api_key", undefined],
			[400, 400, "context_length_exceeded", undefined],
		]);
	});
});

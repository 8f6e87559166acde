import { describe, expect, test } from "bun:test";
import { readerOf } from "../../../src/dialects/registry.ts";
import type { AnswerReader, OperationId, StreamStep } from "../../../src/dialects/types.ts";
import { isJsonObject, type JsonObject } from "../../../src/lib/json-types.ts";
import { completionTokens, promptTokens, type Usage } from "../../../src/lib/usage.ts";
import { type RecordedCase, recordedCases } from "../../support/recorded.ts";
import { type ParsedStream, parseSse } from "../../support/sse-events.ts";

const OPERATION_OF: Readonly<Record<string, OperationId>> = {
	"openai.chat": "chat",
	"openai.responses": "responses",
	"openai.completions": "completions",
	"openai.embeddings": "embeddings",
	"openai.moderations": "moderations",
	"openai.images": "images.generations",
	"openai.transcriptions": "audio.transcriptions",
};

/** Made by hand at its source: the first and the last event lack a brace. */
const NOT_JSON = "openai/ai.openai_responses_parallel-tool-call-wrapper.1.chunks.0";
/** Azure refuses a prompt with status 200 and an error inside. */
const ERROR_IN_SUCCESS = "azure/openllmetry.test_azure_test_prompt_content_filtering.0";
/** A model whose tokens all went into hidden reasoning: a stream without output, and complete. */
const NO_OUTPUT = "openai/ai-gateway.chat-streaming-detailed-usage.0";
/** Ollama's native endpoint, filed under OpenAI's name: its answer has no usage and its request no input. */
const NATIVE_OLLAMA = "ollama/openllmetry.test_embeddings_test_ollama_embeddings_legacy.0";

const answered = recordedCases((entry) => entry.api in OPERATION_OF && entry.status === 200);
const plain = answered.filter((recorded) => !recorded.stream && recorded.id !== ERROR_IN_SUCCESS);
const streamed = answered.filter((recorded) => recorded.stream);

describe("recorded answers", () => {
	test("there are hundreds of them", () => {
		expect({ plain: plain.length > 300, streamed: streamed.length > 240 }).toEqual({ plain: true, streamed: true });
	});

	test.each(plain.map((recorded) => [recorded.id, recorded] as const))("usage of %s", (id, recorded) => {
		const answer = JSON.parse(recorded.response.body.toString());
		const usage = readerFor(recorded).usage(answer);
		const stated = isJsonObject(answer.usage) ? answer.usage : undefined;
		if (recorded.api === "openai.images") {
			expect(usage?.images).toBe(answer.data.length);
		} else if (recorded.api === "openai.transcriptions") {
			expect(usage?.seconds).toBe(secondsIn(answer, stated));
		} else if (stated === undefined) {
			expect([NATIVE_OLLAMA, "moderation"].some((known) => id.includes(known))).toBe(true);
			expect(usage).toBeUndefined();
		} else {
			expectRebucketed(usage, stated, recorded.api);
		}
		expect(readerFor(recorded).fault(answer)).toBeUndefined();
	});

	test("an error inside a success is a fault", () => {
		const [recorded] = answered.filter((entry) => entry.id === ERROR_IN_SUCCESS);
		const answer = JSON.parse(recorded?.response.body.toString() ?? "{}");
		expect(readerOf.chat.fault(answer)).toMatchObject({ status: 400, code: "content_filter" });
		expect(readerOf.chat.usage(answer)).toBeUndefined();
	});

	test("an answer with text has an estimate of its tokens near the provider's count", () => {
		const ratios = plain.flatMap((recorded) => {
			const reader = readerFor(recorded);
			const answer = JSON.parse(recorded.response.body.toString());
			const counted = reader.usage(answer);
			const visible = counted === undefined ? 0 : counted.output;
			return visible >= 50 ? [reader.outputTokensSeen(answer) / visible] : [];
		});
		const middle = ratios.toSorted((left, right) => left - right)[Math.floor(ratios.length / 2)] ?? 0;
		expect({ enough: ratios.length > 50, fair: middle > 0.7 && middle < 1.4 }).toEqual({ enough: true, fair: true });
	});
});

describe("recorded streams", () => {
	const sound = streamed.filter((recorded) => recorded.id !== NOT_JSON);

	test.each(sound.map((recorded) => [recorded.id, recorded] as const))("%s", (_id, recorded) => {
		const stream = firstAnswer(parseSse(recorded.response.body.toString()));
		const failing = recorded.shows.includes("stream-error") && stream.data.some((data) => data.includes('"error":{'));
		const reader = readerFor(recorded).openStream();
		const steps: StreamStep[] = [];
		const finishedAt: boolean[] = [];
		stream.data.forEach((data, index) => {
			steps.push(reader.step({ name: stream.names[index] ?? "", data }));
			finishedAt.push(reader.finished());
		});
		expect(steps).not.toContain("malformed");
		if (failing) {
			expect(reader.fault()?.message).toBeString();
			expect(steps).toContain("error");
			return;
		}
		expect(steps).not.toContain("error");
		expect({ finished: reader.finished(), last: steps.at(-1) }).toEqual({ finished: true, last: "end" });
		expect(finishedAt.indexOf(true)).toBeGreaterThan(steps.lastIndexOf("content") - 2);
		expect(steps.includes("content")).toBe(recorded.id !== NO_OUTPUT);
		expect(reader.outputTokensSeen() > 0).toBe(recorded.id !== NO_OUTPUT);
		const stated = lastUsage(stream);
		if (stated === undefined) {
			expect(reader.usage()).toBeUndefined();
		} else {
			expectRebucketed(reader.usage(), stated, recorded.api);
		}
		expect(reader.objectId()).toBe(recorded.api === "openai.responses" ? responseId(stream) : undefined);
	});

	test("an event that is not JSON is malformed and the rest is still read", () => {
		const [recorded] = streamed.filter((entry) => entry.id === NOT_JSON);
		const reader = readerOf.responses.openStream();
		const { data } = parseSse(recorded?.response.body.toString() ?? "");
		const steps = data.map((text) => reader.step({ name: "", data: text }));
		expect(steps.filter((step) => step === "malformed")).toHaveLength(2);
		expect(steps).toContain("content");
		expect(reader.finished()).toBe(false);
	});
});

function readerFor(recorded: RecordedCase): AnswerReader {
	return readerOf[OPERATION_OF[recorded.api] ?? "chat"];
}

/** The numbers as recorded, against the sums of the buckets: an oracle that knows nothing of how they are split. */
function expectRebucketed(usage: Usage | undefined, stated: JsonObject, api: string): void {
	const number = (value: unknown): number => (typeof value === "number" ? value : 0);
	const inner = (name: string): JsonObject => (isJsonObject(stated[name]) ? stated[name] : {});
	const prompt = number(stated.prompt_tokens ?? stated.input_tokens);
	const promptDetails = { ...inner("prompt_tokens_details"), ...inner("input_tokens_details") };
	const cached = Math.min(
		prompt,
		number(
			promptDetails.cached_tokens ?? stated.prompt_cache_hit_tokens ?? stated.num_cached_tokens ?? stated.cached_tokens,
		),
	);
	const generated = api === "openai.embeddings" ? 0 : number(stated.completion_tokens ?? stated.output_tokens);
	const completionDetails = { ...inner("completion_tokens_details"), ...inner("output_tokens_details") };
	const reasoning = number(completionDetails.reasoning_tokens);
	const total = number(stated.total_tokens);
	const beside = reasoning > generated || (reasoning > 0 && total === prompt + generated + reasoning);
	expect(usage).toBeDefined();
	expect(usage === undefined ? undefined : promptTokens(usage)).toBe(prompt);
	expect(usage === undefined ? undefined : completionTokens(usage)).toBe(generated + (beside ? reasoning : 0));
	expect(usage).toMatchObject({ cacheRead: cached, reasoning, images: 0, seconds: 0 });
	expect(Object.values(usage ?? {}).every((amount) => Number.isSafeInteger(amount) && amount >= 0)).toBe(true);
}

function secondsIn(answer: JsonObject, stated: JsonObject | undefined): number | undefined {
	const value = stated?.seconds ?? stated?.prompt_audio_seconds ?? answer.duration;
	return typeof value === "number" ? Math.ceil(value) : undefined;
}

/** Some recordings of Responses hold the answers of a whole agent loop, one after the other. */
function firstAnswer(stream: ParsedStream): ParsedStream {
	const last = stream.data.findIndex((data) => /^\{"type":\s*"response\.(?:completed|incomplete)"/.test(data));
	return last === -1 ? stream : { ...stream, data: stream.data.slice(0, last + 1) };
}

function objects(stream: ParsedStream): JsonObject[] {
	return stream.data.filter((data) => data.startsWith("{")).map((data) => JSON.parse(data));
}

function lastUsage(stream: ParsedStream): JsonObject | undefined {
	let last: JsonObject | undefined;
	for (const chunk of objects(stream)) {
		const response = isJsonObject(chunk.response) ? chunk.response : chunk;
		const note = isJsonObject(chunk.x_groq) ? chunk.x_groq.usage : undefined;
		const usage = response.usage ?? note;
		last = isJsonObject(usage) ? usage : last;
	}
	return last;
}

function responseId(stream: ParsedStream): string | undefined {
	const [first] = objects(stream);
	return isJsonObject(first?.response) && typeof first.response.id === "string" ? first.response.id : undefined;
}

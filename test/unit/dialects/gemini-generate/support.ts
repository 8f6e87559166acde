import { geminiGenerate, geminiGenerateOnVertex } from "../../../../src/dialects/gemini-generate/translator.ts";
import type { Target, Translation } from "../../../../src/dialects/translation.ts";
import type { SseEvent } from "../../../../src/dialects/types.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../../../src/lib/json-types.ts";
import { createSseSplitter } from "../../../../src/transport/sse.ts";

export const FLASH_3 = "gemini-3-flash-preview";
export const FLASH_25 = "gemini-2.5-flash";

export function target(model: string, stream = false): Target {
	return { model, stream, outputTokensMax: 4_096, answerId: "a1", createdAtSeconds: 1_800_000_000 };
}

export function translate(request: JsonObject, model = FLASH_3, on: "gemini" | "vertex" = "gemini"): Translation {
	const translator = on === "vertex" ? geminiGenerateOnVertex : geminiGenerate;
	return translator.translate(request, target(model, request.stream === true));
}

export const HELLO: JsonObject = { messages: [{ role: "user", content: "Hello" }] };

/** The wire body of a plain request with these fields. */
export function bodyOf(fields: JsonObject, model = FLASH_3, on: "gemini" | "vertex" = "gemini"): JsonObject {
	return translate({ ...HELLO, ...fields }, model, on).body;
}

export function configOf(fields: JsonObject, model = FLASH_3): JsonObject {
	return obj(bodyOf(fields, model).generationConfig ?? {});
}

export function droppedOf(fields: JsonObject, model = FLASH_3, on: "gemini" | "vertex" = "gemini"): readonly string[] {
	return translate({ ...HELLO, ...fields }, model, on).dropped;
}

export function contentsOf(messages: JsonValue[], model = FLASH_3, on: "gemini" | "vertex" = "gemini"): JsonValue {
	return translate({ messages }, model, on).body.contents ?? null;
}

/** What was promised to be an object. @throws Error when it is none. */
export function obj(value: unknown): JsonObject {
	if (!isJsonObject(value)) {
		throw new Error(`not an object: ${JSON.stringify(value)}`);
	}
	return value;
}

export function list(value: unknown): JsonObject[] {
	if (!Array.isArray(value)) {
		throw new Error(`not a list: ${JSON.stringify(value)}`);
	}
	return value.map(obj);
}

export function sse(documents: readonly unknown[]): string {
	return documents.map((document) => `data: ${JSON.stringify(document)}\r\n\r\n`).join("");
}

/** The client's events for the bytes of a stream that arrive in these pieces. */
export function streamed(translation: Translation, pieces: readonly Uint8Array[]): SseEvent[] {
	const splitter = createSseSplitter();
	const stream = translation.openStream();
	const events: SseEvent[] = [];
	const frames = [...pieces.flatMap((piece) => splitter.push(piece)), ...splitter.end()];
	for (const { event } of frames) {
		const step = event === undefined ? [] : stream.step(event);
		if (step === "malformed") {
			throw new Error("malformed");
		}
		events.push(...step);
	}
	return [...events, ...stream.end()];
}

export function streamedText(translation: Translation, text: string): SseEvent[] {
	return streamed(translation, [new TextEncoder().encode(text)]);
}

/** A stream's chunks put together as a client would, by OpenAI's rules. */
export function collected(events: readonly SseEvent[]): {
	readonly choices: JsonObject[];
	readonly usage: JsonValue | undefined;
	readonly ids: ReadonlySet<string>;
	readonly models: ReadonlySet<string>;
	readonly done: boolean;
} {
	const choices = new Map<number, JsonObject>();
	const ids = new Set<string>();
	const models = new Set<string>();
	let usage: JsonValue | undefined;
	for (const event of events.filter(({ data }) => data !== "[DONE]")) {
		const chunk = obj(JSON.parse(event.data));
		ids.add(String(chunk.id));
		models.add(String(chunk.model));
		usage = chunk.usage ?? usage;
		for (const choice of list(chunk.choices)) {
			const index = Number(choice.index);
			const whole = choices.get(index) ?? { message: {}, finish_reason: null, finishes: 0 };
			choices.set(index, whole);
			addDelta(obj(whole.message), obj(choice.delta));
			addLogprobs(whole, choice.logprobs);
			if (choice.finish_reason !== null) {
				whole.finish_reason = choice.finish_reason;
				whole.finishes = Number(whole.finishes) + 1;
			}
		}
	}
	const sorted = [...choices].sort(([left], [right]) => left - right).map(([, choice]) => choice);
	return { choices: sorted, usage, ids, models, done: events.at(-1)?.data === "[DONE]" };
}

function addLogprobs(whole: JsonObject, logprobs: JsonValue | undefined): void {
	if (isJsonObject(logprobs)) {
		const before = isJsonObject(whole.logprobs) ? list(whole.logprobs.content) : [];
		whole.logprobs = { content: [...before, ...list(logprobs.content)], refusal: null };
	}
}

function addDelta(message: JsonObject, delta: JsonObject): void {
	for (const [name, value] of Object.entries(delta)) {
		const before = message[name];
		if (name === "tool_calls") {
			message.tool_calls = addCalls(before === undefined ? [] : list(before), list(value));
		} else if (name === "audio") {
			const sound = before === undefined ? {} : obj(before);
			const parts = [sound.data, obj(value).data].map((data) => Buffer.from(String(data ?? ""), "base64"));
			message.audio = { ...sound, ...obj(value), data: Buffer.concat(parts).toString("base64") };
		} else if (Array.isArray(value) && Array.isArray(before)) {
			message[name] = [...before, ...value];
		} else if (typeof value === "string" && typeof before === "string" && name !== "role") {
			message[name] = before + value;
		} else if (value !== null || before === undefined) {
			message[name] = value;
		}
	}
}

function addCalls(calls: readonly JsonObject[], deltas: readonly JsonObject[]): JsonObject[] {
	const all = [...calls];
	for (const { index, ...delta } of deltas) {
		const place = Number(index);
		const before = all[place];
		if (before === undefined) {
			all[place] = delta;
			continue;
		}
		const field = delta.custom === undefined ? "function" : "custom";
		const words = field === "custom" ? "input" : "arguments";
		const inner = obj(before[field]);
		all[place] = { ...before, [field]: { ...inner, [words]: `${inner[words]}${obj(delta[field])[words]}` } };
	}
	return all;
}

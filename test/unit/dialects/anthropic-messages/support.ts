import { anthropicMessages } from "../../../../src/dialects/anthropic-messages/translator.ts";
import type { Target, Translation, Translator } from "../../../../src/dialects/translation.ts";
import type { SseEvent } from "../../../../src/dialects/types.ts";
import { isJsonObject, type JsonObject } from "../../../../src/lib/json-types.ts";
import { createSseSplitter } from "../../../../src/transport/sse.ts";

export const TARGET: Target = {
	model: "claude-sonnet-4-5",
	stream: false,
	outputTokensMax: 4_096,
	answerId: "a1",
	createdAtSeconds: 1_700_000_000,
};

export interface Asked {
	readonly model?: string;
	readonly stream?: boolean;
	readonly by?: Translator;
	readonly outputTokensMax?: number;
}

/** A chat request translated, with one user turn where none is given. */
export function translated(request: JsonObject, { by = anthropicMessages, ...target }: Asked = {}): Translation {
	return by.translate(
		{ model: "alias", messages: [{ role: "user", content: "Hi" }], ...request },
		{ ...TARGET, ...target },
	);
}

/** What a chat answer says, whole or streamed. */
export interface Said {
	readonly id: string;
	readonly text: string;
	readonly reasoning: string;
	readonly refusal: string;
	readonly calls: readonly { id: string; name: string; arguments: string }[];
	readonly details: readonly JsonObject[];
	readonly annotations: readonly JsonObject[];
	readonly citations: readonly JsonObject[];
	readonly finish: string | undefined;
	readonly usage: JsonObject | undefined;
}

export function saidWhole(answer: JsonObject): Said {
	const choice = objects(answer.choices)[0] ?? {};
	const message = isJsonObject(choice.message) ? choice.message : {};
	return {
		id: text(answer.id),
		text: text(message.content),
		reasoning: text(message.reasoning_content),
		refusal: text(message.refusal),
		calls: objects(message.tool_calls).map((call) => ({ id: text(call.id), ...described(call) })),
		details: objects(message.reasoning_details),
		annotations: objects(message.annotations),
		citations: objects(message.citations),
		finish: text(choice.finish_reason) || undefined,
		usage: isJsonObject(answer.usage) ? answer.usage : undefined,
	};
}

/** Adds a stream up as a client does. Throws where chunks disagree about the id or more than one finish is told. */
export function saidStreamed(events: readonly SseEvent[]): Said {
	const chunks = events.flatMap(({ data }) => (data === "[DONE]" ? [] : [JSON.parse(data) as JsonObject]));
	const ids = new Set(chunks.flatMap((chunk) => (chunk.error === undefined ? [text(chunk.id)] : [])));
	const choices = chunks.flatMap((chunk) => objects(chunk.choices));
	const deltas = choices.map(({ delta }) => (isJsonObject(delta) ? delta : {}));
	const finishes = choices.flatMap((choice) => text(choice.finish_reason) || []);
	if (ids.size > 1 || finishes.length > 1) {
		throw new Error(`${ids.size} ids, ${finishes.length} finishes`);
	}
	const joined = (field: string) => deltas.map((delta) => text(delta[field])).join("");
	const calls: { id: string; name: string; arguments: string }[] = [];
	for (const call of deltas.flatMap((delta) => objects(delta.tool_calls))) {
		const index = Number(call.index);
		const { name, arguments: fragment } = described(call);
		const known = calls[index];
		calls[index] = known
			? { ...known, arguments: known.arguments + fragment }
			: { id: text(call.id), name, arguments: fragment };
	}
	return {
		id: [...ids][0] ?? "",
		text: joined("content"),
		reasoning: joined("reasoning_content"),
		refusal: joined("refusal"),
		calls,
		details: deltas.flatMap((delta) => objects(delta.reasoning_details)),
		annotations: deltas.flatMap((delta) => objects(delta.annotations)),
		citations: deltas.flatMap((delta) => objects(delta.citations)),
		finish: finishes[0],
		usage: chunks.map(({ usage }) => usage).findLast(isJsonObject),
	};
}

/** Runs events of the provider through a translation. */
export function streamed(translation: Translation, events: readonly (JsonObject | string)[]): SseEvent[] {
	const stream = translation.openStream();
	const told = events.flatMap((event) => {
		const data = typeof event === "string" ? event : JSON.stringify(event);
		const step = stream.step({ name: "", data });
		return step === "malformed" ? [] : step;
	});
	return [...told, ...stream.end()];
}

/** The bytes of a recorded stream as events, cut at these places. */
export function eventsOf(bytes: Uint8Array, cuts: readonly number[] = []): SseEvent[] {
	const splitter = createSseSplitter();
	const places = [0, ...[...cuts].sort((a, b) => a - b), bytes.length];
	return places
		.slice(1)
		.flatMap((end, index) => splitter.push(bytes.slice(places[index], end)).flatMap(({ event }) => event ?? []));
}

export function message(content: JsonObject[], rest: JsonObject = {}): JsonObject {
	return {
		id: "msg_1",
		type: "message",
		role: "assistant",
		model: "claude-sonnet-4-5",
		content,
		stop_reason: "end_turn",
		stop_sequence: null,
		usage: { input_tokens: 10, output_tokens: 5 },
		...rest,
	};
}

export function objects(value: unknown): JsonObject[] {
	return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

export function text(value: unknown): string {
	return typeof value === "string" ? value : "";
}

function described(call: JsonObject): { name: string; arguments: string } {
	const inner = isJsonObject(call.custom) ? call.custom : isJsonObject(call.function) ? call.function : {};
	return { name: text(inner.name), arguments: text(inner.arguments) + text(inner.input) };
}

import { cohereV2 } from "../../../../src/dialects/cohere-v2/translator.ts";
import { DONE } from "../../../../src/dialects/event-data.ts";
import type { Target, Translation } from "../../../../src/dialects/translation.ts";
import type { SseEvent } from "../../../../src/dialects/types.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../../../src/lib/json-types.ts";
import { createSseSplitter } from "../../../../src/transport/sse.ts";

const TARGET: Target = {
	model: "command-a-03-2025",
	stream: false,
	outputTokensMax: 4_096,
	answerId: "01J",
	createdAtSeconds: 1_700_000_000,
};

export function translated(fields: JsonObject = {}, target: Partial<Target> = {}): Translation {
	const messages = [{ role: "user", content: "Hello" }];
	return cohereV2.translate({ model: "alias", messages, ...fields }, { ...TARGET, ...target });
}

/** The client's events for the provider's, `end` included; malformed ones are left out. */
export function clientEvents(events: readonly SseEvent[], translation: Translation): SseEvent[] {
	const stream = translation.openStream();
	const out = events.flatMap((event) => {
		const step = stream.step(event);
		return step === "malformed" ? [] : step;
	});
	return [...out, ...stream.end()];
}

/** The events in the bytes of a stream, however they are cut. */
export function splitBytes(bytes: Uint8Array, cuts: readonly number[] = []): SseEvent[] {
	const splitter = createSseSplitter();
	const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].toSorted((left, right) => left - right);
	const pieces = [0, ...places].map((start, index) => bytes.slice(start, places[index] ?? bytes.length));
	return pieces.flatMap((piece) => splitter.push(piece)).flatMap(({ event }) => (event === undefined ? [] : [event]));
}

export function chunksOf(events: readonly SseEvent[]): JsonObject[] {
	return events.filter(({ data }) => data !== DONE).map(({ data }) => JSON.parse(data));
}

/** A stream added up the way a client's SDK does it. */
export interface Collected {
	readonly ids: ReadonlySet<JsonValue | undefined>;
	readonly text: string | null;
	readonly reasoning: string;
	readonly details: JsonValue | undefined;
	readonly calls: readonly { readonly id: string; readonly name: string; readonly arguments: string }[];
	readonly citations: JsonValue | undefined;
	readonly annotations: JsonValue | undefined;
	readonly reasons: readonly JsonValue[];
	readonly usage: JsonValue | undefined;
	readonly error: JsonObject | undefined;
	readonly isDone: boolean;
}

export function collect(events: readonly SseEvent[]): Collected {
	const chunks = chunksOf(events);
	const deltas: JsonObject[] = [];
	const reasons: JsonValue[] = [];
	const calls: { id: string; name: string; arguments: string }[] = [];
	for (const chunk of chunks) {
		for (const choice of objects(chunk.choices)) {
			deltas.push(isJsonObject(choice.delta) ? choice.delta : {});
			reasons.push(...(choice.finish_reason === null ? [] : [choice.finish_reason ?? "absent"]));
		}
	}
	for (const call of deltas.flatMap((delta) => objects(delta.tool_calls))) {
		const described = [call.function, call.custom].find(isJsonObject) ?? {};
		const index = Number(call.index);
		calls[index] ??= { id: String(call.id), name: String(described.name), arguments: "" };
		calls[index].arguments += String(described.arguments ?? described.input);
	}
	const joined = (name: string) => deltas.map((delta) => delta[name] ?? "").join("");
	const only = (name: string) => deltas.find((delta) => delta[name] !== undefined)?.[name];
	return {
		ids: new Set(chunks.filter(({ error }) => error === undefined).map(({ id }) => id)),
		text: joined("content"),
		reasoning: joined("reasoning_content"),
		details: only("reasoning_details"),
		calls,
		citations: only("citations"),
		annotations: only("annotations"),
		reasons,
		usage: chunks.find(({ usage }) => usage !== undefined)?.usage,
		error: chunks.map(({ error }) => error).find(isJsonObject),
		isDone: events.at(-1)?.data === DONE,
	};
}

export function objects(list: unknown): JsonObject[] {
	return Array.isArray(list) ? list.filter(isJsonObject) : [];
}

/** The one choice of a whole answer. */
export function messageOf(answer: JsonObject | undefined): JsonObject {
	const [choice] = objects(answer?.choices);
	return isJsonObject(choice?.message) ? choice.message : {};
}

/** The plan of its calls that an answer gives its client to keep. */
export function planIn(details: JsonValue | undefined): string {
	return objects(details)
		.filter(({ id }) => id === "tool_plan")
		.map(({ text }) => text)
		.join("");
}

export function event(json: JsonObject, name = ""): SseEvent {
	return { name, data: JSON.stringify(json) };
}

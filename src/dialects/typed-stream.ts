import { type JsonObject, objectOf, stringOf } from "../lib/json-types.ts";
import type { Usage } from "../lib/usage.ts";
import { DONE, eventJson } from "./event-data.ts";
import { declaredFault, readFault } from "./provider-fault.ts";
import type { ProviderFault, SseEvent, StreamReader, StreamStep } from "./types.ts";

/** What one event of a typed stream means. */
export interface TypedEvent {
	/** `last`: the terminal event; `failed`: the terminal event of a failure. */
	readonly step: "content" | "meta" | "last" | "failed";
	/** Estimated tokens of the output it holds; undefined = it holds none. */
	readonly tokens?: number | undefined;
	readonly usage?: Usage | undefined;
	readonly objectId?: string | undefined;
	/** The whole object that the stream was about. */
	readonly answer?: JsonObject | undefined;
	/** Where the failure is told; the event itself when undefined. */
	readonly failure?: JsonObject | undefined;
}

/**
 * Reads streams whose events say what they are (`{"type": "response.output_text.delta", …}`): Responses, images, audio.
 * They end with a typed event of their own; a `[DONE]` that some servers add is no end.
 * @param read Told each event once, in order. It may hold the state of one stream.
 */
export function openTypedStream(read: (type: string, event: JsonObject) => TypedEvent): StreamReader {
	let usage: Usage | undefined;
	let fault: ProviderFault | undefined;
	let objectId: string | undefined;
	let answer: JsonObject | undefined;
	let tokens = 0;
	let hasContent = false;
	let ended = false;

	function note(event: TypedEvent): void {
		usage = event.usage ?? usage;
		objectId ??= event.objectId;
		answer = event.answer ?? answer;
		if (event.tokens !== undefined) {
			tokens += Math.max(1, event.tokens);
		}
	}

	function step(event: SseEvent): StreamStep {
		if (ended || event.data.trim() === DONE) {
			return "meta";
		}
		const json = eventJson(event);
		if (json === undefined) {
			return "malformed";
		}
		const type = typeof json.type === "string" ? json.type : event.name;
		const meaning = read(type, json);
		note(meaning);
		const told = type === "error" || event.name === "error" ? readFault(json, undefined) : declaredFault(json);
		if (told !== undefined || meaning.step === "failed") {
			// The first words win: OpenAI says `error` and then repeats itself in `response.failed`.
			fault ??= told ?? readFault(meaning.failure ?? json, undefined);
			return "error";
		}
		const bringsFirst = !hasContent && meaning.tokens !== undefined;
		hasContent ||= meaning.step === "content" || bringsFirst;
		if (meaning.step !== "last") {
			return meaning.step === "content" ? "content" : "meta";
		}
		ended = true;
		return bringsFirst ? "content" : "end";
	}

	return {
		step,
		usage: () => usage,
		finished: () => ended,
		fault: () => fault,
		outputTokensSeen: () => Math.ceil(tokens),
		objectId: () => objectId,
		answer: () => answer,
	};
}

/** A text field of an event, "" when it is not one. */
export function eventText(event: JsonObject, name: string): string {
	return stringOf(event[name]);
}

export function eventObject(event: JsonObject, name: string): JsonObject {
	return objectOf(event[name]);
}

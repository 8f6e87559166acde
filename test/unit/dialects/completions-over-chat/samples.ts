import { DONE, jsonEvent } from "../../../../src/dialects/event-data.ts";
import type { StreamTranslator, Target } from "../../../../src/dialects/translation.ts";
import type { SseEvent } from "../../../../src/dialects/types.ts";
import { GatewayError } from "../../../../src/lib/errors.ts";
import type { JsonObject } from "../../../../src/lib/json-types.ts";

export const TARGET: Target = {
	model: "chatty-1",
	stream: false,
	outputTokensMax: 16,
	answerId: "01ANSWER",
	createdAtSeconds: 1_800_000_000,
};

export const DONE_EVENT: SseEvent = { name: "", data: DONE };

/** A chunk of chat with one choice in it. */
export function chunk(delta: JsonObject, rest: JsonObject = {}, fields: JsonObject = {}): SseEvent {
	const choice = { index: 0, delta, finish_reason: null, ...rest };
	return jsonEvent({
		id: "chatcmpl-1",
		object: "chat.completion.chunk",
		created: 5,
		model: "m",
		choices: [choice],
		...fields,
	});
}

/** What a stream says in the end; throws where it meets something malformed. */
export function play(stream: StreamTranslator, events: readonly SseEvent[]): SseEvent[] {
	const said = events.flatMap((event) => {
		const step = stream.step(event);
		if (step === "malformed") {
			throw new Error(`malformed: ${event.data}`);
		}
		return step;
	});
	return [...said, ...stream.end()];
}

export function json(event: SseEvent | undefined): JsonObject {
	return JSON.parse(event?.data ?? "null");
}

export function refusal(action: () => unknown): {
	status: number;
	param: string | undefined;
	code: string | undefined;
} {
	try {
		action();
	} catch (error) {
		if (error instanceof GatewayError) {
			return { status: error.status, param: error.param, code: error.code };
		}
		throw error;
	}
	throw new Error("nothing was refused");
}

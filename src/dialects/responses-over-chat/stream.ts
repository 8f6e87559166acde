import { isJsonObject, type JsonObject, type JsonValue, objectsIn } from "../../lib/json-types.ts";
import { DONE, eventJson, jsonEvent } from "../event-data.ts";
import { readFault } from "../provider-fault.ts";
import type { StreamTranslator } from "../translation.ts";
import type { ProviderFault, SseEvent } from "../types.ts";
import { type ComposingOptions, createComposer } from "./composer.ts";
import { choiceFault, faultBody, toldFault } from "./faults.ts";
import { type Ending, endingOf } from "./finish.ts";
import { readMessage } from "./message.ts";
import { logprobsOf, notesOf } from "./notes.ts";

/**
 * The chunks of a chat stream as the events of Responses. The usage comes after the finish, so the end is said at `[DONE]`,
 * or when the provider closes after its finish. Without a finish nothing is said: that stream was cut. OpenAI's own streams
 * of responses have no `[DONE]` (unlike Open Responses), and none is made here.
 */
export function openResponseStream(options: ComposingOptions): StreamTranslator {
	let events: SseEvent[] = [];
	const composer = createComposer({ ...options, sink: (event) => void events.push(jsonEvent(event, event.type)) });
	let hasBegun = false;
	let hasSpoken = false;
	let ended = false;
	let ending: Exclude<Ending, "failed"> | undefined;

	function take(): readonly SseEvent[] {
		const taken = events;
		events = [];
		return taken;
	}
	function end(): void {
		ended = true;
		composer.end(ending ?? "completed");
	}
	function fail(fault: ProviderFault): void {
		ended = true;
		composer.fail(faultBody(fault));
	}
	function readChoice(choice: JsonObject): void {
		// Some answer a streamed request with a whole message; others repeat the whole one beside each delta.
		const given = isJsonObject(choice.delta) ? choice.delta : hasSpoken ? undefined : choice.message;
		hasSpoken ||= isJsonObject(given);
		let logprobs: readonly JsonValue[] = logprobsOf(choice);
		for (const said of isJsonObject(given) ? readMessage(given) : []) {
			composer.hear(said, logprobs);
			if (said.kind === "text") {
				logprobs = [];
			}
		}
		const reason = choice.finish_reason;
		if (typeof reason !== "string" || reason === "") {
			return;
		}
		const found = endingOf(reason);
		if (found === "failed") {
			fail(choiceFault(choice));
		} else {
			// Some say it twice: the first word counts.
			ending ??= found;
		}
	}
	function readChunk(chunk: JsonObject): void {
		if (!Array.isArray(chunk.choices) && !isJsonObject(chunk.usage)) {
			return;
		}
		hasBegun = true;
		composer.begin(notesOf(chunk));
		const choices = objectsIn(chunk.choices);
		const first = choices.find(({ index }) => index === undefined || index === 0);
		if (first !== undefined) {
			readChoice(first);
		}
	}

	return {
		step(event) {
			if (ended) {
				return [];
			}
			if (event.data.trim() === DONE) {
				if (hasBegun) {
					end();
				}
				return take();
			}
			const chunk = eventJson(event);
			if (chunk === undefined) {
				return "malformed";
			}
			const fault = event.name === "error" ? readFault(chunk, undefined) : toldFault(chunk);
			if (fault === undefined) {
				readChunk(chunk);
			} else {
				fail(fault);
			}
			return take();
		},
		end() {
			if (!ended && ending !== undefined) {
				end();
			}
			return take();
		},
	};
}

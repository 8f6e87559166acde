import { isJsonObject, type JsonObject } from "../../lib/json-types.ts";
import { type ComposingOptions, createComposer } from "./composer.ts";
import { choiceFault, faultBody, toldFault } from "./faults.ts";
import { endingOf } from "./finish.ts";
import { readMessage, type Said } from "./message.ts";
import { logprobsOf, notesOf } from "./notes.ts";

/**
 * A whole chat completion as a response; a failure told inside as `{"error": …}`; undefined when it is no completion.
 * Made by the same hands as a stream, with nobody listening.
 */
export function wholeResponse(answer: JsonObject, options: ComposingOptions): JsonObject | undefined {
	const fault = toldFault(answer);
	if (fault !== undefined) {
		return { error: faultBody(fault) };
	}
	const choice = Array.isArray(answer.choices) ? answer.choices.find(isJsonObject) : undefined;
	if (choice === undefined) {
		return undefined;
	}
	const ending = endingOf(String(choice.finish_reason));
	if (ending === "failed") {
		return { error: faultBody(choiceFault(choice)) };
	}
	const composer = createComposer({ ...options, sink: () => undefined });
	composer.begin(notesOf(answer));
	const said = isJsonObject(choice.message) ? readMessage(choice.message) : [];
	let logprobs = logprobsOf(choice);
	for (const piece of whole(said)) {
		composer.hear(piece, logprobs);
		if (piece.kind === "text") {
			logprobs = [];
		}
	}
	return composer.end(ending);
}

/** Details first, so that sealed thinking stands before what it led to. */
function whole(said: readonly Said[]): Said[] {
	const isDetails = ({ kind }: Said): boolean => kind === "details";
	return [...said.filter((piece) => isDetails(piece)), ...said.filter((piece) => !isDetails(piece))];
}

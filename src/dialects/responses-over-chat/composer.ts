import type { JsonObject, JsonValue } from "../../lib/json-types.ts";
import type { Target } from "../translation.ts";
import type { Ending } from "./finish.ts";
import { createLine, type Say } from "./line.ts";
import type { Said } from "./message.ts";
import { createOutput } from "./output.ts";
import { createResource } from "./resource.ts";

/** What the provider says of the answer as a whole. The last word wins. */
export interface AnswerNotes {
	model?: string | undefined;
	serviceTier?: string | undefined;
	usage?: JsonObject | undefined;
	extra?: JsonObject | undefined;
}

/** Makes a response of what a model says, bit by bit or all at once: the same response either way. */
export interface Composer {
	/** Notes what is known, and says that the response has begun where that has not been said. */
	begin(notes: AnswerNotes): void;
	/** @param logprobs Of the text in it. */
	hear(said: Said, logprobs: readonly JsonValue[]): void;
	/** Says what is left, and the whole response. */
	end(ending: Exclude<Ending, "failed">): JsonObject;
	/** The whole response as it is to be kept; undefined before its end. */
	kept(): JsonObject | undefined;
	/** Says a failure: the last event. */
	fail(error: JsonObject): void;
}

export interface ComposerOptions {
	readonly request: JsonObject;
	readonly target: Target;
	readonly wantsEncrypted: boolean;
	readonly sink: Say;
	/** Told the composer of the answer: what it composed is asked for later. */
	readonly onComposer?: ((composer: Composer) => void) | undefined;
}

/** What an answer, whole or streamed, is composed by. */
export type ComposingOptions = Omit<ComposerOptions, "sink">;

export function createComposer({ request, target, wantsEncrypted, sink, onComposer }: ComposerOptions): Composer {
	const line = createLine(target.answerId, sink);
	const resource = createResource(request, target);
	const output = createOutput(line, target.answerId, wantsEncrypted);
	const known: AnswerNotes = {};
	let hasBegun = false;
	let ended: JsonObject | undefined;
	const composer: Composer = {
		begin(notes) {
			for (const [name, value] of Object.entries(notes)) {
				if (value !== undefined) {
					Object.assign(known, { [name]: value });
				}
			}
			if (!hasBegun) {
				hasBegun = true;
				const response = resource({ status: "in_progress", output: [], model: known.model });
				line.say("response.created", { response });
				line.say("response.in_progress", { response });
			}
		},
		hear: output.hear,
		end(ending) {
			const status = ending === "completed" ? "completed" : "incomplete";
			output.close(status);
			const response = resource({
				...known,
				status,
				incompleteReason: ending === "completed" ? undefined : ending,
				output: output.items(),
			});
			line.say(`response.${status}`, { response });
			ended = response;
			return response;
		},
		kept: () => ended && { ...ended, output: output.keptItems() },
		fail: (error) => line.say("error", { code: error.code, message: error.message, param: null, error }),
	};
	onComposer?.(composer);
	return composer;
}

import type { JsonObject } from "../../lib/json-types.ts";
import type { ChunkWriter } from "../chat-hub/chunks.ts";
import { createCitationNotes } from "./citations.ts";

/**
 * The text of a stream. Where a tool takes the answer, what the model says beside it is held back until it is clear that
 * the tool was not called: prose in front of JSON would spoil it.
 */
export interface StreamText {
	/** How much has been said, in UTF-16 units. */
	length(): number;
	say(words: string): void;
	/** Sources of the text from `start` to what has been said by now. */
	cite(citations: readonly JsonObject[], start: number): void;
	/** Notes that the tool was called, whose input is the text from now on; false where it had been called already. */
	answeredByTool(): boolean;
	answer(json: string): void;
	/** Text held back, and the sources. */
	close(): void;
}

export function createStreamText(writer: () => ChunkWriter, mayBeReplaced: boolean): StreamText {
	const notes = createCitationNotes();
	let length = 0;
	let held = "";
	let isReplaced = false;
	return {
		length: () => length,
		say(words) {
			length += words.length;
			if (mayBeReplaced) {
				held += words;
			} else {
				writer().text(words);
			}
		},
		cite: (citations, start) => notes.add([...citations], start, length),
		answeredByTool() {
			const isFirst = !isReplaced;
			isReplaced = true;
			return isFirst;
		},
		answer: (json) => writer().text(json),
		close() {
			if (isReplaced) {
				return;
			}
			writer().text(held);
			if (notes.annotations.length > 0) {
				writer().delta({ annotations: [...notes.annotations] });
			}
			if (notes.citations.length > 0) {
				writer().delta({ citations: [...notes.citations] });
			}
		},
	};
}

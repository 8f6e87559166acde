import type { ChunkWriter } from "../chat-hub/chunks.ts";

export type TextLine = ReturnType<typeof createTextLine>;

/**
 * The text of the message. Where a tool may carry the answer, words are held back until it is known whether it does: said
 * before it, they would make the answer no JSON.
 */
export function createTextLine(writer: ChunkWriter, holds: boolean) {
	let length = 0;
	let held = "";
	let mode: "words" | "held" | "json" = holds ? "held" : "words";
	return {
		length: () => length,
		isJson: () => mode === "json",
		add(words: string): void {
			length += words.length;
			if (mode === "held") {
				held += words;
			} else if (mode === "words") {
				writer.text(words);
			}
		},
		/** @returns Whether this is the first tool to carry the answer: another one would spoil it. */
		beginJson(): boolean {
			const isFirst = mode !== "json";
			mode = "json";
			held = "";
			return isFirst;
		},
		json: (fragment: string) => writer.text(fragment),
		release(): void {
			writer.text(held);
			held = "";
		},
	};
}

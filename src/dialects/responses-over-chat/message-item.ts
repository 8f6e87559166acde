import type { JsonObject, JsonValue } from "../../lib/json-types.ts";
import { type OutputItem, openFrame } from "./items.ts";
import type { Line } from "./line.ts";

export interface MessageItem extends OutputItem {
	readonly kind: "message";
	/** @param logprobs As chat gives them; [] where it gives none. */
	text(delta: string, logprobs: readonly JsonValue[]): void;
	refusal(delta: string): void;
	/** Citations of the text. Told in the stream while the text is open, and in the finished response in any case. */
	annotate(annotations: readonly JsonObject[]): void;
	/** Citations that have no address: the provider's own fields. */
	cite(citations: readonly JsonValue[]): void;
}

interface Part {
	readonly type: "output_text" | "refusal";
	readonly at: JsonObject;
	text: string;
	logprobs: JsonValue[];
	annotations: JsonObject[];
	citations: JsonValue[];
}

/** What a model says to the user: text and refusals, one part after the other. */
export function openMessage(line: Line): MessageItem {
	const place = line.place("msg");
	const parts: Part[] = [];
	let current: Part | undefined;
	const frame = openFrame(line, place, (status) => ({
		id: place.id,
		type: "message",
		status,
		role: "assistant",
		content: parts.map(partJson),
	}));

	function part(type: Part["type"]): Part {
		if (current?.type === type) {
			return current;
		}
		endPart();
		const at = { ...place.fields, content_index: parts.length };
		current = { type, at, text: "", logprobs: [], annotations: [], citations: [] };
		parts.push(current);
		line.say("response.content_part.added", { ...at, part: partJson(current) });
		return current;
	}
	function endPart(): void {
		if (current === undefined) {
			return;
		}
		const { type, at, text, logprobs } = current;
		const done = type === "refusal" ? { refusal: text } : { text, logprobs: [...logprobs] };
		line.say(`response.${type}.done`, { ...at, ...done });
		line.say("response.content_part.done", { ...at, part: partJson(current) });
		current = undefined;
	}
	/** The text that citations belong to: the last one said. */
	function cited(): Part | undefined {
		return parts.findLast(({ type }) => type === "output_text");
	}
	return {
		...frame,
		kind: "message",
		text(delta, logprobs) {
			const open = part("output_text");
			open.text += delta;
			open.logprobs.push(...logprobs);
			if (delta !== "" || logprobs.length > 0) {
				line.say("response.output_text.delta", { ...open.at, delta, logprobs: [...logprobs] });
			}
		},
		refusal(delta) {
			const open = part("refusal");
			open.text += delta;
			line.say("response.refusal.delta", { ...open.at, delta });
		},
		annotate(annotations) {
			const holder = cited();
			for (const annotation of annotations) {
				if (holder !== undefined && holder === current) {
					const annotationIndex = holder.annotations.length;
					line.say("response.output_text.annotation.added", {
						...holder.at,
						annotation_index: annotationIndex,
						annotation,
					});
				}
				holder?.annotations.push(annotation);
			}
		},
		cite: (citations) => void cited()?.citations.push(...citations),
		close(status) {
			endPart();
			frame.close(status);
		},
	};
}

function partJson({ type, text, annotations, logprobs, citations }: Part): JsonObject {
	return type === "refusal"
		? { type, refusal: text }
		: {
				type,
				text,
				annotations: [...annotations],
				logprobs: [...logprobs],
				...(citations.length === 0 ? {} : { citations: [...citations] }),
			};
}

import { isJsonObject, type JsonObject, type JsonValue, objectsIn } from "../../lib/json-types.ts";

/** What one content of an answer says, its parts told apart. */
export interface SaidContent {
	readonly text: string;
	readonly reasoning: string;
	readonly citations: readonly JsonObject[];
	readonly annotations: readonly JsonObject[];
	readonly images: readonly JsonObject[];
}

/** Reads the contents of one message, or of one choice of a stream: positions count on from one to the next. */
export interface ContentReader {
	read(content: JsonValue): SaidContent;
	/** Text that was held back, as it might have been the beginning said again. Once, at the end. */
	rest(): string;
}

/**
 * @param prefix The beginning of the answer that the client wrote, which is not said again.
 *
 * Mistral's content is a text, or a list of parts: text, thinking, references to documents and to tools, images.
 * A reference stands after the words it belongs to: those since the reference before it.
 * https://docs.mistral.ai/capabilities/citations https://docs.mistral.ai/capabilities/reasoning
 */
export function createContentReader(prefix = ""): ContentReader {
	const echo = createEchoFilter(prefix);
	let position = 0;
	let start = 0;
	let end = 0;

	/** Where the words are that a reference at this place belongs to. References in a row share theirs. */
	function span(): { start_index: number; end_index: number } {
		if (position > end) {
			start = end;
			end = position;
		}
		return { start_index: start, end_index: end };
	}

	function readPart(part: JsonObject, into: MutableContent): void {
		switch (part.type) {
			case "thinking":
				into.reasoning += thoughtText(part.thinking);
				break;
			case "reference":
				into.citations.push({ ...part, ...span() });
				break;
			case "tool_reference":
				readToolReference(part, into);
				break;
			case "image_url":
				into.images.push({ type: "image_url", image_url: imageUrl(part.image_url) });
				break;
			default:
				// Whatever else has a text says it.
				addText(part.text, into);
		}
	}

	function readToolReference(part: JsonObject, into: MutableContent): void {
		if (typeof part.url !== "string" || part.url === "") {
			into.citations.push({ ...part, ...span() });
			return;
		}
		const { url, title } = part;
		into.annotations.push({
			type: "url_citation",
			url_citation: { url, title: typeof title === "string" ? title : "", ...span() },
		});
	}

	function addText(text: JsonValue | undefined, into: MutableContent): void {
		if (typeof text === "string") {
			const said = echo.pass(text);
			into.text += said;
			position += said.length;
		}
	}

	return {
		read(content): SaidContent {
			const into: MutableContent = { text: "", reasoning: "", citations: [], annotations: [], images: [] };
			addText(content, into);
			for (const part of Array.isArray(content) ? content : []) {
				if (isJsonObject(part)) {
					readPart(part, into);
				} else {
					addText(part, into);
				}
			}
			return into;
		},
		rest: echo.rest,
	};
}

/**
 * Takes the client's own beginning out of the answer, which Mistral says again in front of its own words.
 * https://docs.mistral.ai/guides/prefix
 */
function createEchoFilter(prefix: string) {
	let isOver = prefix === "";
	let held = "";
	return {
		pass(text: string): string {
			if (isOver) {
				return text;
			}
			held += text;
			if (prefix !== held && prefix.startsWith(held)) {
				return "";
			}
			isOver = true;
			return held.startsWith(prefix) ? held.slice(prefix.length) : held;
		},
		rest(): string {
			const text = isOver ? "" : held;
			isOver = true;
			return text;
		},
	};
}

interface MutableContent {
	text: string;
	reasoning: string;
	readonly citations: JsonObject[];
	readonly annotations: JsonObject[];
	readonly images: JsonObject[];
}

function thoughtText(thinking: JsonValue | undefined): string {
	if (typeof thinking === "string") {
		return thinking;
	}
	const parts = objectsIn(thinking);
	return parts.map(({ text }) => (typeof text === "string" ? text : "")).join("");
}

function imageUrl(image: JsonValue | undefined): JsonObject {
	return isJsonObject(image) ? image : { url: typeof image === "string" ? image : "" };
}

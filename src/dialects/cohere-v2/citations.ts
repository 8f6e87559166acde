import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";

/** Gathers the citations of an answer. They count in characters of their own content block. */
export interface Citations {
	/** The text that a content block has grown by. */
	text(block: number, text: string): void;
	/** One citation, or a list of them. */
	add(value: JsonValue | undefined): void;
	/** Cohere's own fields, with the positions in the message's text beside them where they cite the text. */
	citations(): readonly JsonObject[];
	/** OpenAI's `url_citation` for every source that has an address. */
	annotations(): readonly JsonObject[];
}

interface Position {
	readonly start_index: number;
	readonly end_index: number;
}

export function createCitations(): Citations {
	const lengths = new Map<number, number>();
	const found: JsonObject[] = [];

	/** Nothing for a citation in the thinking or in the plan: those are not in the message's text. */
	function position(citation: JsonObject): Position | undefined {
		const { start, end, type, content_index: block } = citation;
		if (typeof start !== "number" || typeof end !== "number" || (type ?? "TEXT_CONTENT") !== "TEXT_CONTENT") {
			return undefined;
		}
		let before = 0;
		for (const [index, length] of lengths) {
			before += typeof block === "number" && index < block ? length : 0;
		}
		return { start_index: before + start, end_index: before + end };
	}
	return {
		text(block, text) {
			lengths.set(block, (lengths.get(block) ?? 0) + characters(text));
		},
		add(value) {
			found.push(...(Array.isArray(value) ? value : [value]).filter(isJsonObject));
		},
		citations: () => found.map((citation) => ({ ...citation, ...position(citation) })),
		annotations: () =>
			found.flatMap((citation) => {
				const place = position(citation);
				return place === undefined ? [] : pagesOf(citation).map((page) => annotation(page, place));
			}),
	};
}

interface Page {
	readonly url: string;
	readonly title: string;
}

/** A source is a document or the output of a tool, both of whatever fields the client gave them. */
function pagesOf({ sources }: JsonObject): Page[] {
	return (Array.isArray(sources) ? sources : []).flatMap((source) => {
		const held = isJsonObject(source) ? (source.document ?? source.tool_output) : undefined;
		if (!isJsonObject(held) || typeof held.url !== "string" || !/^https?:\/\//i.test(held.url)) {
			return [];
		}
		return [{ url: held.url, title: typeof held.title === "string" ? held.title : held.url }];
	});
}

function annotation({ url, title }: Page, place: Position): JsonObject {
	return { type: "url_citation", url_citation: { url, title, ...place } };
}

/** Unicode characters, which Cohere counts; not UTF-16 units. */
function characters(text: string): number {
	let length = 0;
	for (const _character of text) {
		length += 1;
	}
	return length;
}

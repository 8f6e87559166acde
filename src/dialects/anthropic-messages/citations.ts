import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";

/** Where an answer has its words from. */
export interface CitationNotes {
	/** Notes the sources of a block of text that stands at these places in the whole text. */
	add(citations: JsonValue | undefined, start: number, end: number): void;
	/** OpenAI's `url_citation` entries. */
	readonly annotations: readonly JsonObject[];
	/** Sources without an address: Anthropic's own fields and the places. */
	readonly citations: readonly JsonObject[];
}

export function createCitationNotes(): CitationNotes {
	const annotations: JsonObject[] = [];
	const citations: JsonObject[] = [];
	return {
		annotations,
		citations,
		add(found, start, end) {
			for (const citation of Array.isArray(found) ? found : []) {
				if (!isJsonObject(citation)) {
					continue;
				}
				if (typeof citation.url === "string") {
					annotations.push(urlCitation(citation, start, end));
				} else {
					citations.push({ ...citation, start_index: start, end_index: end });
				}
			}
		},
	};
}

function urlCitation({ url, title }: JsonObject, start: number, end: number): JsonObject {
	return {
		type: "url_citation",
		url_citation: {
			url,
			title: typeof title === "string" ? title : "",
			start_index: start,
			end_index: end,
		},
	};
}

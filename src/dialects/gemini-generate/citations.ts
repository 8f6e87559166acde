import { isJsonObject, type JsonObject, type JsonValue, objectOf, objectsIn } from "../../lib/json-types.ts";
import { count } from "../token-usage.ts";
import { bytePositions } from "./byte-positions.ts";
import { wordOf } from "./reading.ts";

export interface Cited {
	/** OpenAI's `url_citation` entries. */
	readonly annotations: readonly JsonObject[];
	/** Sources without an address. */
	readonly citations: readonly JsonObject[];
}

interface Span {
	readonly start_index: number;
	readonly end_index: number;
}

/** What an answer says of its sources, gathered from one or many events. */
export interface SourceNotes {
	readonly grounding: JsonObject;
	readonly citationMetadata: JsonObject;
}

/** Later notes fill in and replace earlier ones; a stream sends empty ones on the way. */
export function mergeNotes(notes: SourceNotes, candidate: JsonObject): SourceNotes {
	return {
		grounding: merge(notes.grounding, candidate.groundingMetadata),
		citationMetadata: merge(notes.citationMetadata, candidate.citationMetadata),
	};
}

function merge(earlier: JsonObject, later: JsonValue | undefined): JsonObject {
	if (!isJsonObject(later)) {
		return earlier;
	}
	const said = Object.entries(later).filter(([, value]) => !(Array.isArray(value) && value.length === 0));
	return { ...earlier, ...Object.fromEntries(said) };
}

/** Searches that Google made for the answer. */
export function searchesIn({ grounding }: SourceNotes): number {
	return [grounding.webSearchQueries, grounding.imageSearchQueries]
		.map((queries) => (Array.isArray(queries) ? queries.length : 0))
		.reduce((sum, queries) => sum + queries, 0);
}

/**
 * @param text The whole message.
 * @param partStarts Where in it the text of each part of the content begins.
 */
export function citedIn(notes: SourceNotes, text: string, partStarts: readonly number[]): Cited {
	const annotations: JsonObject[] = [];
	const citations: JsonObject[] = [];
	const whole: Span = { start_index: 0, end_index: text.length };
	const spanOf = spanReader(text, partStarts);
	function add(source: JsonObject, span: Span): void {
		const { url, title } = addressOf(source);
		if (url === undefined) {
			citations.push({ ...source, ...span });
		} else {
			annotations.push({ type: "url_citation", url_citation: { url, title: title ?? url, ...span } });
		}
	}
	const chunks = objectsIn(notes.grounding.groundingChunks).map(sourceOf);
	const supported = objectsIn(notes.grounding.groundingSupports).flatMap(({ segment, groundingChunkIndices: places }) =>
		(Array.isArray(places) ? places : []).flatMap((place) => {
			const chunk = typeof place === "number" ? chunks[place] : undefined;
			return chunk === undefined ? [] : [{ chunk, segment: objectOf(segment) }];
		}),
	);
	for (const { chunk, segment } of supported) {
		add(chunk, spanOf(segment));
	}
	if (supported.length === 0) {
		// Sources of the answer as a whole.
		for (const chunk of chunks) {
			add(chunk, whole);
		}
	}
	const { citations: current, citationSources: older } = notes.citationMetadata;
	for (const { startIndex, endIndex, ...source } of objectsIn(current ?? older)) {
		add(source, spanOf({ startIndex, endIndex }));
	}
	return { annotations, citations };
}

/** `{"web": {…}}`, `{"maps": {…}}`, `{"retrievedContext": {…}}`: what is inside, whatever it is called. */
function sourceOf(chunk: JsonObject): JsonObject {
	return Object.values(chunk).find(isJsonObject) ?? chunk;
}

function addressOf(source: JsonObject): { readonly url: string | undefined; readonly title: string | undefined } {
	const url = [source.uri, source.sourceUri, source.imageUri].find(
		(address): address is string => typeof address === "string" && /^https?:\/\//.test(address),
	);
	return { url, title: wordOf(source.title) ?? wordOf(source.domain) };
}

/**
 * Google counts in bytes of UTF-8 from the beginning of a part, and leaves a 0 out. The segment's own text settles it where
 * the two disagree: in a stream it is not said which part is meant.
 * https://ai.google.dev/api/generate-content#Segment
 */
function spanReader(text: string, partStarts: readonly number[]): (segment: JsonObject) => Span {
	const positionsFrom = new Map<number, (byte: number) => number>();
	return (segment) => {
		const base = partStarts[count(segment.partIndex) ?? 0] ?? 0;
		const positionOf = positionsFrom.get(base) ?? bytePositions(text.slice(base));
		positionsFrom.set(base, positionOf);
		const start = base + positionOf(count(segment.startIndex) ?? 0);
		const end = Math.max(start, base + positionOf(count(segment.endIndex) ?? Number.MAX_SAFE_INTEGER));
		const said = wordOf(segment.text);
		if (said !== undefined && text.slice(start, end) !== said) {
			const found = text.indexOf(said);
			if (found !== -1) {
				return { start_index: found, end_index: found + said.length };
			}
		}
		return { start_index: start, end_index: end };
	};
}

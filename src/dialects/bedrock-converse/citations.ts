import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";

/** Where in the message's text a citation stands, in UTF-16 units. */
export interface TextRange {
	readonly start: number;
	readonly end: number;
}

/** What an answer cites: pages of the web in OpenAI's words, all else in Bedrock's with its place. */
export interface Cited {
	readonly annotations: JsonObject[];
	readonly citations: JsonObject[];
}

/** @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Citation.html */
export function addCitation(cited: Cited, citation: JsonObject, { start, end }: TextRange): void {
	const url = urlOf(citation);
	if (url === undefined) {
		cited.citations.push({ ...citation, start_index: start, end_index: end });
		return;
	}
	const title = typeof citation.title === "string" ? citation.title : "";
	cited.annotations.push({ type: "url_citation", url_citation: { url, title, start_index: start, end_index: end } });
}

/** The page of a web search, or the address that a search result was given with. */
function urlOf({ location, source }: JsonObject): string | undefined {
	const web = isJsonObject(location) ? location.web : undefined;
	return [isJsonObject(web) ? web.url : undefined, source].find(isWebUrl);
}

function isWebUrl(value: JsonValue | undefined): value is string {
	return typeof value === "string" && /^https?:\/\//.test(value);
}

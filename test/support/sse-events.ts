import { createParser } from "eventsource-parser";

export interface ParsedStream {
	/** `data` of each event, in order. */
	readonly data: readonly string[];
	/** `event:` of each event, "" when absent. */
	readonly names: readonly string[];
	readonly comments: readonly string[];
}

/** Reads a stream the way a client library does (eventsource-parser, an implementation that is not ours). */
export function parseSse(text: string): ParsedStream {
	const data: string[] = [];
	const names: string[] = [];
	const comments: string[] = [];
	const parser = createParser({
		onEvent: (event) => {
			data.push(event.data);
			names.push(event.event ?? "");
		},
		onComment: (comment) => {
			comments.push(comment.trim());
		},
	});
	parser.feed(text);
	// An event that ends with the stream and without its blank line is dispatched by most clients.
	parser.feed("\n\n");
	return { data, names, comments };
}

export interface FinalCost {
	readonly cost_usd: string;
	readonly usage?: Readonly<Record<string, unknown>>;
}

/** The gateway's own comment with the final cost of a stream, `: gateway {…}`. */
export function finalCost(stream: ParsedStream): FinalCost | undefined {
	const comment = stream.comments.find((text) => text.startsWith("gateway {"));
	// The comment's shape is the contract under test.
	return comment === undefined ? undefined : (JSON.parse(comment.slice("gateway ".length)) as FinalCost);
}

/** A stream's text without the gateway's comments: what the provider sent. */
export function withoutGatewayComments(text: string): string {
	return text.replace(/^: ?gateway[^\n]*\n\n?/gm, "").replace(/^: ?keep-?alive[^\n]*\n\n?/gim, "");
}

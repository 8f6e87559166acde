import { unglued } from "../dialects/event-data.ts";
import type { StreamTranslator } from "../dialects/translation.ts";
import type { SseEvent } from "../dialects/types.ts";
import type { JsonObject } from "../lib/json-types.ts";
import type { Framing } from "../providers/types.ts";
import { createAwsEventSplitter } from "../transport/aws-event-stream.ts";
import type { EventFrame, EventSplitter } from "../transport/frames.ts";
import { createJsonLinesSplitter } from "../transport/json-lines.ts";
import { createSseSplitter } from "../transport/sse.ts";
import type { Spoken } from "./spoken.ts";

const SPLITTERS: Readonly<Record<Framing, () => EventSplitter>> = {
	sse: createSseSplitter,
	"aws-event-stream": createAwsEventSplitter,
};

export interface Frames extends EventSplitter {
	/** What the provider has counted, where that is not in the client's events yet. */
	usageSoFar?(): JsonObject | undefined;
}

/**
 * The client's events of one upstream stream, as they come: cut by the provider's framing, said in the client's words.
 * @param contentType Of the answer. It may say that a provider with words of its own writes them as lines of JSON.
 */
export function openFrames({ speech, translation }: Spoken, contentType: string): Frames {
	if (translation === undefined) {
		return SPLITTERS[speech.framing]();
	}
	const splitter = isJsonLines(contentType) ? createJsonLinesSplitter() : SPLITTERS[speech.framing]();
	return translated(splitter, translation.openStream());
}

/** Cohere's name for such a stream, and the usual ones. */
const JSON_LINES: ReadonlySet<string | undefined> = new Set([
	"application/stream+json",
	"application/x-ndjson",
	"application/ndjson",
	"application/jsonl",
]);

function isJsonLines(contentType: string): boolean {
	return JSON_LINES.has(contentType.split(";")[0]?.trim().toLowerCase());
}

/** Whether an answer to a request for a stream is one. Some servers mislabel theirs; none sends one as JSON or as a web page. */
export function isStream({ translation }: Spoken, contentType: string): boolean {
	return !/json|html/i.test(contentType) || (translation !== undefined && isJsonLines(contentType));
}

function translated(splitter: EventSplitter, translator: StreamTranslator): Frames {
	function onward(frames: readonly EventFrame[]): SseEvent[] {
		return frames.flatMap(({ event }) => (event === undefined ? [] : unglued(event).flatMap(say)));
	}
	function say(event: SseEvent): readonly SseEvent[] {
		const said = translator.step(event);
		// The reader will find that it is not JSON, and count it.
		return said === "malformed" ? [{ name: event.name, data: "" }] : said;
	}
	return {
		push: (chunk) => framesOf(onward(splitter.push(chunk))),
		end: () => framesOf([...onward(splitter.end()), ...translator.end()]),
		usageSoFar: () => translator.usageSoFar?.(),
	};
}

/** Events that came together are encoded together, so that they can be written in one piece. */
function framesOf(events: readonly SseEvent[]): EventFrame[] {
	const texts = events.map(({ name, data }) => `${name === "" ? "" : `event: ${name}\n`}data: ${data}\n\n`);
	const bytes = Buffer.from(texts.join(""));
	let start = 0;
	return events.map((event, index) => {
		const end = start + Buffer.byteLength(texts[index] ?? "");
		const frame = { bytes: bytes.subarray(start, end), event };
		start = end;
		return frame;
	});
}

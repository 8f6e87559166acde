import type { StreamTranslator, Translation } from "./translation.ts";
import type { SseEvent } from "./types.ts";

/**
 * Two translations one after the other: what the client said becomes what `outer` says, and that becomes what `inner`
 * sends; the answer takes the way back. (Responses by way of chat to a provider that speaks neither.)
 */
export function chain(outer: Translation, inner: Translation): Translation {
	return {
		body: inner.body,
		headers: { ...outer.headers, ...inner.headers },
		dropped: [...new Set([...outer.dropped, ...inner.dropped])],
		whole(answer, headers) {
			const between = inner.whole(answer, headers);
			return between === undefined || declaresFault(between) ? between : outer.whole(between);
		},
		openStream: () => chainStreams(outer.openStream(), inner.openStream()),
		kept: () => outer.kept?.() ?? inner.kept?.(),
		readFault: inner.readFault,
	};
}

function declaresFault(answer: { readonly error?: unknown }): boolean {
	return answer.error !== undefined && answer.error !== null;
}

function chainStreams(outer: StreamTranslator, inner: StreamTranslator): StreamTranslator {
	function onward(events: readonly SseEvent[]): SseEvent[] {
		return events.flatMap((event) => {
			const said = outer.step(event);
			// What a translator made itself is well-formed; what it let through may not be.
			return said === "malformed" ? [event] : said;
		});
	}
	return {
		step(event) {
			const events = inner.step(event);
			return events === "malformed" ? events : onward(events);
		},
		end: () => [...onward(inner.end()), ...outer.end()],
		usageSoFar: () => outer.usageSoFar?.() ?? inner.usageSoFar?.(),
	};
}

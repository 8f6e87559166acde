import { eventJson } from "../dialects/event-data.ts";
import { readTokenUsage } from "../dialects/token-usage.ts";
import type { StreamReader, StreamStep } from "../dialects/types.ts";
import type { Clock } from "../lib/clock.ts";
import { isJsonObject } from "../lib/json-types.ts";
import { completionTokens, type Usage } from "../lib/usage.ts";
import { BrokenFraming, type EventFrame } from "../transport/frames.ts";
import { leaks } from "./answer-refusal.ts";
import type { AttemptContext } from "./attempt-result.ts";
import { boundedOutput } from "./bounded-output.ts";
import { failureOfFault } from "./failure.ts";
import { openFrames } from "./frames.ts";
import { BrokenAnswer } from "./relay.ts";
import type { AttemptFailure } from "./types.ts";

/** One event on its way: its bytes as they came, and what they mean. */
export interface Passage {
	readonly bytes: Uint8Array;
	readonly step: StreamStep;
}

/** The events of one upstream stream, a chunk's worth at a time. */
export interface Passages {
	/** undefined at the end. Throws when the provider breaks off or talks nonsense. */
	next(): Promise<Passage[] | undefined>;
	readonly reader: StreamReader;
	/** The provider's count: of the whole answer once it has ended, else what is known of it so far. */
	usage(): Usage | undefined;
	/** By the gateway's own count, within the bound that the provider was given. */
	outputTokensSeen(): number;
	/** Some output, or at least a word that there is none: a finished choice, a count of tokens. A bare end is neither. */
	answered(): boolean;
	/** The provider has closed, and its answer was not over. */
	cut(): boolean;
	/** The provider's own error event, once it has thrown one. */
	errorEvent(): Uint8Array | undefined;
	/** Reads what is left after the end, so that the connection can serve again. */
	drain(): void;
}

/** Unreadable events are skipped this often before the stream counts as broken. */
const MALFORMED_MAX = 3;
/** Comments and pings may stand in for events this long. */
const PINGS_ONLY_MAX_MS = 300_000;
/** A provider closes a finished stream at once; one that does not loses the connection after this. */
const DRAIN_MS = 1_000;

/** Reads an upstream stream: cuts it into events, asks the dialect what each means, and notices when it breaks. */
export function readPassages(
	context: AttemptContext,
	{ body, contentType }: { readonly body: ReadableStream<Uint8Array>; readonly contentType: string },
	idleMs: number,
): Passages {
	const { run, books, deps, served } = context;
	const source = body.getReader();
	const splitter = openFrames(context.spoken, contentType);
	const reader = deps.dialects.readerOf[served.planned.ingress.operation].openStream(served.planned.envelope.choices);
	const quiet = quietTime(deps.runtime.clock, () => run.moved(idleMs));
	let malformed = 0;
	let broken: BrokenAnswer | undefined;
	let errorEvent: Uint8Array | undefined;
	let answered = false;
	let closed = false;

	function breakOff(failure: AttemptFailure): void {
		broken ??= new BrokenAnswer(failure);
	}
	function passageOf(frame: EventFrame): Passage | undefined {
		const step = frame.event === undefined ? "meta" : reader.step(frame.event);
		if (step === "malformed") {
			malformed += 1;
			const failure = brokenBy(frame, malformed);
			if (failure !== undefined) {
				breakOff(failure);
			}
			return undefined;
		}
		if (step === "error") {
			breakOff(faultOf(reader, context));
			errorEvent = isForClient(frame, reader, served.deployment.apiKey) ? frame.bytes : undefined;
			return undefined;
		}
		answered ||= step === "content" || (step !== "end" && reader.finished()) || reader.usage() !== undefined;
		return { bytes: frame.bytes, step };
	}
	function read(frames: readonly EventFrame[]): Passage[] {
		quiet.heard(frames);
		const passages = frames.flatMap((frame) => (broken === undefined ? (passageOf(frame) ?? []) : []));
		books.claim(reader.objectId());
		return passages;
	}
	/** Once the provider has closed, what was left is told first; then there is nothing. */
	function readLast(): Passage[] | undefined {
		const frames = closed ? [] : splitter.end();
		closed = true;
		return frames.length === 0 ? undefined : read(frames);
	}
	async function next(): Promise<Passage[] | undefined> {
		// What came before a failure in the same chunk is passed on first.
		if (broken !== undefined) {
			throw broken;
		}
		const chunk = await source.read();
		try {
			const passages = chunk.done ? readLast() : read(splitter.push(chunk.value));
			if (broken !== undefined && passages?.length === 0) {
				throw broken;
			}
			return passages;
		} catch (error) {
			throw error instanceof BrokenFraming ? new BrokenAnswer(brokenStream(error.message)) : error;
		}
	}
	function outputTokensSeen(): number {
		return boundedOutput(reader.outputTokensSeen(), context);
	}
	function usage(): Usage | undefined {
		return reader.usage() ?? atLeast(readTokenUsage(splitter.usageSoFar?.()), outputTokensSeen());
	}
	return {
		next,
		reader,
		usage,
		outputTokensSeen,
		answered: () => answered,
		cut: () => closed && !reader.finished(),
		errorEvent: () => errorEvent,
		drain: () => drain(source, context),
	};
}

/** Providers count the output of a running stream late: what has been seen of it is counted all the same. */
function atLeast(usage: Usage | undefined, outputTokens: number): Usage | undefined {
	return usage && { ...usage, output: usage.output + Math.max(0, outputTokens - completionTokens(usage)) };
}

export function brokenStream(detail: string): AttemptFailure {
	return { class: "broken_stream", status: undefined, retryAfterMs: undefined, detail };
}

/**
 * Events move the silence deadline; comments and pings may stand in for them, but not for ever. Bytes that make neither
 * buy no time: a provider that sends one now and then is as silent as one that sends none.
 */
function quietTime(clock: Clock, moved: () => void): { heard(frames: readonly EventFrame[]): void } {
	let lastEventAtMs = clock.monotonic();
	return {
		heard(frames) {
			if (frames.length === 0) {
				return;
			}
			const nowMs = clock.monotonic();
			if (frames.some(({ event }) => event !== undefined)) {
				lastEventAtMs = nowMs;
			}
			if (nowMs - lastEventAtMs < PINGS_ONLY_MAX_MS) {
				moved();
			}
		},
	};
}

/** After its end a stream has nothing to say: it is read out for a moment, else its connection is dropped. */
function drain(source: { read(): Promise<{ readonly done: boolean }> }, context: AttemptContext): void {
	const deadline = context.deps.runtime.deadlines.after(DRAIN_MS, () => context.run.abort());
	async function readOut(): Promise<void> {
		for (let rest = await source.read(); !rest.done; rest = await source.read()) {
			// Nothing after the end means anything.
		}
	}
	readOut()
		.catch(() => {
			// The provider hung up: nothing was expected of it.
		})
		.finally(() => deadline.clear());
}

/** Google's errors may come in a list, which is no event that a client could read. */
const LISTED_ERROR = /^\s*\[\s*\{\s*"error"/;

/** Where a stream is not to be read on after an unreadable event: when there were several, or when it tells of an error. */
function brokenBy({ event }: EventFrame, malformed: number): AttemptFailure | undefined {
	if (event?.name === "error" || LISTED_ERROR.test(event?.data ?? "")) {
		return {
			class: "error_event",
			status: undefined,
			retryAfterMs: undefined,
			detail: "an error event of no usual form",
		};
	}
	return malformed > MALFORMED_MAX ? brokenStream("unreadable events") : undefined;
}

/** Whether a client knows an error event for one: by its `error`, unless its events are typed. Ours says the same without. */
function isForClient({ event, bytes }: EventFrame, { errorEvent }: StreamReader, apiKey: string | undefined): boolean {
	const isKnown = errorEvent !== undefined || (event !== undefined && isJsonObject(eventJson(event)?.error));
	return isKnown && !leaks(bytes, apiKey);
}

/** An error event in the provider's own words. */
function faultOf(reader: StreamReader, context: AttemptContext): AttemptFailure {
	const fault = reader.fault() ?? { status: 502, type: undefined, code: undefined, message: "error event" };
	return failureOfFault(fault, context.deps.runtime.clock.now());
}

import { isJsonObject, type JsonObject, type JsonValue, objectsIn } from "../../lib/json-types.ts";
import { type ChunkWriter, createChunkWriter } from "../chat-hub/chunks.ts";
import { DONE, eventJson, unglued } from "../event-data.ts";
import { declaredFault } from "../provider-fault.ts";
import type { StreamTranslator, Target } from "../translation.ts";
import type { SseEvent } from "../types.ts";
import {
	type AnswerContext,
	answerFacts,
	billedSearches,
	blockReason,
	choiceOf,
	createCallIds,
	REFUSED,
} from "./answer.ts";
import { type Candidate, type CandidateEnd, type CandidateWords, openCandidate } from "./candidate.ts";
import { readGoogleFault } from "./faults.ts";
import { given } from "./reading.ts";
import { writeUsage } from "./usage.ts";

/**
 * A stream of `generateContent` answers as chunks. It has no last event: a finish reason may stand in every one, and the
 * usage of the last one counts. So the finish is said when the provider closes the stream, if it has given a reason.
 */
export function openGeminiStream(context: AnswerContext): StreamTranslator {
	const ids = createCallIds(context.target.answerId);
	const candidates = new Map<number, Candidate>();
	let writer: ChunkWriter | undefined;
	let counted: JsonObject = {};
	let blocked: string | undefined;
	let isOver = false;

	function readDocument(document: JsonObject): readonly SseEvent[] {
		writer ??= createChunkWriter(answerFacts(document, context));
		const line = writer;
		if (declaredFault(document) !== undefined) {
			isOver = true;
			line.fault(readGoogleFault(document, undefined));
			return line.take();
		}
		for (const [position, candidate] of objectsIn(document.candidates).entries()) {
			const choice = choiceOf(candidate, position);
			line.begin(choice);
			let reader = candidates.get(choice);
			if (reader === undefined) {
				reader = openCandidate(chunkWords(line, choice, context.target), context.tools, (given) => ids(given, choice));
				candidates.set(choice, reader);
			}
			reader.read(candidate);
		}
		blocked = blockReason(document) ?? blocked;
		// Counts are of all so far, and what is nothing is left out: what one event does not say an earlier one has said.
		counted = isJsonObject(document.usageMetadata) ? { ...counted, ...given(document.usageMetadata) } : counted;
		return line.take();
	}

	return {
		step(event) {
			if (isOver || event.data.trim() === DONE) {
				return [];
			}
			const documents = documentsOf(event);
			return documents === undefined
				? "malformed"
				: documents.flatMap((document) => (isOver ? [] : readDocument(document)));
		},
		end() {
			const readers = [...candidates].sort(([left], [right]) => left - right);
			const isComplete = blocked !== undefined || (readers.length > 0 && readers.every(([, one]) => one.hasEnded()));
			if (isOver || writer === undefined || !isComplete) {
				return [];
			}
			isOver = true;
			const endings = readers.map(([choice, reader]) => ({ choice, ending: reader.end(REFUSED) }));
			const searches = endings.reduce((sum, { ending }) => sum + ending.searches, 0);
			const usage = writeUsage(counted, billedSearches(searches, context.traits));
			writeEndings(writer, endings, usage);
			return writer.take();
		},
		usageSoFar: () => writeUsage(counted, 0),
	};
}

/**
 * One document an event. Some proxies pass on the list that the API sends without `alt=sse`, or forget the blank lines
 * between events, which makes several documents one.
 */
function documentsOf(event: SseEvent): readonly JsonObject[] | undefined {
	const document = eventJson(event);
	if (document !== undefined) {
		return [document];
	}
	const documents = parsed(unglued(event).map(({ data }) => data))
		?.flat()
		.filter(isJsonObject);
	return documents === undefined || documents.length === 0 ? undefined : documents;
}

function parsed(texts: readonly string[]): JsonValue[] | undefined {
	try {
		return texts.map((text): JsonValue => JSON.parse(text));
	} catch {
		return undefined;
	}
}

function chunkWords(writer: ChunkWriter, choice: number, { answerId }: Target): CandidateWords {
	let call = 0;
	return {
		text: (text, logprobs) => writer.text(text, { choice, ...(logprobs === undefined ? {} : { logprobs }) }),
		thought: (text) => writer.reasoning(text, choice),
		call(begun) {
			call = writer.toolCall(begun, choice);
		},
		arguments: (fragment) => writer.toolArguments(call, fragment, choice),
		image: (image) => writer.delta({ images: [image] }, choice),
		audio({ data, transcript }) {
			const words = transcript === "" ? {} : { transcript };
			writer.delta({ audio: { id: `audio_${answerId}`, data, ...words } }, choice);
		},
	};
}

interface Ending {
	readonly choice: number;
	readonly ending: CandidateEnd;
}

/** @param endings None where the prompt was refused. */
function writeEndings(writer: ChunkWriter, endings: readonly Ending[], usage: JsonObject | undefined): void {
	const failure = endings.map(({ ending }) => ending.finish).find((finish) => typeof finish === "object");
	if (failure === undefined) {
		for (const { choice, ending } of endings) {
			writeEnding(writer, choice, ending);
		}
		if (endings.length === 0) {
			writer.begin(0);
			writer.finish("content_filter", 0);
		}
	}
	// A failure without a word before it has told nobody anything: another attempt may take its place.
	if (usage !== undefined && (failure === undefined || endings.some(({ ending }) => ending.hasSpoken))) {
		writer.usage(usage);
	}
	if (failure === undefined) {
		writer.done();
	} else {
		writer.fault(failure);
	}
}

function writeEnding(writer: ChunkWriter, choice: number, ending: CandidateEnd): void {
	writer.reasoningDetails(ending.details, choice);
	if (ending.annotations.length > 0 || ending.citations.length > 0) {
		writer.delta(
			{
				...(ending.annotations.length === 0 ? {} : { annotations: [...ending.annotations] }),
				...(ending.citations.length === 0 ? {} : { citations: [...ending.citations] }),
			},
			choice,
		);
	}
	if (typeof ending.finish === "string") {
		writer.finish(ending.finish, choice);
	}
}

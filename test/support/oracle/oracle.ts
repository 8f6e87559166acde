import type { RecordedCase } from "../recorded.ts";
import { parseSse } from "../sse-events.ts";
import { streamedAnthropic, wholeAnthropic } from "./anthropic.ts";
import { readAwsFrames } from "./aws-frames.ts";
import { streamedBedrock, wholeBedrock } from "./bedrock.ts";
import { streamedCohere, wholeCohere } from "./cohere.ts";
import { streamedGemini, wholeGemini } from "./gemini.ts";
import { object, parseJson, text } from "./json.ts";
import type { OracleAnswer, OracleFault } from "./types.ts";

/** How one wire format is read. Written from the table and the providers' documents, without a look at `src/dialects`. */
interface Reading {
	readonly whole: (body: string) => OracleAnswer;
	readonly stream: (body: Buffer) => OracleAnswer;
}

const ANTHROPIC: Reading = { whole: wholeAnthropic, stream: (body) => streamedAnthropic(eventsOf(body)) };
const GEMINI: Reading = { whole: wholeGemini, stream: (body) => streamedGemini(eventsOf(body)) };
const BEDROCK: Reading = { whole: wholeBedrock, stream: (body) => streamedBedrock(readAwsFrames(body)) };
const COHERE: Reading = { whole: wholeCohere, stream: (body) => streamedCohere(cohereEvents(body)) };

const READINGS: Readonly<Record<string, Reading>> = {
	"anthropic.messages": ANTHROPIC,
	"vertex.anthropic": ANTHROPIC,
	"gemini.generateContent": GEMINI,
	"gemini.streamGenerateContent": GEMINI,
	"bedrock.converse": BEDROCK,
	"bedrock.converseStream": BEDROCK,
	"cohere.chat": COHERE,
};

/** Wire formats that the oracle reads. */
export const NATIVE_APIS: ReadonlySet<string> = new Set(Object.keys(READINGS));

/** What a recorded answer of a provider says, in OpenAI's words. */
export function oracleOf({ api, stream, response }: RecordedCase): OracleAnswer {
	const reading = READINGS[api];
	if (reading === undefined) {
		throw new Error(`no reading of ${api}`);
	}
	return stream ? reading.stream(response.body) : reading.whole(response.body.toString());
}

/** A recorded refusal. All four providers put the message under `error.message` or `message`. */
export function oracleFault({ status, response }: RecordedCase): OracleFault {
	const body = parseJson(response.body.toString());
	return { status, message: text(object(body.error).message) || text(body.message) };
}

/** Cohere's first API streams bare lines of JSON. */
function cohereEvents(body: Buffer): readonly string[] {
	const text = body.toString();
	return text.startsWith("{") ? text.split("\n").filter(Boolean) : eventsOf(body);
}

/** One recording has its events one a line, without the blank line between them: each line is an event all the same. */
function eventsOf(body: Buffer): readonly string[] {
	return parseSse(body.toString()).data.flatMap((data) => data.split("\n"));
}

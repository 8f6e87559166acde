import { NATIVE_APIS, oracleOf } from "../support/oracle/oracle.ts";
import { type RecordedCase, recordedCases } from "../support/recorded.ts";
import { head } from "../support/replies.ts";
import { CUT_DIALECTS, type CutDialect, type CutDialectName } from "./cut-dialects.ts";
import { viewStream, viewWhole } from "./cut-view.ts";

export const FRAMINGS = ["chunked", "length", "close"] as const;
export type Framing = (typeof FRAMINGS)[number];
export const HOWS = ["fin", "reset", "hang"] as const;
export type How = (typeof HOWS)[number];

/**
 * How far an answer has got when its provider dies:
 * - silent: nothing yet that a user would call output;
 * - speaking: some output, and more to come;
 * - ending: all of the output, without the protocol's own end: a broken answer and a whole one are both right;
 * - over: nothing that matters was to follow.
 */
export type Stage = "silent" | "speaking" | "ending" | "over";

/** A recorded answer on the wire, and what every cut of it leaves. */
export interface CutAnswer {
	/** `anthropic-messages stream chunked` */
	readonly name: string;
	readonly dialectName: CutDialectName;
	readonly dialect: CutDialect;
	readonly stream: boolean;
	readonly wire: Buffer;
	/** Bytes on the wire until the first output is complete. */
	readonly firstToken: number;
	/** Cuts worth a look of their own: around the head's end, the first token and the end of the protocol. */
	readonly edges: readonly number[];
	stageAt(offset: number, how: How): Stage;
	/** What it says when nothing happens to it. */
	readonly said: { readonly text: string; readonly calls: boolean };
}

/** Small recordings: plain text, and tool calls. */
const RECORDINGS: Readonly<Record<CutDialectName, { readonly streams: string[]; readonly wholes: string[] }>> = {
	"openai-chat": {
		streams: [
			"openai/fantasy.TestOpenAICommon_openai-gpt-4o_simple_streaming.0",
			"openai/openllmetry.test_chat_test_chat_tools_streaming.0",
		],
		wholes: ["openai/openllmetry.test_chat_test_chat.0"],
	},
	"openai-responses": {
		streams: ["openai/prism.openai_stream-multiple-output-items-1.0"],
		wholes: ["openai/prism.openai_anyof-structured-1.0"],
	},
	"anthropic-messages": {
		streams: [
			"anthropic/ai.anthropic_anthropic-message-delta-input-tokens.chunks.0",
			"anthropic/prism.anthropic_stream-with-tools-3.0",
		],
		wholes: ["anthropic/prism.anthropic_structured-with-default-json-1.0"],
	},
	"bridged-responses": {
		streams: ["anthropic/openllmetry.test_messages_test_anthropic_text_stream_helper_method_legacy.0"],
		wholes: ["anthropic/fantasy.TestAnthropicCommon_claude-sonnet-4_multi_tool.1"],
	},
	"gemini-generate": {
		streams: [
			"gemini/fantasy.TestGoogleCommon_gemini-2.5-flash_tool_streaming.1",
			"gemini/prism.gemini_stream-with-tools-1.0",
		],
		wholes: ["gemini/fantasy.TestGoogleCommon_gemini-2.5-flash_simple.0"],
	},
	"bedrock-converse": {
		streams: [
			"bedrock/ai.amazon-bedrock_amazon-bedrock-text.chunks.0",
			"bedrock/ai.amazon-bedrock_amazon-bedrock-tool-no-args.chunks.0",
		],
		wholes: ["bedrock/ai.amazon-bedrock_amazon-bedrock-text.0"],
	},
	"cohere-v2": {
		streams: ["cohere/ai.cohere_cohere-text.chunks.0", "cohere/ai.cohere_cohere-empty-tool-call.chunks.0"],
		wholes: ["cohere/ai.cohere_cohere-text.0"],
	},
	"mistral-chat": {
		streams: ["mistral/ai.mistral_mistral-text.chunks.0", "mistral/ai.mistral_mistral-tool-call.chunks.0"],
		wholes: ["mistral/prism.mistral_generate-text-with-a-prompt-1.0"],
	},
};

/** Every answer in every framing. */
export function cutAnswers(): readonly CutAnswer[] {
	const recordings = new Map(recordedCases(({ status }) => status === 200).map((one) => [one.id, one]));
	// The table's own keys.
	const names = Object.keys(RECORDINGS) as CutDialectName[];
	return names.flatMap((name) => {
		const { streams, wholes } = RECORDINGS[name];
		return [...streams, ...wholes].flatMap((id) => {
			const recorded = recordings.get(id);
			if (recorded === undefined) {
				throw new Error(`no recording ${id}`);
			}
			const ordinal = Math.max(streams.indexOf(id), wholes.indexOf(id));
			const title = `${name}${ordinal === 0 ? "" : `-${ordinal + 1}`}`;
			return FRAMINGS.map((framing) => ({
				dialectName: name,
				...cutAnswer(title, CUT_DIALECTS[name], recorded, framing),
			}));
		});
	});
}

function cutAnswer(
	title: string,
	dialect: CutDialect,
	recorded: RecordedCase,
	framing: Framing,
): Omit<CutAnswer, "dialectName"> {
	const { body } = recorded.response;
	const { stream } = recorded;
	const events = stream ? dialect.eventsOf(body) : [];
	const endOf = (is: (event: (typeof events)[number]) => boolean) => events.find(is)?.end ?? body.length;
	const finished = endOf(dialect.finishes);
	// Bedrock says why it finished before or after what it counted.
	const marks = { spoken: endOf(dialect.speaks), finished, ended: Math.max(finished, endOf(dialect.ends)) };
	const lastWordEnd = body.toString("latin1", 0, finished).trimEnd().length;
	const contentType = recorded.response.headers["content-type"] ?? "application/json";
	const { wire, bodyAt } = framed(body, stream ? events.map(({ end }) => end) : [], contentType, framing);
	const wireOf = (bytes: number) => bodyAt.indexOf(bytes);
	const jsonEnd = body.toString().trimEnd().length;

	function streamStage(offset: number, how: How): Stage {
		const had = hadAt(offset, how);
		if (had < marks.spoken) {
			return "silent";
		}
		// Where no event says so, the end is that of the body as its framing tells it.
		const isOver = events.some(dialect.ends) ? (bodyAt[offset] ?? 0) >= marks.ended : isFramedEnd(offset, how);
		return isOver ? "over" : had < marks.finished ? "speaking" : "ending";
	}
	/** At the end of a body the event that finishes the answer may lack its blank line. Any other event is cut without it. */
	function hadAt(offset: number, how: How): number {
		const had = bodyAt[offset] ?? 0;
		const isEnd = framing === "close" && how !== "hang";
		return isEnd && had >= lastWordEnd ? Math.max(had, marks.finished) : had;
	}
	function isFramedEnd(offset: number, how: How): boolean {
		return offset === wire.length && (framing !== "close" || how === "fin");
	}
	function wholeStage(offset: number, how: How): Stage {
		return isFramedEnd(offset, how) ? "over" : (bodyAt[offset] ?? 0) < jsonEnd ? "silent" : "ending";
	}
	const headEnd = wireOf(1) - 1;
	const firstToken = stream ? wireOf(marks.spoken) : wire.length;
	const points = [0, headEnd, firstToken, ...(stream ? [wireOf(marks.finished), wireOf(marks.ended)] : [])];
	return {
		name: `${title} ${stream ? "stream" : "whole"} ${framing}`,
		dialect,
		stream,
		wire,
		firstToken,
		edges: [...points.flatMap((at) => [at - 1, at, at + 1]), wire.length - 1, wire.length].filter(
			(at) => at >= 0 && at <= wire.length,
		),
		stageAt: stream ? streamStage : wholeStage,
		said: saidIn(recorded),
	};
}

function saidIn(recorded: RecordedCase): CutAnswer["said"] {
	if (NATIVE_APIS.has(recorded.api)) {
		const { text, toolCalls } = oracleOf(recorded);
		return { text, calls: toolCalls.length > 0 };
	}
	const client = recorded.api === "openai.responses" ? "responses" : "chat";
	const body = recorded.response.body.toString();
	const { text } = recorded.stream ? viewStream(client, body) : viewWhole(client, body, undefined);
	return { text, calls: /"tool_calls": ?\[ ?\{/.test(body) };
}

/** An answer's bytes, and after how many of them how many of its body have come. */
function framed(
	body: Buffer,
	cuts: readonly number[],
	contentType: string,
	framing: Framing,
): { readonly wire: Buffer; readonly bodyAt: readonly number[] } {
	const parts: Buffer[] = [];
	const bodyAt: number[] = [0];
	let had = 0;
	function add(bytes: Buffer, isBody: boolean): void {
		parts.push(bytes);
		for (let index = 0; index < bytes.length; index += 1) {
			had += isBody ? 1 : 0;
			bodyAt.push(had);
		}
	}
	add(Buffer.from(head(200, { "content-type": contentType, ...framingHeader(framing, body.length) })), false);
	if (framing === "chunked") {
		let start = 0;
		for (const end of new Set([...cuts, body.length])) {
			add(Buffer.from(`${(end - start).toString(16)}\r\n`), false);
			add(body.subarray(start, end), true);
			add(Buffer.from("\r\n"), false);
			start = end;
		}
		add(Buffer.from("0\r\n\r\n"), false);
	} else {
		add(body, true);
	}
	return { wire: Buffer.concat(parts), bodyAt };
}

function framingHeader(framing: Framing, length: number): Record<string, string> {
	switch (framing) {
		case "chunked":
			return { "transfer-encoding": "chunked" };
		case "length":
			return { "content-length": String(length) };
		case "close":
			return { connection: "close" };
		default:
			return framing satisfies never;
	}
}

import { bedrockEvent, bedrockException } from "../oracle/aws-frames.ts";
import { halves, type NativeAnswers, SAID_TOKENS, type Saying, words } from "./saying.ts";

/** https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html */
export const bedrockAnswers: NativeAnswers = {
	streamType: "application/vnd.amazon.eventstream",
	whole: (saying) => ({
		metrics: { latencyMs: 1 },
		output: { message: { role: "assistant", content: blocksOf(saying) } },
		stopReason: stopReason(saying),
		usage: usageOf(saying),
	}),
	events: (saying) => eventsOf(saying).map(([type, payload]) => bedrockEvent(type, payload)),
	error: (_status, message) => ({ message }),
	errorEvent: (message) => bedrockException("modelStreamErrorException", message),
	unknownEvent: bedrockEvent("sparkle", { brightness: 9 }),
	endings: 2,
};

function usageOf({ tokens = SAID_TOKENS }: Saying) {
	return { inputTokens: tokens.input, outputTokens: tokens.output, totalTokens: tokens.input + tokens.output };
}

const ENDINGS = { length: "max_tokens", filter: "guardrail_intervened" } as const;

function stopReason({ ending, toolCalls }: Saying): string {
	return ending === undefined ? (toolCalls?.length ? "tool_use" : "end_turn") : ENDINGS[ending];
}

function blocksOf({ thinking, text, toolCalls = [] }: Saying) {
	return [
		...(thinking === undefined
			? []
			: [{ reasoningContent: { reasoningText: { text: thinking.text, signature: thinking.seal } } }]),
		...(text === undefined ? [] : [{ text }]),
		...toolCalls.map(({ id, name, arguments: input }) => ({ toolUse: { toolUseId: id, name, input } })),
	];
}

type Event = readonly [type: string, payload: Readonly<Record<string, unknown>>];

function eventsOf(saying: Saying): Event[] {
	const { thinking, text, toolCalls = [] } = saying;
	const blocks = [
		...(thinking === undefined
			? []
			: [
					{
						start: undefined,
						deltas: [
							...words(thinking.text).map((word) => ({ reasoningContent: { text: word } })),
							{ reasoningContent: { signature: thinking.seal } },
						],
					},
				]),
		...(text === undefined ? [] : [{ start: undefined, deltas: words(text).map((word) => ({ text: word })) }]),
		...toolCalls.map(({ id, name, arguments: input }) => ({
			start: { toolUse: { toolUseId: id, name } },
			deltas: halves(Object.keys(input).length === 0 ? "" : JSON.stringify(input)).map((piece) => ({
				toolUse: { input: piece },
			})),
		})),
	];
	return [
		["messageStart", { role: "assistant" }],
		...blocks.flatMap(({ start, deltas }, contentBlockIndex): Event[] => [
			...(start === undefined ? [] : [["contentBlockStart", { contentBlockIndex, start }] as const]),
			...deltas.map((delta): Event => ["contentBlockDelta", { contentBlockIndex, delta, p: "abcdefgh" }]),
			["contentBlockStop", { contentBlockIndex }],
		]),
		["messageStop", { stopReason: stopReason(saying) }],
		["metadata", { usage: usageOf(saying), metrics: { latencyMs: 1 } }],
	];
}

import { type NativeAnswers, SAID_TOKENS, type Saying, words } from "./saying.ts";

/** https://ai.google.dev/api/generate-content */
export const geminiAnswers: NativeAnswers = {
	streamType: "text/event-stream",
	whole: (saying) => answer(saying, partsOf(saying), true),
	events(saying) {
		const parts = streamedParts(saying);
		if (parts.length === 0) {
			return [event(answer(saying, [], true))];
		}
		return parts.map((part, index) => event(answer(saying, [part], index === parts.length - 1)));
	},
	error: (status, message) => ({ error: { code: status, message, status: STATUS_NAMES[status] ?? "UNKNOWN" } }),
	errorEvent: (message) => event({ error: { code: 503, message, status: "UNAVAILABLE" } }),
	unknownEvent: event({
		sparkle: { brightness: 9 },
		candidates: [{ index: 0, content: { role: "model", parts: [{ sparkle: {} }] } }],
	}),
	endings: 1,
};

const STATUS_NAMES: Readonly<Record<number, string>> = {
	400: "INVALID_ARGUMENT",
	429: "RESOURCE_EXHAUSTED",
	503: "UNAVAILABLE",
};

function event(data: unknown): Buffer {
	return Buffer.from(`data: ${JSON.stringify(data)}\r\n\r\n`);
}

type Part = Readonly<Record<string, unknown>>;

const ENDINGS = { length: "MAX_TOKENS", filter: "SAFETY" } as const;

function answer(saying: Saying, parts: readonly Part[], isLast: boolean) {
	const finishReason = saying.ending === undefined ? "STOP" : ENDINGS[saying.ending];
	const { input, output } = saying.tokens ?? SAID_TOKENS;
	return {
		candidates: [{ content: { role: "model", parts }, ...(isLast ? { finishReason } : {}), index: 0 }],
		usageMetadata: {
			promptTokenCount: input,
			...(isLast ? { candidatesTokenCount: output } : {}),
			totalTokenCount: input + (isLast ? output : 0),
			promptTokensDetails: [{ modality: "TEXT", tokenCount: input }],
		},
		modelVersion: "gemini-2.5-flash",
		responseId: "scriptedAnswer",
	};
}

/** The seal hangs on the first function call, or else on the text: https://ai.google.dev/gemini-api/docs/thought-signatures */
function partsOf({ thinking, text, toolCalls = [] }: Saying): Part[] {
	const seal = thinking === undefined ? {} : { thoughtSignature: thinking.seal };
	const calls = toolCalls.map(({ name, arguments: args }, index) => ({
		functionCall: { name, args },
		...(index === 0 ? seal : {}),
	}));
	return [
		...(thinking === undefined ? [] : [{ text: thinking.text, thought: true }]),
		...(text === undefined ? [] : [{ text, ...(calls.length === 0 ? seal : {}) }]),
		...calls,
	];
}

function streamedParts(saying: Saying): Part[] {
	return partsOf(saying).flatMap((part) => {
		if (typeof part.text !== "string") {
			return [part];
		}
		const { text, thoughtSignature, ...rest } = part;
		const pieces: Part[] = words(part.text).map((word) => ({ text: word, ...rest }));
		// A seal of text comes by itself, on a part without any.
		return thoughtSignature === undefined ? pieces : [...pieces, { text: "", thoughtSignature }];
	});
}

import type { NativeWire } from "../native-deployment.ts";
import { type ResponseParts, respond } from "../replies.ts";
import type { Reply } from "../upstream.ts";
import { anthropicAnswers } from "./anthropic-answers.ts";
import { bedrockAnswers } from "./bedrock-answers.ts";
import { chatAnswers, mistralAnswers } from "./chat-answers.ts";
import { cohereAnswers } from "./cohere-answers.ts";
import { geminiAnswers } from "./gemini-answers.ts";
import type { NativeAnswers, Saying } from "./saying.ts";

/** Wire formats that are OpenAI's chat, or nearly: of Mistral, and of any server that speaks chat alone. */
export const CHAT_WIRES = ["mistral", "chat"] as const;

export type Wire = NativeWire | (typeof CHAT_WIRES)[number];

export const NATIVE_ANSWERS: Readonly<Record<Wire, NativeAnswers>> = {
	anthropic: anthropicAnswers,
	gemini: geminiAnswers,
	vertex: geminiAnswers,
	"vertex-anthropic": anthropicAnswers,
	bedrock: bedrockAnswers,
	cohere: cohereAnswers,
	mistral: mistralAnswers,
	chat: chatAnswers,
};

/** A provider's answer, whole or as a stream, whichever was asked for. */
export function nativeReply(
	wire: Wire,
	saying: Saying,
	stream: boolean,
	options: Pick<ResponseParts, "cuts" | "framing"> = {},
): Reply {
	const answers = NATIVE_ANSWERS[wire];
	return stream
		? nativeStream(wire, answers.events(saying), options)
		: respond({ ...options, body: JSON.stringify(answers.whole(saying)) });
}

/** A stream of exactly these events, one HTTP chunk each unless `cuts` says otherwise. */
export function nativeStream(
	wire: Wire,
	events: readonly Buffer[],
	options: Pick<ResponseParts, "cuts" | "framing"> = {},
): Reply {
	return respond({
		framing: "chunked",
		cuts: edgesOf(events),
		...options,
		headers: { "content-type": NATIVE_ANSWERS[wire].streamType },
		body: Buffer.concat(events),
	});
}

/** Where each event ends, in bytes. */
function edgesOf(events: readonly Buffer[]): number[] {
	let end = 0;
	return events.map((event) => {
		end += event.length;
		return end;
	});
}

/** A refusal in the provider's own shape. */
export function nativeError(wire: Wire, status: number, message: string): Reply {
	return respond({ status, body: JSON.stringify(NATIVE_ANSWERS[wire].error(status, message)) });
}

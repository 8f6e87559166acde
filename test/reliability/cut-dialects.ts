import { createParser } from "eventsource-parser";
import { type DeploymentSpec, PROVIDER_KEY } from "../support/gateway-config.ts";
import { nativeReply, type Wire } from "../support/native/answers.ts";
import { type NativeWire, nativeDeployment } from "../support/native-deployment.ts";
import { SANITY_PRICE } from "../support/openai-answers.ts";
import { readAwsFrames } from "../support/oracle/aws-frames.ts";
import { type Json, object, objects, text } from "../support/oracle/json.ts";
import { bytesStep, wireBytes } from "../support/replies.ts";
import { responsesReply } from "../support/responses-upstream.ts";
import type { ReceivedRequest, Reply } from "../support/upstream.ts";

/** One event of a provider's stream, as any reader of its framing sees it. */
export interface WireEvent {
	/** Bytes of the body up to and with its end. */
	readonly end: number;
	readonly type: string;
	/** Empty where the data is no JSON (`[DONE]`). */
	readonly json: Json;
	readonly data: string;
}

/** A wire format, read from its documents without a look at `src`. */
export interface CutDialect {
	/** The surface that the client asks. */
	readonly client: "chat" | "responses";
	eventsOf(body: Buffer): readonly WireEvent[];
	/** It holds what a user would call output. */
	speaks(event: WireEvent): boolean;
	/** It says why the answer is over. */
	finishes(event: WireEvent): boolean;
	/** Nothing that matters follows. A stream that knows no such event ends with its body. */
	ends(event: WireEvent): boolean;
	deployment(url: string): DeploymentSpec;
	/** What the healthy deployment answers, in one piece. */
	good(request: ReceivedRequest, stream: boolean): Reply;
}

/** What the healthy deployment says: nothing of it is in any recording. */
export const GOOD_TEXT = "All is well over here.";

const CR = 13;
const LF = 10;

function sseEvents(body: Buffer): readonly WireEvent[] {
	const events: WireEvent[] = [];
	let at = 0;
	const parser = createParser({
		onEvent: ({ event, data }) => {
			const json = data.startsWith("{") ? object(JSON.parse(data)) : {};
			// Of a last CRLF the LF is still to come.
			const end = body[at - 1] === CR && body[at] === LF ? at + 1 : at;
			events.push({ end, type: text(json.type) || (event ?? ""), json, data });
		},
	});
	for (const character of body.toString()) {
		at += Buffer.byteLength(character);
		parser.feed(character);
	}
	return events;
}

function awsEvents(body: Buffer): readonly WireEvent[] {
	const events: WireEvent[] = [];
	for (let start = 0; start < body.length; ) {
		const end = start + body.readUInt32BE(start);
		for (const { headers, payload } of readAwsFrames(body.subarray(start, end))) {
			events.push({ end, type: headers[":event-type"] ?? "", json: object(JSON.parse(payload)), data: payload });
		}
		start = end;
	}
	return events;
}

function inOnePiece(reply: Reply): Reply {
	return { steps: [bytesStep(wireBytes(reply))] };
}

const GOOD = { text: GOOD_TEXT };
const good = (wire: Wire) => (_request: ReceivedRequest, stream: boolean) =>
	inOnePiece(nativeReply(wire, GOOD, stream));
const native = (wire: NativeWire) => (url: string) => nativeDeployment(wire, { url }, { price: SANITY_PRICE });
const compatible = (provider: string, model: string) => (url: string) => ({
	upstream: { url },
	provider,
	model,
	api_key: PROVIDER_KEY,
	price: SANITY_PRICE,
});

const firstChoice = ({ json }: WireEvent) => object(objects(json.choices)[0]);

const CHAT: Omit<CutDialect, "deployment" | "good"> = {
	client: "chat",
	eventsOf: sseEvents,
	speaks: (event) => {
		const { content, tool_calls: calls } = object(firstChoice(event).delta);
		return (typeof content === "string" && content !== "") || objects(content).length + objects(calls).length > 0;
	},
	finishes: (event) => typeof firstChoice(event).finish_reason === "string",
	ends: ({ data }) => data === "[DONE]",
};

const ANTHROPIC: CutDialect = {
	client: "chat",
	eventsOf: sseEvents,
	speaks: ({ type, json }) => {
		const delta = object(json.delta);
		const said = text(delta.text) + text(delta.thinking) + text(delta.partial_json);
		return said !== "" || (type === "content_block_start" && object(json.content_block).type === "tool_use");
	},
	finishes: ({ type }) => type === "message_delta",
	ends: ({ type }) => type === "message_stop",
	deployment: native("anthropic"),
	good: good("anthropic"),
};

/** https://platform.openai.com/docs/api-reference, https://docs.claude.com/en/docs/build-with-claude/streaming and their like. */
export const CUT_DIALECTS = {
	"openai-chat": { ...CHAT, deployment: compatible("openai", "gpt-4o"), good: good("chat") },
	"openai-responses": {
		client: "responses",
		eventsOf: sseEvents,
		speaks: ({ type, json }) => type.endsWith(".delta") && text(json.delta) !== "",
		finishes: ({ type }) => type === "response.completed",
		ends: ({ type }) => type === "response.completed",
		deployment: compatible("openai", "gpt-4o"),
		good: (request) => inOnePiece(responsesReply(request, GOOD_TEXT)),
	},
	"anthropic-messages": ANTHROPIC,
	/** OpenAI's Responses asked of a provider that does not know them. */
	"bridged-responses": { ...ANTHROPIC, client: "responses" },
	"gemini-generate": {
		client: "chat",
		eventsOf: sseEvents,
		speaks: ({ json }) => objects(object(object(objects(json.candidates)[0]).content).parts).length > 0,
		finishes: ({ json }) => text(object(objects(json.candidates)[0]).finishReason) !== "",
		ends: () => false,
		deployment: native("gemini"),
		good: good("gemini"),
	},
	"bedrock-converse": {
		client: "chat",
		eventsOf: awsEvents,
		speaks: ({ type, json }) =>
			type === "contentBlockDelta" || (type === "contentBlockStart" && object(json.start).toolUse !== undefined),
		finishes: ({ type }) => type === "messageStop",
		ends: ({ type }) => type === "metadata",
		deployment: native("bedrock"),
		good: good("bedrock"),
	},
	"cohere-v2": {
		client: "chat",
		eventsOf: sseEvents,
		speaks: ({ type }) => type === "content-delta" || type === "tool-call-start",
		finishes: ({ type }) => type === "message-end",
		ends: ({ type }) => type === "message-end",
		deployment: native("cohere"),
		good: good("cohere"),
	},
	"mistral-chat": { ...CHAT, deployment: compatible("mistral", "mistral-small-latest"), good: good("mistral") },
} as const satisfies Readonly<Record<string, CutDialect>>;

export type CutDialectName = keyof typeof CUT_DIALECTS;

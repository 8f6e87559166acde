import { asksForStream } from "../native-rig.ts";
import { type Json, parseJson } from "../oracle/json.ts";
import type { ReceivedRequest, Reply } from "../upstream.ts";
import { nativeError, nativeReply, type Wire } from "./answers.ts";
import { anthropicFaults } from "./anthropic-rules.ts";
import { bedrockFaults } from "./bedrock-rules.ts";
import { chatFaults, mistralFaults } from "./chat-rules.ts";
import { cohereFaults } from "./cohere-rules.ts";
import { geminiFaults } from "./gemini-rules.ts";
import type { Saying } from "./saying.ts";

/** What is wrong with a request by the provider's own rules; empty when it would be answered. */
export type Rules = (body: Json, said: readonly Saying[]) => string[];

const RULES: Readonly<Record<Wire, Rules>> = {
	anthropic: (body, said) => anthropicFaults(body, said, { host: "anthropic", thinking: "budget" }),
	"vertex-anthropic": (body, said) => anthropicFaults(body, said, { host: "vertex", thinking: "adaptive" }),
	gemini: (body, said) => geminiFaults(body, said, { needsSeals: false }),
	vertex: (body, said) => geminiFaults(body, said, { needsSeals: true }),
	bedrock: bedrockFaults,
	cohere: cohereFaults,
	mistral: mistralFaults,
	chat: chatFaults,
};

/** An answer, or one that depends on the question. */
export type Said = Saying | ((body: Json) => Saying);

/** A provider that answers as scripted, but only requests that the real one would take. */
export interface StrictProvider {
	/** The answers from now on, one a request. What was said before counts no more. */
	says(wire: Wire, ...sayings: readonly Said[]): void;
	/** What was asked since, as the provider read it. */
	readonly bodies: readonly Json[];
	/** Everything of the latest request, headers and body, as text. */
	latest(): string;
	answer(request: ReceivedRequest): Reply;
}

export function createStrictProvider(): StrictProvider {
	let wire: Wire = "anthropic";
	let sayings: readonly Said[] = [];
	const said: Saying[] = [];
	const bodies: Json[] = [];
	let latest = "";
	return {
		says(nextWire, ...next) {
			wire = nextWire;
			sayings = next;
			bodies.length = 0;
			said.length = 0;
		},
		bodies,
		latest: () => latest,
		answer(request) {
			const body = parseJson(request.text());
			latest = `${JSON.stringify(request.headers)} ${request.text()}`;
			const faults = RULES[wire](body, said);
			const next = sayings[bodies.length];
			bodies.push(body);
			if (faults.length > 0 || next === undefined) {
				return nativeError(wire, 400, faults.join("; ") || "nothing is scripted for this request");
			}
			const saying = typeof next === "function" ? next(body) : next;
			said.push(saying);
			return nativeReply(wire, saying, asksForStream(request));
		},
	};
}

import { isJsonObject, type JsonObject, type JsonValue, objectOf } from "../../lib/json-types.ts";
import type { ReasoningDetail } from "../chat-hub/reasoning.ts";
import type { AskedToolCall, ChatTurn } from "../chat-hub/request.ts";
import { wordOf } from "./reading.ts";

/** The format of reasoning details whose seals are Gemini's thought signatures. */
export const GEMINI_FORMAT = "google-gemini-v1";

/**
 * What Google says to send where a signature is lost or the call was made by another model.
 * https://ai.google.dev/gemini-api/docs/thought-signatures#faqs
 * https://cloud.google.com/vertex-ai/generative-ai/docs/thought-signatures#using-rest-or-manual-handling
 */
export const NO_SIGNATURE = "skip_thought_signature_validator";

/** A detail with this id holds a whole part of the answer that must go back as it came, in base64. */
const KEPT_PART = "part";

/** Parts in which Gemini tells of tools it ran itself; without them a later turn has forgotten what they said. */
const KEPT_KINDS = ["toolCall", "toolResponse", "executableCode", "codeExecutionResult"] as const;
/** Vertex does not take these two: https://ai.google.dev/gemini-api/docs/tool-combination */
const NOT_ON_VERTEX = ["toolCall", "toolResponse"] as const;

/** Whether a part is Google's own record of a tool it ran. */
export function isKeptPart(part: JsonObject): boolean {
	return KEPT_KINDS.some((kind) => isJsonObject(part[kind]));
}

/** The spelling of Google's own OpenAI-compatible endpoint. */
export function signatureField(signature: string): JsonObject {
	return { extra_content: { google: { thought_signature: signature } } };
}

export function sealOfCall(id: string, signature: string): ReasoningDetail {
	return { type: "reasoning.encrypted", data: signature, id, format: GEMINI_FORMAT };
}

export function sealOfText(signature: string): ReasoningDetail {
	return { type: "reasoning.encrypted", data: signature, format: GEMINI_FORMAT };
}

export function sealOfImage(index: number, signature: string): ReasoningDetail {
	return { type: "reasoning.encrypted", data: signature, id: `image_${index}`, format: GEMINI_FORMAT };
}

export function keepPart(part: JsonObject): ReasoningDetail {
	const data = Buffer.from(JSON.stringify(part), "utf8").toString("base64");
	return { type: "reasoning.encrypted", data, id: KEPT_PART, format: GEMINI_FORMAT };
}

/** What Gemini sealed in one message of an assistant, by what the seals belong to. */
export interface Seals {
	readonly ofText: readonly string[];
	ofCall(call: AskedToolCall): string | undefined;
	ofImage(index: number): string | undefined;
	/** Sealed thinking and the records of Google's own tools, as parts. */
	readonly parts: readonly JsonObject[];
}

/** The seals of other providers are theirs: left out. */
export function readSeals(turn: ChatTurn, isVertex: boolean): Seals {
	const callIds = new Set(turn.toolCalls.map(({ id }) => id));
	const byId = new Map<string, string>();
	const ofText: string[] = [];
	const parts: JsonObject[] = [];
	for (const detail of turn.reasoning) {
		if (detail.format !== GEMINI_FORMAT) {
			continue;
		}
		if (detail.type === "reasoning.text" && detail.signature) {
			parts.push({ text: detail.text, thought: true, thoughtSignature: detail.signature });
		} else if (detail.type === "reasoning.encrypted") {
			const part = detail.id === KEPT_PART && !callIds.has(KEPT_PART) ? readKeptPart(detail.data, isVertex) : undefined;
			if (detail.id === undefined) {
				ofText.push(detail.data);
			} else if (part !== undefined) {
				parts.push(part);
			} else {
				byId.set(detail.id, detail.data);
			}
		}
	}
	const beside = signatureBeside(turn.raw);
	return {
		ofText: ofText.length === 0 && beside !== undefined ? [beside] : ofText,
		ofCall: (call) => signatureBeside(call.raw) ?? byId.get(call.id),
		ofImage: (index) => byId.get(`image_${index}`),
		parts,
	};
}

function readKeptPart(data: string, isVertex: boolean): JsonObject | undefined {
	try {
		const part: unknown = JSON.parse(Buffer.from(data, "base64").toString("utf8"));
		if (isJsonObject(part) && isKeptPart(part)) {
			return isVertex && NOT_ON_VERTEX.some((kind) => part[kind] !== undefined) ? undefined : part;
		}
	} catch {
		// Not what was once given out: nothing Gemini could use.
	}
	return undefined;
}

function signatureBeside(holder: { readonly [name: string]: JsonValue | undefined }): string | undefined {
	return wordOf(objectOf(objectOf(holder.extra_content).google).thought_signature);
}

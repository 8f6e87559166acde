import { isJsonObject, type JsonObject, type JsonValue, objectOf, objectsIn } from "../../lib/json-types.ts";
import { type IsLeftOut, markOf, type Seal } from "../seal.ts";
import { readReasoningDetails } from "./reasoning.ts";

/** The format of Gemini's thought signatures. */
export const GEMINI = "google-gemini-v1";
/** One format for the models of several makers, none of which can read another's. */
const BEDROCK = "bedrock-converse-v1";
const DETAIL_LISTS = ["reasoning_details", "thinking_blocks"] as const;

/** What stands in the way of sending the messages of a conversation to just anybody. In order of the conversation. */
export function chatSeals(messages: JsonValue | undefined): Seal[] {
	const list = objectsIn(messages);
	const lastAsked = list.findLastIndex(({ role }) => role === "user");
	return list.flatMap((message, index) =>
		message.role === "assistant" ? messageSeals(message, { prefix: "messages[]", isCurrent: index > lastAsked }) : [],
	);
}

/** @param place Where the message stands, and whether it belongs to the turn that is going on. */
export function messageSeals(
	message: JsonObject,
	place: { readonly prefix: string; readonly isCurrent: boolean },
): Seal[] {
	const seals: Seal[] = [];
	const add = (data: string, field: string, format: string, id?: string): void => {
		const { prefix, isCurrent } = place;
		seals.push({ format, id, marks: [markOf(data)], field: `${prefix}.${field}`, isCurrent, isEssential: false });
	};
	const field = DETAIL_LISTS.find((name) => Array.isArray(message[name])) ?? "content[].thinking";
	for (const detail of readReasoningDetails(message)) {
		const data =
			detail.type === "reasoning.encrypted"
				? detail.data
				: detail.type === "reasoning.text"
					? detail.signature
					: undefined;
		if (data) {
			add(data, field, detail.format, detail.format === BEDROCK ? detail.id : undefined);
		}
	}
	for (const [holder, where] of signatureHolders(message)) {
		const signature = googleSignature(holder);
		if (signature !== undefined) {
			add(signature, where, GEMINI);
		}
	}
	return seals;
}

function signatureHolders(message: JsonObject): (readonly [JsonObject, string])[] {
	const calls = objectsIn(message.tool_calls).map((call) => [call, "tool_calls[].extra_content"] as const);
	return [[message, "extra_content"], ...calls];
}

/** The signature beside a call or a message, in the spelling of Google's OpenAI-compatible endpoint. */
export function googleSignature(holder: JsonObject): string | undefined {
	const signature = objectOf(objectOf(holder.extra_content).google).thought_signature;
	return typeof signature === "string" && signature !== "" ? signature : undefined;
}

/** The same messages without the seals that are to be left out, and without the thinking that they sealed. */
export function withoutChatSeals(messages: JsonValue | undefined, isLeftOut: IsLeftOut): JsonValue | undefined {
	return Array.isArray(messages)
		? messages.map((message) =>
				isJsonObject(message) && message.role === "assistant" ? withoutSeals(message, isLeftOut) : message,
			)
		: messages;
}

function withoutSeals(message: JsonObject, isLeftOut: IsLeftOut): JsonObject {
	const rest = withoutSignature(message, isLeftOut);
	for (const name of DETAIL_LISTS) {
		const list = rest[name];
		if (Array.isArray(list)) {
			const kept = list.filter((entry) => !isLeftOut(marksOfBlock(entry)));
			const isWorthless = kept.length < list.length && kept.every((entry) => marksOfBlock(entry).length === 0);
			// Pieces of thinking whose seal is gone are of no use to anybody.
			rest[name] = isWorthless ? undefined : kept;
		}
	}
	if (Array.isArray(rest.content)) {
		const kept = rest.content.filter((part) => !isLeftOut(marksOfBlock(part)));
		rest.content = kept.length === 0 ? (Array.isArray(rest.tool_calls) ? null : "") : kept;
	}
	if (Array.isArray(rest.tool_calls)) {
		rest.tool_calls = rest.tool_calls.map((call) => (isJsonObject(call) ? withoutSignature(call, isLeftOut) : call));
	}
	return rest;
}

/** A copy of a call, an item or a message, without Gemini's signature beside it where that is to be left out. */
export function withoutSignature(holder: JsonObject, isLeftOut: IsLeftOut): JsonObject {
	const signature = googleSignature(holder);
	if (signature === undefined || !isLeftOut([markOf(signature)])) {
		return { ...holder };
	}
	const { google, ...others } = objectOf(holder.extra_content);
	const { thought_signature: _, ...known } = objectOf(google);
	const extra = Object.keys(known).length === 0 ? others : { ...others, google: known };
	return { ...holder, extra_content: Object.keys(extra).length === 0 ? undefined : extra };
}

/** Of a detail of OpenRouter's, or a block of Anthropic's. */
function marksOfBlock(block: JsonValue): string[] {
	if (!isJsonObject(block)) {
		return [];
	}
	switch (block.type) {
		case "reasoning.text":
		case "thinking":
			return typeof block.signature === "string" ? [markOf(block.signature)] : [];
		case "reasoning.encrypted":
		case "redacted_thinking":
			return typeof block.data === "string" ? [markOf(block.data)] : [];
		default:
			return [];
	}
}

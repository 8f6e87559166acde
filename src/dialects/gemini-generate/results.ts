import { isJsonObject, type JsonObject } from "../../lib/json-types.ts";
import { type ChatPart, textOf } from "../chat-hub/parts.ts";
import type { AskedToolCall, ChatTurn } from "../chat-hub/request.ts";
import { type ContentTarget, writePart } from "./content.ts";
import { geminiName } from "./names.ts";

interface WrittenResult {
	readonly response: JsonObject;
	/** Media that has no place inside the response. */
	readonly beside: readonly JsonObject[];
}

/**
 * The result of a tool. The name and the id are the call's, since Gemini matches by both:
 * https://ai.google.dev/gemini-api/docs/whats-new-gemini-3.5
 */
export function writeResult(turn: ChatTurn, call: AskedToolCall | undefined, target: ContentTarget): WrittenResult {
	const { edition, traits } = target;
	const id = call?.id ?? turn.toolCallId;
	const inside: JsonObject[] = [];
	const beside: JsonObject[] = [];
	for (const part of turn.parts) {
		if (part.kind !== "text") {
			const written = writePart(part, target);
			const place = traits.mediaInResults && fitsInside(part, written, edition === "vertex") ? inside : beside;
			place.push(written);
		}
	}
	return {
		response: {
			functionResponse: {
				...(traits.callIds && id !== undefined ? { id } : {}),
				name: geminiName(call?.name ?? turn.name ?? id ?? "tool"),
				response: responseOf(textOf(turn.parts), turn.raw.is_error === true),
				...(inside.length === 0 ? {} : { parts: inside }),
			},
		},
		beside,
	};
}

/** Images and documents; by address on Vertex only. https://ai.google.dev/gemini-api/docs/function-calling#multimodal */
function fitsInside(part: ChatPart, written: JsonObject, isVertex: boolean): boolean {
	return (part.kind === "image" || part.kind === "file") && (isVertex || written.inlineData !== undefined);
}

/**
 * An object as it is; everything else under a name, since Gemini takes objects only. It reads `$ref` in an object as the
 * name of a media part and refuses what it cannot find: https://github.com/vercel/ai/issues/14369
 */
function responseOf(text: string, isError: boolean): JsonObject {
	if (isError) {
		return { error: text };
	}
	if (text.trimStart().startsWith("{") && !text.includes('"$ref"')) {
		try {
			const value: unknown = JSON.parse(text);
			return isJsonObject(value) ? value : { result: text };
		} catch {
			// Words that begin with a brace.
		}
	}
	return { result: text };
}

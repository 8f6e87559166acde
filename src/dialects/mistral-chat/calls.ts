import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import type { Target } from "../translation.ts";

/** Writes the tool calls of one choice as OpenAI does. */
export interface CallWriter {
	/** Calls of a whole message, or the fragments of a delta; the list itself where there is nothing to change. */
	write(calls: JsonValue, inStream: boolean): JsonValue;
}

/**
 * Mistral leaves out `type` and at times `index` and `id` (or says "null"), and its SDK allows arguments that are no text.
 * https://github.com/mistralai/client-ts/blob/main/src/models/components/toolcall.ts
 */
export function createCallWriter(target: Target, choice: number): CallWriter {
	const begun = new Set<number>();

	function written(call: JsonObject, inStream: boolean): JsonObject {
		const described = isJsonObject(call.function) ? call.function : {};
		const named = typeof call.id === "string" && call.id !== "" && call.id !== "null";
		// Without a number: another call where it has a name or an id, else more of the last one.
		const isMore = inStream && begun.size > 0 && !named && !described.name;
		const index = typeof call.index === "number" ? call.index : begun.size - (isMore ? 1 : 0);
		const isNew = !inStream || !begun.has(index);
		begun.add(index);
		const id = named ? call.id : isNew ? madeId(target, choice, index) : undefined;
		const { id: _, ...rest } = call;
		return {
			...rest,
			...(inStream ? { index } : {}),
			...(id === undefined ? {} : { id }),
			...(isNew ? { type: call.type ?? "function" } : {}),
			function: { ...described, ...argumentsOf(described.arguments, !inStream) },
		};
	}

	return {
		write: (calls, inStream) =>
			Array.isArray(calls) ? calls.map((call) => (isJsonObject(call) ? written(call, inStream) : call)) : calls,
	};
}

function madeId({ answerId }: Target, choice: number, index: number): string {
	return choice === 0 ? `call_${answerId}_${index}` : `call_${answerId}_${choice}_${index}`;
}

/** A call without arguments is an empty object. In a stream nothing may still become something. */
function argumentsOf(value: JsonValue | undefined, whole: boolean): JsonObject {
	if (typeof value === "object" && value !== null) {
		return { arguments: JSON.stringify(value) };
	}
	return whole && (value === undefined || value === null || value === "") ? { arguments: "{}" } : {};
}

import { isJsonObject, type JsonObject, type JsonValue, objectsIn } from "../../lib/json-types.ts";
import { customInput } from "../chat-hub/tools.ts";
import type { AnswerTerms } from "./answer.ts";

/** Writes the tool calls of one choice as OpenAI does. */
export interface CallWriter {
	/** The fields of a whole message that tell its calls. */
	whole(calls: JsonValue): JsonObject;
	/** The same of a delta. `isLast`: nothing more will come, so what was held back is told. */
	delta(calls: JsonValue | undefined, isLast: boolean): JsonObject;
	/** Whether the last delta has something to tell even if no call is in it. */
	isHolding(): boolean;
}

/** A call of which a stream has told. */
interface BegunCall {
	readonly isCustom: boolean;
	/** Its arguments so far. */
	text: string;
	/** Of a custom tool, whose free text is inside JSON: whether it has been told. */
	isTold: boolean;
}

/**
 * Mistral leaves out `type` and at times `index` and `id` (or says "null"), and its SDK allows arguments that are no text.
 * https://github.com/mistralai/client-ts/blob/main/src/models/components/toolcall.ts
 */
export function createCallWriter(terms: AnswerTerms, choice: number): CallWriter {
	const begun = new Map<number, BegunCall>();

	function wholeCall(call: JsonObject, index: number): JsonObject {
		const { name, text, rest, described } = readCall(call, terms);
		const facts = { ...rest, id: givenId(call) ?? madeId(terms, choice, index) };
		return terms.customTools.has(name)
			? { ...facts, type: "custom", custom: { name, input: customInput(text) } }
			: { ...facts, type: call.type ?? "function", function: { ...described, name, arguments: text || "{}" } };
	}

	function fragment(call: JsonObject, isLast: boolean): JsonObject[] {
		const { name, text, rest, described } = readCall(call, terms);
		const id = givenId(call);
		// Without a number: another call where it has a name or an id, else more of the last one.
		const isMore = begun.size > 0 && id === undefined && name === "";
		const index = typeof call.index === "number" ? call.index : begun.size - (isMore ? 1 : 0);
		const known = begun.get(index);
		const state = known ?? { isCustom: terms.customTools.has(name), text: "", isTold: false };
		begun.set(index, state);
		state.text += text;
		const made = known === undefined ? { id: id ?? madeId(terms, choice, index) } : id === undefined ? {} : { id };
		if (state.isCustom) {
			return known === undefined ? [{ index, ...made, type: "custom", custom: { name, input: "" } }] : [];
		}
		const told = isLast && state.text === "" ? "{}" : text;
		state.text ||= told;
		const type = known === undefined ? { type: call.type ?? "function" } : {};
		return [
			{ ...rest, index, ...made, ...type, function: { ...described, ...(name ? { name } : {}), arguments: told } },
		];
	}

	/** What has been held back: the free text of custom tools, and `{}` for a call without arguments. */
	function held(): JsonObject[] {
		return [...begun].flatMap(([index, call]): JsonObject[] => {
			if (call.isCustom ? call.isTold : call.text !== "") {
				return [];
			}
			call.isTold = true;
			call.text ||= "{}";
			const input = call.isCustom ? { custom: { input: customInput(call.text) } } : { function: { arguments: "{}" } };
			return [{ index, ...input }];
		});
	}

	return {
		whole(calls) {
			if (!Array.isArray(calls)) {
				return { tool_calls: calls };
			}
			const told = calls.filter(isJsonObject).map(wholeCall);
			return terms.legacy ? inOldWords(told) : { tool_calls: told };
		},
		delta(calls, isLast) {
			const given = objectsIn(calls);
			const told = [...given.flatMap((call) => fragment(call, isLast)), ...(isLast ? held() : [])];
			if (terms.legacy) {
				return inOldWords(told.filter(({ index }) => index === begun.keys().next().value));
			}
			if (told.length > 0) {
				return { tool_calls: joined(told) };
			}
			return calls === undefined || given.length > 0 ? {} : { tool_calls: calls };
		},
		isHolding: () => [...begun.values()].some((call) => (call.isCustom ? !call.isTold : call.text === "")),
	};
}

function readCall(call: JsonObject, { toolName }: AnswerTerms) {
	const { id: _, function: given, ...rest } = call;
	const { name: called, arguments: value, ...described } = isJsonObject(given) ? given : {};
	const name = typeof called === "string" ? toolName(called) : "";
	const text =
		typeof value === "string" ? value : isJsonObject(value) || Array.isArray(value) ? JSON.stringify(value) : "";
	return { name, text, rest, described };
}

function givenId({ id }: JsonObject): string | undefined {
	return typeof id === "string" && id !== "" && id !== "null" ? id : undefined;
}

function madeId({ target }: AnswerTerms, choice: number, index: number): string {
	return choice === 0 ? `call_${target.answerId}_${index}` : `call_${target.answerId}_${choice}_${index}`;
}

/** A custom call that begins and ends in one delta is one entry: some clients add entries up between deltas only. */
function joined(calls: readonly JsonObject[]): JsonObject[] {
	const entries: JsonObject[] = [];
	for (const call of calls) {
		const before = entries.find(({ index }) => index === call.index);
		if (before !== undefined && isJsonObject(before.custom) && isJsonObject(call.custom)) {
			before.custom = { ...before.custom, ...call.custom };
		} else {
			entries.push(call);
		}
	}
	return entries;
}

/** `function_call`: one, without an id. */
function inOldWords([first]: readonly JsonObject[]): JsonObject {
	const described = first?.function;
	return isJsonObject(described) ? { function_call: described } : {};
}

import { type JsonObject, type JsonValue, objectsIn } from "../../lib/json-types.ts";
import type { ReasoningDetail } from "../chat-hub/reasoning.ts";
import { customInput } from "../chat-hub/tools.ts";
import { createPartialArguments, type PartialArguments } from "./partial-arguments.ts";
import { wordOf } from "./reading.ts";
import { sealOfCall, signatureField } from "./seals.ts";

/** Hears the function calls of a candidate. A call is over before the next begins. */
export interface CallWords {
	call(call: {
		readonly id: string;
		readonly name: string;
		readonly kind: "function" | "custom";
		readonly extra: JsonObject | undefined;
	}): void;
	/** A piece of the arguments of the call that was begun last. */
	arguments(fragment: string): void;
}

/** What an answer must know of the tools that the model was shown. */
export interface ShownTools {
	/** Names of custom tools, which the model was shown as functions. */
	readonly custom: ReadonlySet<string>;
	/** The client's own names of those that the model was shown under another. */
	readonly renamed: ReadonlyMap<string, string>;
}

/** Reads function calls, whole or in pieces. Holds the one that is open. */
export interface CallReader {
	read(call: JsonObject, signature: string | undefined): void;
	/** No more is to come. */
	end(): void;
	/** Calls so far. */
	count(): number;
}

interface OpenCall {
	readonly id: string;
	readonly isCustom: boolean;
	readonly partial: PartialArguments;
	/** The arguments where they came in one piece, as JSON text. */
	whole: string | undefined;
	hasPieces: boolean;
}

/**
 * A call in pieces begins with its name and `willContinue`, goes on without a name, and ends with the first piece that
 * promises no more.
 */
export function createCallReader(
	words: CallWords,
	tools: ShownTools,
	idOf: (given: string | undefined) => string,
	keepSeal: (seal: ReasoningDetail) => void,
): CallReader {
	let open: OpenCall | undefined;
	let calls = 0;

	function begin(name: string, given: string | undefined, signature: string | undefined): OpenCall {
		const isCustom = tools.custom.has(name);
		const id = idOf(given);
		words.call({
			id,
			name,
			kind: isCustom ? "custom" : "function",
			extra: signature === undefined ? undefined : signatureField(signature),
		});
		calls += 1;
		return { id, isCustom, partial: createPartialArguments(), whole: undefined, hasPieces: false };
	}
	function end(): void {
		if (open === undefined) {
			return;
		}
		const { isCustom, partial, whole, hasPieces } = open;
		open = undefined;
		if (isCustom) {
			words.arguments(customInput(whole ?? JSON.stringify(partial.value())));
		} else {
			words.arguments(whole === undefined || hasPieces ? partial.end() : whole);
		}
	}

	return {
		read(call, signature) {
			const name = wordOf(call.name);
			if (name !== undefined) {
				end();
				open = begin(tools.renamed.get(name) ?? name, wordOf(call.id), signature);
			}
			if (open === undefined) {
				return;
			}
			if (signature !== undefined) {
				keepSeal(sealOfCall(open.id, signature));
			}
			for (const entry of objectsIn(call.partialArgs)) {
				const fragment = open.partial.push(entry);
				open.hasPieces = true;
				if (!open.isCustom && fragment !== "") {
					words.arguments(fragment);
				}
			}
			open.whole = argumentsText(call.args) ?? open.whole;
			if (call.willContinue !== true) {
				end();
			}
		},
		end,
		count: () => calls,
	};
}

/** An object, by Google's word; whatever else a model was let through with is shown as it is. */
function argumentsText(args: JsonValue | undefined): string | undefined {
	return args === undefined || args === null ? undefined : typeof args === "string" ? args : JSON.stringify(args);
}

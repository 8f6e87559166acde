import type { JsonObject } from "../../lib/json-types.ts";
import type { ReasoningDetail } from "../chat-hub/reasoning.ts";
import { customInput } from "../chat-hub/tools.ts";
import { createPartialArguments, type PartialArguments } from "./partial-arguments.ts";
import { objectOf, objectsIn, wordOf } from "./reading.ts";
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
	/** The arguments where they came in one piece. */
	whole: JsonObject | undefined;
	hasPieces: boolean;
}

/**
 * A call in pieces begins with its name and `willContinue`, goes on without a name, and ends with the first piece that
 * promises no more.
 */
export function createCallReader(
	words: CallWords,
	customTools: ReadonlySet<string>,
	idOf: (given: string | undefined) => string,
	keepSeal: (seal: ReasoningDetail) => void,
): CallReader {
	let open: OpenCall | undefined;
	let calls = 0;

	function begin(name: string, given: string | undefined, signature: string | undefined): OpenCall {
		const isCustom = customTools.has(name);
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
			words.arguments(customInput(JSON.stringify(whole ?? partial.value())));
		} else {
			words.arguments(whole === undefined || hasPieces ? partial.end() : JSON.stringify(whole));
		}
	}

	return {
		read(call, signature) {
			const name = wordOf(call.name);
			if (name !== undefined) {
				end();
				open = begin(name, wordOf(call.id), signature);
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
			open.whole = call.args === undefined || call.args === null ? open.whole : objectOf(call.args);
			if (call.willContinue !== true) {
				end();
			}
		},
		end,
		count: () => calls,
	};
}

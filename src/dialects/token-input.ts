import { isJsonObject, type JsonObject, type JsonValue } from "../lib/json-types.ts";
import { type PromptView, plainPrompt } from "../lib/prompt-view.ts";
import { mustBe } from "./fields.ts";
import { promptSize } from "./prompt-size.ts";
import type { PromptTokensUpperBound } from "./types.ts";

/** A prompt as text or as token numbers, one or several: the shape that completions and embeddings share. */
interface TokenInput {
	/** How many prompts it is. */
	readonly prompts: number;
	/** Given as token numbers: their count is the exact size. */
	readonly tokens: number | undefined;
}

/**
 * Reads a string, a list of strings, a list of token numbers, or a list of such lists.
 * @throws GatewayError 400 when it is something else, empty, or more prompts than allowed.
 */
export function readTokenInput(
	value: JsonValue,
	param: string,
	limits: { readonly promptsMax: number; readonly emptyTextAllowed: boolean },
): TokenInput {
	if (typeof value === "string") {
		return readTexts([value], param, limits.emptyTextAllowed);
	}
	const list = Array.isArray(value) ? value : [];
	if (list.length === 0) {
		throw mustBe(param, "a string or a list that is not empty");
	}
	const [first] = list;
	if (typeof first === "number") {
		return { prompts: 1, tokens: countTokens(list, param) };
	}
	if (list.length > limits.promptsMax) {
		throw mustBe(param, `a list of at most ${limits.promptsMax} entries`);
	}
	if (typeof first === "string") {
		return readTexts(list, param, limits.emptyTextAllowed);
	}
	let tokens = 0;
	for (const [index, prompt] of list.entries()) {
		tokens += countTokens(prompt, `${param}[${index}]`);
	}
	return { prompts: list.length, tokens };
}

function readTexts(list: readonly JsonValue[], param: string, emptyAllowed: boolean): TokenInput {
	for (const [index, text] of list.entries()) {
		if (typeof text !== "string" || (text === "" && !emptyAllowed)) {
			throw mustBe(list.length === 1 ? param : `${param}[${index}]`, "text that is not empty");
		}
	}
	return { prompts: list.length, tokens: undefined };
}

function countTokens(value: JsonValue, param: string): number {
	const valid =
		Array.isArray(value) && value.length > 0 && value.every((id) => Number.isInteger(id) && Number(id) >= 0);
	if (!valid) {
		throw mustBe(param, "text, or a list of token numbers that are not negative");
	}
	return value.length;
}

/** An upper bound of the prompt tokens of a body with such an input. */
export function tokenInputSize(json: JsonObject, input: TokenInput, bound: PromptTokensUpperBound): number {
	return input.tokens ?? promptSize(json, bound).tokensMax;
}

/** The text of such an input for the route score; token numbers are not text. */
export function tokenInputText(value: JsonValue | undefined): PromptView {
	const list = Array.isArray(value) ? value : [value];
	return plainPrompt(list.filter((entry) => typeof entry === "string").join("\n"));
}

/** The text of prompts that are a list of texts and content parts. */
export function partsText(value: JsonValue | undefined): PromptView {
	const list = Array.isArray(value) ? value : [value];
	const texts = list.map((entry) => (isJsonObject(entry) ? entry.text : entry));
	return plainPrompt(texts.filter((text) => typeof text === "string").join("\n"));
}

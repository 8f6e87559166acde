import { isJsonObject, type JsonObject, type JsonValue, objectsIn } from "../../lib/json-types.ts";
import { clipText, lastTurns, type PromptView } from "../../lib/prompt-view.ts";
import { jsonOf } from "../body-kind.ts";
import {
	boolean,
	checkFields,
	checkStreamOptions,
	fieldRules,
	integerBetween,
	integerField,
	listUpTo,
	metadata,
	missing,
	mustBe,
	numberBetween,
	OUTPUT_TOKENS_MAX,
	objectValue,
	requiredModel,
	textUpTo,
} from "../fields.ts";
import { promptSize } from "../prompt-size.ts";
import { toolsView } from "../tools-view.ts";
import type { Envelope, Ingress, PromptTokensUpperBound } from "../types.ts";
import { readContinuation } from "./continuation.ts";
import { checkItems, type ItemNeeds } from "./input.ts";

const ITEMS_MAX = 10_000;
const TOOLS_MAX = 512;
const NO_NEEDS: ItemNeeds = { images: false, audio: false };

const RULES = fieldRules({
	stream: boolean,
	background: boolean,
	store: boolean,
	parallel_tool_calls: boolean,
	temperature: numberBetween(0, 2),
	top_p: numberBetween(0, 1),
	top_logprobs: integerBetween(0, 20),
	max_output_tokens: integerBetween(1, OUTPUT_TOKENS_MAX),
	max_tool_calls: integerBetween(0, 10_000),
	instructions: (value, param) => {
		if (typeof value !== "string" && !Array.isArray(value)) {
			throw mustBe(param, "a string");
		}
	},
	tools: listUpTo(TOOLS_MAX, (value, param) => {
		if (!isJsonObject(value) || typeof value.type !== "string") {
			throw mustBe(param, "an object with a type");
		}
	}),
	tool_choice: (value, param) => {
		if (typeof value !== "string" && !isJsonObject(value)) {
			throw mustBe(param, "a string or an object");
		}
	},
	text: objectValue,
	reasoning: objectValue,
	include: listUpTo(64, textUpTo(256)),
	metadata,
	user: textUpTo(4_096),
	safety_identifier: textUpTo(1_024),
	prompt_cache_key: textUpTo(1_024),
	service_tier: textUpTo(32),
	truncation: textUpTo(32),
});

export function createResponsesIngress(bound: PromptTokensUpperBound): Ingress {
	return {
		operation: "responses",
		path: "/responses",
		body: "json",
		readEnvelope: (body) => readEnvelope(jsonOf(body), bound),
		promptText: (body) => promptText(jsonOf(body)),
	};
}

function readEnvelope(json: JsonObject, bound: PromptTokensUpperBound): Envelope {
	const model = requiredModel(json.model);
	checkFields(json, RULES);
	checkStreamOptions(json);
	const continuation = readContinuation(json);
	const needs = checkInput(json);
	const maxOutputTokens = integerField(json, "max_output_tokens");
	const size = promptSize(json, bound);
	return {
		model,
		stream: json.stream === true,
		includeUsage: false,
		maxOutputTokens,
		maxOutputField: maxOutputTokens === undefined ? undefined : "max_output_tokens",
		choices: 1,
		needs: {
			tools: Array.isArray(json.tools) && json.tools.length > 0,
			images: needs.images,
			audio: needs.audio,
			jsonSchema: wantsSchema(json.text),
		},
		generates: true,
		promptTokensMax: size.tokensMax,
		promptImages: size.images,
		promptFileTokens: size.fileTokens,
		quantities: {},
		hasExtensions: false,
		...continuation,
	};
}

/** A prompt is in `input`, in what came before (`previous_response_id`, `conversation`) or in a stored template (`prompt`). */
function checkInput(json: JsonObject): ItemNeeds {
	const { input } = json;
	if (input === undefined || input === null) {
		const elsewhere = [json.previous_response_id, json.conversation, json.prompt];
		if (input === null || elsewhere.every((value) => value === undefined || value === null)) {
			throw missing("input");
		}
		return NO_NEEDS;
	}
	if (typeof input === "string") {
		return NO_NEEDS;
	}
	if (!Array.isArray(input) || input.length > ITEMS_MAX) {
		throw mustBe("input", `a string or a list of at most ${ITEMS_MAX} items`);
	}
	return checkItems(input, "input");
}

function wantsSchema(text: JsonValue | undefined): boolean {
	const format = isJsonObject(text) ? text.format : undefined;
	return isJsonObject(format) && format.type === "json_schema";
}

function promptText(json: JsonObject): PromptView {
	const { input, instructions, text } = json;
	const system = typeof instructions === "string" ? [{ role: "system", text: clipText(instructions) }] : [];
	const turns =
		typeof input === "string"
			? [{ role: "user", text: clipText(input) }]
			: lastTurns(objectsIn(input)).map((item) => ({ role: roleOf(item), text: clipText(itemText(item)) }));
	const format = isJsonObject(text) && isJsonObject(text.format) ? text.format.type : undefined;
	return {
		messages: [...system, ...turns],
		tools: toolsView(json.tools),
		json: format === "json_schema" || format === "json_object",
	};
}

/** Items without a role are what the model or a tool did. */
function roleOf(item: JsonObject): string {
	if (typeof item.role === "string") {
		return item.role;
	}
	return String(item.type).endsWith("_output") ? "tool" : "assistant";
}

function itemText(item: JsonObject): string {
	const content = item.content ?? item.output;
	if (typeof content === "string") {
		return content;
	}
	const texts: string[] = [];
	for (const part of Array.isArray(content) ? content : []) {
		const text = isJsonObject(part) ? part.text : undefined;
		if (typeof text === "string") {
			texts.push(text);
		}
	}
	return texts.join("\n");
}

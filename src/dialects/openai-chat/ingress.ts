import { badRequest } from "../../lib/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue, objectsIn } from "../../lib/json-types.ts";
import { clipText, lastTurns, type PromptView } from "../../lib/prompt-view.ts";
import { jsonOf } from "../body-kind.ts";
import {
	asksForUsage,
	boolean,
	CHOICES_MAX,
	checkFields,
	checkStreamOptions,
	type FieldRule,
	fieldRules,
	integerBetween,
	integerField,
	listUpTo,
	logitBias,
	metadata,
	missing,
	mustBe,
	numberBetween,
	OUTPUT_TOKENS_MAX,
	objectValue,
	oneOf,
	requiredModel,
	seed,
	stopSequences,
	textUpTo,
} from "../fields.ts";
import { promptSize } from "../prompt-size.ts";
import { toolsView } from "../tools-view.ts";
import type { Envelope, Ingress, PromptTokensUpperBound } from "../types.ts";
import { type ContentNeeds, checkContent, contentText } from "./content.ts";
import { hasExtensions } from "./extensions.ts";

const MESSAGES_MAX = 10_000;
/** OpenAI stops at 128, others do not; beyond this it is not a set of tools but an accident. */
const TOOLS_MAX = 512;

/** OpenAI's words, and Mistral's `any`. */
const toolMode = oneOf("none", "auto", "required", "any");
const toolChoiceKind = oneOf("function", "custom", "allowed_tools");
const functionMode = oneOf("none", "auto");
/** OpenAI's three, and the constrained formats of Fireworks, Perplexity and vLLM. */
const responseFormatKind = oneOf("text", "json_object", "json_schema", "grammar", "regex", "structural_tag");

const tool: FieldRule = (value, param) => {
	if (!isJsonObject(value) || typeof value.type !== "string") {
		throw mustBe(param, "an object with a type");
	}
	// Other types than these are a vendor's own (Moonshot's `builtin_function`, Z.ai's `web_search`).
	if (value.type === "function" || value.type === "custom") {
		const described = value[value.type];
		if (!isJsonObject(described) || typeof described.name !== "string" || described.name === "") {
			throw mustBe(`${param}.${value.type}`, "an object with a name");
		}
	}
};

const RULES = fieldRules({
	stream: boolean,
	temperature: numberBetween(0, 2),
	top_p: numberBetween(0, 1),
	max_tokens: integerBetween(1, OUTPUT_TOKENS_MAX),
	max_completion_tokens: integerBetween(1, OUTPUT_TOKENS_MAX),
	n: integerBetween(1, CHOICES_MAX),
	stop: stopSequences,
	seed,
	frequency_penalty: numberBetween(-2, 2),
	presence_penalty: numberBetween(-2, 2),
	logit_bias: logitBias,
	logprobs: boolean,
	top_logprobs: integerBetween(0, 20),
	user: textUpTo(4_096),
	safety_identifier: textUpTo(1_024),
	prompt_cache_key: textUpTo(1_024),
	metadata,
	store: boolean,
	parallel_tool_calls: boolean,
	tools: listUpTo(TOOLS_MAX, tool),
	tool_choice: (value, param) => choice(value, param, toolMode),
	functions: listUpTo(TOOLS_MAX, objectValue),
	function_call: (value, param) => (isJsonObject(value) ? undefined : functionMode(value, param)),
	response_format: (value, param) => {
		if (!isJsonObject(value)) {
			throw mustBe(param, "an object with a type");
		}
		responseFormatKind(value.type ?? "", `${param}.type`);
		if (value.type === "json_schema") {
			objectValue(value.json_schema ?? null, `${param}.json_schema`);
		}
	},
	modalities: listUpTo(8, textUpTo(32)),
	audio: objectValue,
	prediction: objectValue,
	web_search_options: objectValue,
	reasoning_effort: textUpTo(32),
	verbosity: textUpTo(32),
	service_tier: textUpTo(32),
});

/** Who may speak in a conversation. The value says whether they may say nothing (an assistant that only calls tools). */
const ROLES: ReadonlyMap<string, { readonly contentRequired: boolean }> = new Map([
	["system", { contentRequired: true }],
	["developer", { contentRequired: true }],
	["user", { contentRequired: true }],
	["assistant", { contentRequired: false }],
	["tool", { contentRequired: false }],
	["function", { contentRequired: false }],
]);

export function createChatIngress(bound: PromptTokensUpperBound): Ingress {
	return {
		operation: "chat",
		path: "/chat/completions",
		body: "json",
		readEnvelope: (body) => readEnvelope(jsonOf(body), bound),
		promptText: (body) => promptText(jsonOf(body)),
	};
}

function readEnvelope(json: JsonObject, bound: PromptTokensUpperBound): Envelope {
	const model = requiredModel(json.model);
	checkFields(json, RULES);
	checkStreamOptions(json);
	const content = checkMessages(json.messages);
	const outputField = outputBound(json);
	const size = promptSize(json, bound);
	return {
		model,
		stream: json.stream === true,
		includeUsage: asksForUsage(json),
		maxOutputTokens: outputField === undefined ? undefined : integerField(json, outputField),
		maxOutputField: outputField,
		choices: integerField(json, "n") ?? 1,
		needs: {
			tools: listLength(json.tools) > 0 || listLength(json.functions) > 0,
			images: content.images,
			audio: content.audio || asksForAudio(json.modalities),
			jsonSchema: wantsSchema(json.response_format),
		},
		generates: true,
		promptTokensMax: size.tokensMax,
		promptImages: size.images,
		promptFileTokens: size.fileTokens,
		quantities: {},
		hasExtensions: content.extensions,
		previousResponseId: undefined,
		conversationId: undefined,
	};
}

function checkMessages(messages: JsonValue | undefined): ContentNeeds {
	if (messages === undefined || messages === null) {
		throw missing("messages");
	}
	if (!Array.isArray(messages) || messages.length === 0 || messages.length > MESSAGES_MAX) {
		throw mustBe("messages", `a list of 1 to ${MESSAGES_MAX} messages`);
	}
	const needs: ContentNeeds = { images: false, audio: false, extensions: false };
	for (let index = 0; index < messages.length; index += 1) {
		const message = messages[index];
		if (!isJsonObject(message)) {
			throw mustBe(`messages[${index}]`, "an object with a role");
		}
		const role = typeof message.role === "string" ? ROLES.get(message.role) : undefined;
		if (role === undefined) {
			throw mustBe(`messages[${index}].role`, `one of ${[...ROLES.keys()].map((name) => `'${name}'`).join(", ")}`);
		}
		needs.extensions ||= hasExtensions(message);
		const content = message.content;
		if (typeof content === "string") {
			continue;
		}
		if (content !== undefined && content !== null) {
			checkContent(content, `messages[${index}].content`, needs);
		} else if (role.contentRequired) {
			throw missing(`messages[${index}].content`);
		}
	}
	return needs;
}

/** The newer field counts. Two different bounds are refused, since providers disagree on which one holds. */
function outputBound(json: JsonObject): "max_tokens" | "max_completion_tokens" | undefined {
	const older = integerField(json, "max_tokens");
	const newer = integerField(json, "max_completion_tokens");
	if (older !== undefined && newer !== undefined && older !== newer) {
		throw badRequest(
			"The fields 'max_tokens' and 'max_completion_tokens' differ; send one of them.",
			"max_completion_tokens",
		);
	}
	if (newer !== undefined) {
		return "max_completion_tokens";
	}
	return older === undefined ? undefined : "max_tokens";
}

function choice(value: JsonValue, param: string, mode: FieldRule): void {
	if (isJsonObject(value)) {
		toolChoiceKind(value.type ?? "", `${param}.type`);
	} else {
		mode(value, param);
	}
}

function listLength(value: JsonValue | undefined): number {
	return Array.isArray(value) ? value.length : 0;
}

function asksForAudio(modalities: JsonValue | undefined): boolean {
	return Array.isArray(modalities) && modalities.includes("audio");
}

function wantsSchema(format: JsonValue | undefined): boolean {
	return isJsonObject(format) && format.type === "json_schema";
}

function promptText(json: JsonObject): PromptView {
	return {
		messages: lastTurns(objectsIn(json.messages)).map(({ role, content }) => ({
			role: String(role),
			text: clipText(contentText(content)),
		})),
		tools: toolsView(json.tools, json.functions),
		json: asksForJson(json.response_format),
	};
}

function asksForJson(format: JsonValue | undefined): boolean {
	return isJsonObject(format) && (format.type === "json_schema" || format.type === "json_object");
}

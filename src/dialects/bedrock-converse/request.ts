import { badRequest } from "../../lib/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import { createDrops, type Drops, dropUnmapped } from "../chat-hub/drops.ts";
import { createGrammarRoom } from "../chat-hub/grammar-room.ts";
import { readChatRequest } from "../chat-hub/request.ts";
import { clientToolNames } from "../chat-hub/tool-names.ts";
import type { Target } from "../translation.ts";
import { createCachePoints } from "./cache.ts";
import { createDocumentNames } from "./content.ts";
import { planFormat } from "./format.ts";
import { converseMessages } from "./messages.ts";
import { type BedrockModel, readModel } from "./models.ts";
import { planReasoning, type ReasoningPlan } from "./reasoning.ts";
import { planSampling } from "./sampling.ts";
import { createToolUseIds } from "./tool-ids.ts";
import { planTools } from "./tools.ts";

/** What the answer must know of its request. */
export interface AskedOf {
	readonly model: BedrockModel;
	/** The tool whose arguments are the answer: no call to the client. */
	readonly jsonTool: string | undefined;
	/** The client's name for the tool that a model calls. */
	toolName(called: string): string;
	/** Tools that take free text. */
	readonly customTools: ReadonlySet<string>;
	/** The client used `functions`. */
	readonly legacy: boolean;
	/** The client does not want to see the thinking. */
	readonly hidesThinking: boolean;
}

export interface ConverseRequest {
	readonly body: JsonObject;
	readonly dropped: readonly string[];
	readonly asked: AskedOf;
}

const MAPPED: ReadonlySet<string> = new Set([
	"max_tokens",
	"max_completion_tokens",
	"temperature",
	"top_p",
	"top_k",
	"stop",
	"n",
	"logprobs",
	"tools",
	"tool_choice",
	"parallel_tool_calls",
	"functions",
	"function_call",
	"response_format",
	"reasoning_effort",
	"reasoning",
	"thinking",
	"modalities",
	"web_search_options",
	"service_tier",
	"metadata",
	"request_metadata",
	"requestMetadata",
	"performance_config",
	"performanceConfig",
	"guardrail_config",
	"guardrailConfig",
]);

/**
 * A chat request as the body of Converse and ConverseStream, which are the same. The model is in the path, not in here.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
 * @throws GatewayError 400 naming the field that Bedrock cannot say.
 */
export function converseRequest(json: JsonObject, target: Target): ConverseRequest {
	const chat = readChatRequest(json);
	const model = readModel(target.model);
	const drops = createDrops();
	refuseUnsayable(json, chat.choices);
	const cache = createCachePoints(model, drops);
	const room = model.family === "anthropic" ? createGrammarRoom() : undefined;
	const format = planFormat(chat.format, { model, room, drops });
	const tools = planTools(chat, { model, format, room, cache, drops });
	const { outputTokensMax } = target;
	const reasoning = planReasoning({ json, chat, model, forced: tools.forced, outputTokensMax, drops });
	const sampling = planSampling({ json, chat, model, reasoning, drops });
	const { system, messages } = converseMessages(chat.turns, {
		model,
		cache,
		drops,
		documentName: createDocumentNames(),
		toolIds: createToolUseIds(model),
		sendThinking: sendsThinking(model, reasoning),
	});
	cache.limit();
	for (const text of [format.instruction, tools.instruction]) {
		if (text !== undefined) {
			system.push({ text });
		}
	}
	const { outputConfig, additional } = oneOutputConfig(
		format.outputConfig,
		merged(tools.additional, reasoning.additional, sampling.additional),
		format.schema,
	);
	const body: JsonObject = {
		messages,
		...(system.length === 0 ? {} : { system }),
		...filled("inferenceConfig", sampling.inferenceConfig),
		...(tools.config === undefined ? {} : { toolConfig: tools.config }),
		...filled("additionalModelRequestFields", additional),
		...(outputConfig === undefined ? {} : { outputConfig }),
		...extensions(json, target.stream, drops),
	};
	dropUnmapped(json, MAPPED, drops);
	const { jsonTool, customTools } = tools;
	const { legacy } = chat.toolWish;
	const toolName = clientToolNames(chat.toolWish.tools);
	const isHidden = hidesThinking(json, chat.reasoning.hidden);
	return {
		body,
		dropped: drops.list(),
		asked: { model, jsonTool, toolName, customTools, legacy, hidesThinking: isHidden },
	};
}

/** What would make another request of it if it were left out. */
function refuseUnsayable(json: JsonObject, choices: number): void {
	const refuse = (param: string, why: string) => badRequest(why, param, "unsupported_parameter");
	if (choices > 1) {
		throw refuse("n", "Bedrock gives one answer to a request: leave out 'n', and ask again for another one.");
	}
	if (json.logprobs === true) {
		throw refuse("logprobs", "Bedrock tells no log probabilities: leave out 'logprobs'.");
	}
	if (Array.isArray(json.modalities) && json.modalities.some((kind) => kind !== "text")) {
		throw refuse("modalities", "Models on Bedrock's Converse API answer in text: leave out 'modalities'.");
	}
	if (isJsonObject(json.web_search_options)) {
		throw refuse(
			"web_search_options",
			'Bedrock has no web search by this name: leave out \'web_search_options\', or give Nova the tool {"type": "nova_grounding"}.',
		);
	}
}

/**
 * Claude's effort goes by Anthropic's own `output_config` (Bedrock's `outputConfig.effort` is refused for most models).
 * A schema then goes there as well: one of the two fields would replace the other.
 */
function oneOutputConfig(
	outputConfig: JsonObject | undefined,
	additional: JsonObject,
	schema: JsonObject | undefined,
): { readonly outputConfig?: JsonObject | undefined; readonly additional: JsonObject } {
	const own = additional.output_config;
	if (outputConfig === undefined || schema === undefined || !isJsonObject(own)) {
		return { outputConfig, additional };
	}
	return { additional: { ...additional, output_config: { ...own, format: { type: "json_schema", schema } } } };
}

/** `reasoning.exclude`, or Anthropic's `thinking.display`. */
function hidesThinking({ thinking }: JsonObject, excluded: boolean): boolean {
	return excluded || (isJsonObject(thinking) && thinking.display === "omitted");
}

/** Claude with a budget of thinking takes earlier thinking back only while it thinks. */
function sendsThinking({ claude }: BedrockModel, reasoning: ReasoningPlan): boolean {
	return claude === undefined || claude.thinking === "adaptive" || reasoning.claudeThinks;
}

function merged(...parts: readonly JsonObject[]): JsonObject {
	const result: JsonObject = {};
	for (const part of parts) {
		Object.assign(result, part);
	}
	return result;
}

function filled(name: string, value: JsonObject): JsonObject {
	return Object.keys(value).length === 0 ? {} : { [name]: value };
}

/** Fields of Converse beside the conversation, under Bedrock's own names or in chat's spelling of them. */
function extensions(json: JsonObject, stream: boolean, drops: Drops): JsonObject {
	const body: JsonObject = {};
	const guardrail = json.guardrailConfig ?? json.guardrail_config;
	if (isJsonObject(guardrail)) {
		const { streamProcessingMode, ...whole } = guardrail;
		if (streamProcessingMode !== undefined && !stream) {
			drops.add(`${json.guardrailConfig === undefined ? "guardrail_config" : "guardrailConfig"}.streamProcessingMode`);
		}
		body.guardrailConfig = stream ? guardrail : whole;
	}
	const performance = json.performanceConfig ?? json.performance_config;
	if (isJsonObject(performance)) {
		body.performanceConfig = performance;
	}
	const tier = serviceTier(json.service_tier, drops);
	if (tier !== undefined) {
		body.serviceTier = { type: tier };
	}
	const metadata = requestMetadata(json, drops);
	return Object.keys(metadata).length === 0 ? body : { ...body, requestMetadata: metadata };
}

/** @see https://docs.aws.amazon.com/bedrock/latest/userguide/service-tiers-inference.html */
function serviceTier(tier: JsonValue | undefined, drops: Drops): string | undefined {
	if (tier === "flex" || tier === "priority" || tier === "reserved") {
		return tier;
	}
	if (typeof tier === "string" && tier !== "auto" && tier !== "default") {
		drops.add("service_tier");
	}
	return undefined;
}

/** What AWS admits in the tags of its invocation log: API_runtime_Converse, `requestMetadata`. */
const METADATA_TEXT = /^[a-zA-Z0-9\s:_@$#=/+,.-]{0,256}$/;
const METADATA_ENTRIES_MAX = 16;

/** OpenAI's `metadata` marks a request for later search: so does this. An entry that AWS would refuse is left out by name. */
function requestMetadata(json: JsonObject, drops: Drops): JsonObject {
	const own = json.requestMetadata ?? json.request_metadata;
	const entries = { ...(isJsonObject(json.metadata) ? json.metadata : {}), ...(isJsonObject(own) ? own : {}) };
	const kept: JsonObject = {};
	for (const [key, value] of Object.entries(entries)) {
		const fits = key !== "" && METADATA_TEXT.test(key) && typeof value === "string" && METADATA_TEXT.test(value);
		if (fits && Object.keys(kept).length < METADATA_ENTRIES_MAX) {
			kept[key] = value;
		} else {
			drops.add(isJsonObject(own) && key in own ? "request_metadata" : "metadata");
		}
	}
	return kept;
}

import { badRequest } from "../../lib/errors.ts";
import { isJsonObject, type JsonObject } from "../../lib/json-types.ts";
import { createDrops, dropUnmapped } from "../chat-hub/drops.ts";
import { type ChatRequest, readChatRequest } from "../chat-hub/request.ts";
import type { Target } from "../translation.ts";
import { limitBreakpoints } from "./cache.ts";
import { textBlock } from "./content.ts";
import { type FormatPlan, planFormat } from "./format.ts";
import { modelFacts } from "./models.ts";
import type { Platform } from "./platform.ts";
import { planThinking, type ThinkingPlan, wantsThinking } from "./reasoning.ts";
import { sampling, serviceTier, stopSequences, userId } from "./sampling.ts";
import { rememberedTools, toolChoice, type WireTools, wireTools } from "./tools.ts";
import { conversationOf } from "./turns.ts";

/** A chat request as a Messages request, and what its answer must be read with. */
export interface WireRequest {
	readonly body: JsonObject;
	readonly headers: Readonly<Record<string, string>> | undefined;
	readonly dropped: readonly string[];
	readonly answer: AnswerPlan;
}

/** What the request decides about the answer. */
export interface AnswerPlan {
	readonly legacyFunctions: boolean;
	/** Functions that are custom tools in the client's eyes. */
	readonly customTools: ReadonlySet<string>;
	/** The tool whose input is the answer's text. */
	readonly jsonTool: string | undefined;
	/** The client does not want to see the thinking. */
	readonly hideThinking: boolean;
}

/** Fields that are said in other words, or refused; the rest is named as dropped. */
const MAPPED: ReadonlySet<string> = new Set([
	"max_tokens",
	"max_completion_tokens",
	"tools",
	"tool_choice",
	"functions",
	"function_call",
	"parallel_tool_calls",
	"response_format",
	"stop",
	"temperature",
	"top_p",
	"top_k",
	"user",
	"safety_identifier",
	"service_tier",
	"reasoning_effort",
	"reasoning",
	"thinking",
	"web_search_options",
	"n",
	"logprobs",
	"top_logprobs",
	"modalities",
]);

export function wireRequest(json: JsonObject, target: Target, platform: Platform): WireRequest {
	const chat = withDisplay(readChatRequest(json), json);
	refuse(json, chat);
	const drops = createDrops();
	dropUnmapped(json, MAPPED, drops);
	const facts = modelFacts(target.model);
	const betas = new Set<string>();
	const schemas = facts.schemas && platform.schemas;
	const offer = wireTools(chat.toolWish, json.web_search_options, { facts, strictTools: schemas, betas, drops });
	const clientChoice = toolChoice(chat.toolWish, offer.tools, facts, target.model);
	const format = planFormat(chat.format, {
		facts,
		schemas,
		thinks: wantsThinking(chat.reasoning) === true,
		tools: offer.tools,
		choice: clientChoice,
		drops,
	});
	const choice = format.choice ?? clientChoice;
	const maxTokens = chat.outputTokensMax ?? target.outputTokensMax;
	const thinking = planThinking(chat.reasoning, {
		facts,
		maxTokens,
		forcedTool: choice?.type === "any" || choice?.type === "tool",
		turns: chat.turns,
		drops,
	});
	const conversation = conversationOf(chat.turns, facts, { platform, drops, betas, model: target.model });
	const body: JsonObject = {
		...platform.envelope(target.model),
		max_tokens: maxTokens,
		...systemField(conversation.system, format),
		messages: [...conversation.messages],
		...toolFields(offer, format, choice, chat),
		...thinkingFields(thinking, format),
		...sampling(json, { facts, thinks: thinking.asked, drops }),
		...stopSequences(chat.stop, drops),
		...userId(json, drops),
		...serviceTier(json.service_tier, drops),
		...(target.stream ? { stream: true } : {}),
	};
	limitBreakpoints(body, drops);
	return {
		body,
		headers: betas.size === 0 ? undefined : { "anthropic-beta": [...betas].join(",") },
		dropped: drops.list(),
		answer: answerPlan(chat, offer, format),
	};
}

/** Anthropic's own word for thinking that is not to be shown. */
function withDisplay(chat: ChatRequest, { thinking }: JsonObject): ChatRequest {
	const hidden = isJsonObject(thinking) && thinking.display === "omitted";
	return hidden ? { ...chat, reasoning: { ...chat.reasoning, hidden } } : chat;
}

/** What would be answered with something else than was asked for. */
function refuse(json: JsonObject, chat: ChatRequest): void {
	if (chat.choices > 1) {
		throw cannot(
			"n",
			"Anthropic gives one answer to a request: send the field 'n' as 1, or the request several times.",
		);
	}
	if (json.logprobs === true || (typeof json.top_logprobs === "number" && json.top_logprobs > 0)) {
		throw cannot("logprobs", "Anthropic tells no probabilities: leave the fields 'logprobs' and 'top_logprobs' out.");
	}
	if (Array.isArray(json.modalities) && json.modalities.some((kind) => kind !== "text")) {
		throw cannot("modalities", "Claude answers in text only: send the field 'modalities' as [\"text\"].");
	}
}

function cannot(param: string, message: string) {
	return badRequest(message, param, "unsupported_parameter");
}

/** The instruction comes last, behind every cache mark. */
function systemField(system: readonly JsonObject[], { instruction }: FormatPlan): JsonObject {
	const told = instruction === undefined ? undefined : textBlock(instruction);
	const blocks = told === undefined ? system : [...system, told];
	return blocks.length === 0 ? {} : { system: [...blocks] };
}

function toolFields(
	offer: WireTools,
	format: FormatPlan,
	choice: JsonObject | undefined,
	chat: ChatRequest,
): JsonObject {
	const tools = format.tool === undefined ? offer.tools : [...offer.tools, format.tool];
	if (tools.length > 0) {
		return { tools: [...tools], ...(choice === undefined ? {} : { tool_choice: choice }) };
	}
	const remembered = rememberedTools(chat.turns);
	return remembered.length === 0 ? {} : { tools: remembered, tool_choice: { type: "none" } };
}

/** @see https://platform.claude.com/docs/en/build-with-claude/effort (neither effort nor format needs a beta header) */
function thinkingFields(plan: ThinkingPlan, { format }: FormatPlan): JsonObject {
	const config: JsonObject = {
		...(plan.effort === undefined ? {} : { effort: plan.effort }),
		...(format === undefined ? {} : { format }),
	};
	return {
		...(plan.thinking === undefined ? {} : { thinking: plan.thinking }),
		...(Object.keys(config).length === 0 ? {} : { output_config: config }),
	};
}

function answerPlan(chat: ChatRequest, offer: WireTools, format: FormatPlan): AnswerPlan {
	return {
		legacyFunctions: chat.toolWish.legacy,
		customTools: offer.custom,
		jsonTool: typeof format.tool?.name === "string" ? format.tool.name : undefined,
		hideThinking: chat.reasoning.hidden,
	};
}

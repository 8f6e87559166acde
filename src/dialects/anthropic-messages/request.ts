import { badRequest } from "../../lib/errors.ts";
import { isJsonObject, type JsonObject } from "../../lib/json-types.ts";
import { createDrops, dropUnmapped } from "../chat-hub/drops.ts";
import { createGrammarRoom } from "../chat-hub/grammar-room.ts";
import { type ChatRequest, readChatRequest } from "../chat-hub/request.ts";
import { clientToolNames } from "../chat-hub/tool-names.ts";
import type { Target } from "../translation.ts";
import { limitBreakpoints, requestCache } from "./cache.ts";
import { textBlock } from "./content.ts";
import { closedFormat, type FormatPlan, planFormat } from "./format.ts";
import { type ModelFacts, modelFacts } from "./models.ts";
import type { Platform } from "./platform.ts";
import { planThinking, type ThinkingPlan, unbound } from "./reasoning.ts";
import { sampling, serviceTier, stopSequences, userId } from "./sampling.ts";
import { wireToolName } from "./tool-names.ts";
import { rememberedTools, toolChoice, type WireTools, wireTools } from "./tools.ts";
import { type Conversation, conversationOf } from "./turns.ts";

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
	/** The client's name for what a model calls. */
	toolName(called: string): string;
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
	"cache_control",
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
	const strictTools = facts.schemas && platform.schemas;
	const room = createGrammarRoom();
	// The answer comes first: what it takes is no longer there for the tools.
	const closed = strictTools ? closedFormat(chat.format, room) : undefined;
	const offer = wireTools(chat.toolWish, json.web_search_options, { facts, strictTools, room, betas, drops });
	const clientChoice = toolChoice(chat.toolWish, offer.tools, facts, target.model);
	const maxTokens = chat.outputTokensMax ?? target.outputTokensMax;
	const planned = (forcedTool: boolean) =>
		planThinking(chat.reasoning, { facts, maxTokens, forcedTool, turns: chat.turns, drops });
	const wished = planned(forces(clientChoice));
	const format = planFormat(chat.format, {
		facts,
		closed,
		thinks: wished.asked,
		tools: offer.tools,
		choice: clientChoice,
		drops,
	});
	const choice = format.choice ?? clientChoice;
	const thinking = forces(choice) ? planned(true) : wished;
	const conversation = conversationOf(chat.turns, {
		facts,
		platform,
		drops,
		betas,
		model: target.model,
		sendThinking: takesThinking(facts, thinking),
	});
	const body: JsonObject = {
		...platform.envelope(target.model),
		max_tokens: maxTokens,
		...systemField(conversation.system, format),
		messages: [...conversation.messages],
		...toolFields(offer, format, choice, chat),
		...thinkingFields(holdsBoundThinking(conversation, facts) ? unbound(thinking, betas) : thinking, format),
		...sampling(json, { facts, thinks: thinking.asked, drops }),
		...stopSequences(chat.stop, drops),
		...userId(json, drops),
		...serviceTier(json.service_tier, drops),
		...requestCache(json, platform, drops),
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

function forces(choice: JsonObject | undefined): boolean {
	return choice?.type === "any" || choice?.type === "tool";
}

/** A model that does not think refuses to be shown thinking, and so do some where it is switched off. */
function takesThinking(facts: ModelFacts, { thinking }: ThinkingPlan): boolean {
	return facts.thinking !== "none" && !(facts.bindsThinking && thinking?.type === "disabled");
}

function holdsBoundThinking({ messages }: Conversation, { bindsThinking }: ModelFacts): boolean {
	if (!bindsThinking) {
		return false;
	}
	const blocks = messages.flatMap(({ content }) => (Array.isArray(content) ? content : []));
	return blocks.some(
		(block) => isJsonObject(block) && (block.type === "thinking" || block.type === "redacted_thinking"),
	);
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
		toolName: clientToolNames(chat.toolWish.tools, wireToolName),
		customTools: offer.custom,
		jsonTool: typeof format.tool?.name === "string" ? format.tool.name : undefined,
		hideThinking: chat.reasoning.hidden,
	};
}

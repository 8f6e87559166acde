import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import { type AnsweredToolCall, type AnswerFacts, chatCompletion } from "../chat-hub/answer.ts";
import type { ReasoningDetail } from "../chat-hub/reasoning.ts";
import { createCallIds } from "../chat-hub/tool-ids.ts";
import { customInput } from "../chat-hub/tools.ts";
import { faultAnswer } from "../fault-answer.ts";
import type { Target } from "../translation.ts";
import type { ProviderFault } from "../types.ts";
import { addCitation, type Cited } from "./citations.ts";
import { bedrockFault, isFaultBody } from "./faults.ts";
import { finishReason, isMalformed } from "./finish.ts";
import type { AskedOf } from "./request.ts";
import { detailsOfBlock, shownDetails } from "./thinking-blocks.ts";
import { argumentsText, isClientCall } from "./tool-calls.ts";
import { chatUsage } from "./usage.ts";

/** What stands on every chunk. Converse gives an answer no id, and does not say which model answered. */
export function answerFacts(target: Target, asked: AskedOf): AnswerFacts {
	return {
		id: `chatcmpl-${target.answerId}`,
		model: target.model,
		createdAtSeconds: target.createdAtSeconds,
		legacyFunctions: asked.legacy,
	};
}

/** A whole answer of Converse as a chat completion; undefined when it is none. */
export function wholeAnswer(answer: JsonObject, target: Target, asked: AskedOf): JsonObject | undefined {
	if (isFaultBody(answer)) {
		return faultAnswer(bedrockFault(answer, undefined));
	}
	const message = isJsonObject(answer.output) ? answer.output.message : undefined;
	if (!isJsonObject(message)) {
		return undefined;
	}
	const said = readContent(message.content, target, asked);
	if (isMalformed(answer.stopReason) && said.text === "" && said.calls.length === 0) {
		return faultAnswer(malformedFault(answer.stopReason));
	}
	const tier = isJsonObject(answer.serviceTier) ? answer.serviceTier.type : undefined;
	const facts = { ...answerFacts(target, asked), serviceTier: typeof tier === "string" ? tier : undefined };
	const choice = {
		text: said.text === "" ? null : said.text,
		reasoning: asked.hidesThinking ? "" : said.reasoning,
		reasoningDetails: shownDetails(said.details, asked.hidesThinking),
		toolCalls: said.calls,
		annotations: said.annotations,
		finishReason: finishReason(answer.stopReason, said.calls.length > 0),
		extra: extraFields(said),
	};
	return chatCompletion(facts, [choice], chatUsage(answer.usage));
}

/** Nothing came of it, and the next attempt may do better: the status of a provider that failed. */
export function malformedFault(stopReason: JsonValue | undefined): ProviderFault {
	return {
		status: 502,
		type: "upstream_error",
		code: String(stopReason),
		botched: true,
		message: `The model's output could not be read by Bedrock (${String(stopReason)}).`,
	};
}

/** Fields of a message beside OpenAI's. */
export function extraFields({ citations, images }: { citations: JsonObject[]; images: JsonObject[] }): JsonObject {
	return { ...(citations.length === 0 ? {} : { citations }), ...(images.length === 0 ? {} : { images }) };
}

/** A picture in an answer, as a data URL. */
export function imageEntry(format: JsonValue | undefined, base64: string): JsonObject {
	return {
		type: "image_url",
		image_url: { url: `data:image/${typeof format === "string" ? format : "png"};base64,${base64}` },
	};
}

interface Said extends Cited {
	text: string;
	reasoning: string;
	/** The arguments of the tool that carries the answer. */
	json: string | undefined;
	readonly details: ReasoningDetail[];
	readonly calls: AnsweredToolCall[];
	readonly images: JsonObject[];
}

function readContent(content: JsonValue | undefined, target: Target, asked: AskedOf): Said {
	const said: Said = {
		text: "",
		reasoning: "",
		json: undefined,
		details: [],
		calls: [],
		images: [],
		annotations: [],
		citations: [],
	};
	const callId = createCallIds(target.answerId);
	for (const block of Array.isArray(content) ? content : []) {
		if (isJsonObject(block)) {
			readBlock(block, said, asked, callId);
		}
	}
	// What a model says around the tool that carries its answer would make the answer no JSON.
	return said.json === undefined ? said : { ...said, text: said.json, annotations: [], citations: [] };
}

/** Blocks of other kinds (results of AWS's own tools, whatever comes next) are nothing to a client of chat. */
function readBlock(block: JsonObject, said: Said, asked: AskedOf, callId: ReturnType<typeof createCallIds>): void {
	if (typeof block.text === "string") {
		said.text += block.text;
	}
	if (isJsonObject(block.citationsContent)) {
		readCited(block.citationsContent, said);
	}
	if (isJsonObject(block.reasoningContent)) {
		const { reasoningText } = block.reasoningContent;
		said.reasoning += isJsonObject(reasoningText) && typeof reasoningText.text === "string" ? reasoningText.text : "";
		said.details.push(...detailsOfBlock(block.reasoningContent, asked.model));
	}
	if (isClientCall(block.toolUse)) {
		readCall(block.toolUse, said, asked, callId);
	}
	const image = block.image;
	if (isJsonObject(image) && isJsonObject(image.source) && typeof image.source.bytes === "string") {
		said.images.push(imageEntry(image.format, image.source.bytes));
	}
}

function readCited({ content, citations }: JsonObject, said: Said): void {
	const start = said.text.length;
	for (const piece of Array.isArray(content) ? content : []) {
		said.text += isJsonObject(piece) && typeof piece.text === "string" ? piece.text : "";
	}
	for (const citation of Array.isArray(citations) ? citations : []) {
		if (isJsonObject(citation)) {
			addCitation(said, citation, { start, end: said.text.length });
		}
	}
}

function readCall(toolUse: JsonObject, said: Said, asked: AskedOf, callId: ReturnType<typeof createCallIds>): void {
	const name = typeof toolUse.name === "string" ? asked.toolName(toolUse.name) : "";
	const text = argumentsText(toolUse.input);
	if (asked.jsonTool !== undefined && name === asked.jsonTool) {
		said.json ??= text || "{}";
		return;
	}
	const isCustom = asked.customTools.has(name);
	said.calls.push({
		id: callId(toolUse.toolUseId),
		name,
		arguments: isCustom ? customInput(text) : text,
		kind: isCustom ? "custom" : "function",
	});
}

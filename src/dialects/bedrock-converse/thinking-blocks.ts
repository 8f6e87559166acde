import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import type { ReasoningDetail } from "../chat-hub/reasoning.ts";
import type { SealFormat } from "../seal.ts";
import type { BedrockModel } from "./models.ts";

const CLAUDE = "anthropic-claude-v1";
const BEDROCK = "bedrock-converse-v1";

/**
 * Claude's seals are the same everywhere: "signature values are compatible across platforms", so a conversation may move
 * between Anthropic, Vertex and Bedrock. Bedrock wraps what Anthropic calls `redacted_thinking.data` into base64 once
 * more; seals of other makers are that maker's own bytes.
 * @see https://platform.claude.com/docs/en/build-with-claude/extended-thinking
 */
export function detailsOfBlock(content: JsonObject, model: BedrockModel): ReasoningDetail[] {
	const { reasoningText } = content;
	if (isJsonObject(reasoningText)) {
		const { text, signature } = reasoningText;
		return textDetail(typeof text === "string" ? text : "", signature, model);
	}
	const data = redactedData(content);
	return data === undefined ? [] : [sealedDetail(data, model)];
}

/** Thinking in words, with its signature where there is one. */
export function textDetail(text: string, signature: JsonValue | undefined, model: BedrockModel): ReasoningDetail[] {
	const seal = typeof signature === "string" && signature !== "" ? signature : undefined;
	return text === "" && seal === undefined ? [] : [{ type: "reasoning.text", text, signature: seal, ...maker(model) }];
}

/** @param data Base64, as Bedrock writes bytes into JSON. */
export function sealedDetail(data: string, model: BedrockModel): ReasoningDetail {
	const inner = model.family === "anthropic" ? Buffer.from(data, "base64").toString("latin1") : "";
	return /^[\w+/=-]+$/.test(inner)
		? { type: "reasoning.encrypted", data: inner, format: CLAUDE }
		: { type: "reasoning.encrypted", data, format: BEDROCK, id: model.family };
}

/** Bedrock's own format names the maker of the seal, since no other maker's model can open it. */
function maker(model: BedrockModel): Pick<ReasoningDetail, "format" | "id"> {
	return model.family === "anthropic" ? { format: CLAUDE } : { format: BEDROCK, id: model.family };
}

/** What a client is told of the thinking: where it is not to be shown, only seals in which nothing can be read. */
export function shownDetails(details: readonly ReasoningDetail[], hidden: boolean): readonly ReasoningDetail[] {
	return hidden
		? details.filter(
				(detail) => detail.type === "reasoning.encrypted" || (detail.type === "reasoning.text" && detail.text === ""),
			)
		: details;
}

/** `redactedContent` of the API, `redactedReasoning.data` and `data` as some models of Bedrock have sent it. */
export function redactedData(content: JsonObject): string | undefined {
	const nested = isJsonObject(content.redactedReasoning) ? content.redactedReasoning.data : undefined;
	const data = [content.redactedContent, nested, content.data].find(
		(value) => typeof value === "string" && value !== "",
	);
	return typeof data === "string" ? data : undefined;
}

/**
 * The thinking of an assistant's turn as its model takes it back. Thinking without a seal is never sent: DeepSeek refuses
 * it, gpt-oss answers with it.
 * @see https://github.com/langchain-ai/langchain-aws/issues/401
 */
export function reasoningBlocks(details: readonly ReasoningDetail[], model: BedrockModel): JsonObject[] {
	return details.flatMap((detail): JsonObject[] => {
		if (!isOfModel(detail, model)) {
			return [];
		}
		if (detail.type === "reasoning.text" && detail.signature !== undefined) {
			return [{ reasoningContent: { reasoningText: { text: detail.text, signature: detail.signature } } }];
		}
		if (detail.type !== "reasoning.encrypted") {
			return [];
		}
		const data = detail.format === CLAUDE ? Buffer.from(detail.data, "latin1").toString("base64") : detail.data;
		return [{ reasoningContent: { redactedContent: data } }];
	});
}

/** A model of unknown make (an inference profile) may be the same as one whose make is known. */
export function isOfModel({ format, id }: SealFormat, { family }: BedrockModel): boolean {
	if (format === CLAUDE) {
		return family === "anthropic";
	}
	return format === BEDROCK && (id === undefined || id === family || id === "unknown" || family === "unknown");
}

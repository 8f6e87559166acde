import { isJsonObject, type JsonObject, type JsonValue, objectsIn } from "../../lib/json-types.ts";
import { type ChatUsage, writeChatUsage } from "../chat-hub/usage.ts";
import { count } from "../token-usage.ts";

/**
 * `usageMetadata` in OpenAI's words; undefined where it counts nothing (streams send it with the kind of traffic alone).
 * What Google's tools put into the prompt is billed as input, so it counts as prompt; thinking is counted beside the
 * answer and belongs to the completion. https://ai.google.dev/api/generate-content#UsageMetadata
 */
export function writeUsage(metadata: JsonValue | undefined, searches: number): JsonObject | undefined {
	if (!isJsonObject(metadata)) {
		return undefined;
	}
	const prompt = count(metadata.promptTokenCount);
	const answer = count(metadata.candidatesTokenCount) ?? count(metadata.responseTokenCount);
	const thoughts = count(metadata.thoughtsTokenCount);
	if (prompt === undefined && answer === undefined) {
		return undefined;
	}
	const inside = modalities(metadata.promptTokensDetails, metadata.toolUsePromptTokensDetails);
	const cached = modalities(metadata.cacheTokensDetails);
	const outside = modalities(metadata.candidatesTokensDetails, metadata.responseTokensDetails);
	const usage: ChatUsage = {
		prompt: (prompt ?? 0) + (count(metadata.toolUsePromptTokenCount) ?? 0),
		completion: (answer ?? 0) + (thoughts ?? 0),
		cacheRead: count(metadata.cachedContentTokenCount),
		// Cached sound is billed as cached: it is counted there.
		audioInput: Math.max(0, inside("AUDIO") - cached("AUDIO")),
		imageInput: Math.max(0, inside("IMAGE") - cached("IMAGE")),
		reasoning: thoughts,
		audioOutput: outside("AUDIO"),
		imageOutput: outside("IMAGE"),
		searches,
	};
	return writeChatUsage(usage);
}

function modalities(...details: readonly (JsonValue | undefined)[]): (modality: string) => number {
	const entries = details.flatMap(objectsIn);
	return (modality) =>
		entries
			.filter((entry) => entry.modality === modality)
			.reduce((sum, { tokenCount }) => sum + (count(tokenCount) ?? 0), 0);
}

/** OpenAI's name of the tier that served, where Google says it. */
export function servedTier(metadata: JsonValue | undefined): string | undefined {
	if (!isJsonObject(metadata)) {
		return undefined;
	}
	const said = String(metadata.serviceTier ?? metadata.trafficType ?? "").toLowerCase();
	return ["priority", "flex"].find((tier) => said.includes(tier));
}

import { badRequest } from "../../lib/errors.ts";
import type { JsonObject } from "../../lib/json-types.ts";
import type { Drops } from "../chat-hub/drops.ts";
import type { ChatRequest } from "../chat-hub/request.ts";
import { type BedrockModel, isGptOss } from "./models.ts";
import type { ReasoningPlan } from "./reasoning.ts";

export interface Sampling {
	readonly inferenceConfig: JsonObject;
	/** For `additionalModelRequestFields`. */
	readonly additional: JsonObject;
}

interface SamplingContext {
	readonly json: JsonObject;
	readonly chat: ChatRequest;
	readonly model: BedrockModel;
	readonly reasoning: ReasoningPlan;
	readonly drops: Drops;
}

/** `inferenceConfig` ends there: API_runtime_InferenceConfiguration. */
const TEMPERATURE_MAX = 1;
/** With thinking on, Claude takes `top_p` from here to 1. */
const THINKING_TOP_P_MIN = 0.95;

/**
 * The sampling parameters that this model takes; the others are named as left out.
 * @throws GatewayError 400 for stop sequences that the model does not know: without them the answer would be another one.
 */
export function planSampling(context: SamplingContext): Sampling {
	const { json, chat, reasoning, drops } = context;
	const config: JsonObject = {};
	const maxTokens = chat.outputTokensMax ?? reasoning.maxTokens;
	if (maxTokens !== undefined) {
		config.maxTokens = maxTokens;
	}
	const temperature = temperatureOf(context);
	if (temperature !== undefined) {
		config.temperature = Math.min(temperature, TEMPERATURE_MAX);
		if (temperature > TEMPERATURE_MAX) {
			drops.add("temperature");
		}
	}
	const topP = topPOf(context, temperature !== undefined);
	if (topP !== undefined) {
		config.topP = topP;
	}
	const stop = stopSequences(context);
	if (stop.length > 0) {
		config.stopSequences = stop;
	}
	const topK = typeof json.top_k === "number" ? json.top_k : undefined;
	return { inferenceConfig: config, additional: topK === undefined ? {} : topKFields(topK, context) };
}

function takesSampling({ model, reasoning }: SamplingContext): boolean {
	if (reasoning.withoutSampling === true || model.claude?.takesSampling === false) {
		return false;
	}
	// OpenAI's closed models sample as they like.
	return model.family !== "openai" || isGptOss(model);
}

function temperatureOf(context: SamplingContext): number | undefined {
	const { temperature } = context.json;
	if (typeof temperature !== "number") {
		return undefined;
	}
	if (takesSampling(context) && !context.reasoning.claudeThinks) {
		return temperature;
	}
	// 1 is what these sample with anyway.
	if (temperature !== 1) {
		context.drops.add("temperature");
	}
	return undefined;
}

function topPOf(context: SamplingContext, hasTemperature: boolean): number | undefined {
	const { json, model, reasoning, drops } = context;
	if (typeof json.top_p !== "number") {
		return undefined;
	}
	const collides = hasTemperature && model.claude?.takesBothSamplings === false;
	const isThinkable = !reasoning.claudeThinks || json.top_p >= THINKING_TOP_P_MIN;
	if (takesSampling(context) && !collides && isThinkable) {
		return json.top_p;
	}
	if (json.top_p !== 1) {
		drops.add("top_p");
	}
	return undefined;
}

function stopSequences({ chat, model, drops }: SamplingContext): string[] {
	const sequences = chat.stop.filter((sequence) => sequence !== "");
	if (sequences.length > 0 && model.family === "openai") {
		throw badRequest(
			"OpenAI's models on Bedrock know no stop sequences: leave out 'stop', and cut the answer yourself.",
			"stop",
			"unsupported_parameter",
		);
	}
	// Claude: "each stop sequence must contain non-whitespace".
	const usable = sequences.filter((sequence) => model.family !== "anthropic" || sequence.trim() !== "");
	if (usable.length < sequences.length) {
		drops.add("stop");
	}
	return usable;
}

/**
 * Converse has no `topK`: each maker has its own field.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html
 */
function topKFields(topK: number, context: SamplingContext): JsonObject {
	const { model, reasoning, drops } = context;
	if (model.family === "anthropic" && takesSampling(context) && !reasoning.claudeThinks) {
		return { top_k: topK };
	}
	if (model.family === "nova" && takesSampling(context)) {
		return { inferenceConfig: { topK } };
	}
	if (model.family === "cohere") {
		return { k: topK };
	}
	if (model.family === "mistral" && /^(?:mistral-7b|mixtral)/.test(model.name)) {
		return { top_k: topK };
	}
	drops.add("top_k");
	return {};
}

import { isJsonObject, type JsonObject, type JsonValue, objectOf } from "../../lib/json-types.ts";
import { type Drops, dropUnmapped } from "../chat-hub/drops.ts";
import type { ChatRequest } from "../chat-hub/request.ts";
import { writeConversation } from "./contents.ts";
import { writeGenerationConfig } from "./generation-config.ts";
import type { Edition, ModelTraits } from "./models.ts";
import { given } from "./reading.ts";
import { writeTools } from "./tools.ts";

/** Fields that are handled below, each where it belongs; what is left out of them is named there. */
const MAPPED: ReadonlySet<string> = new Set([
	"audio",
	"cached_content",
	"extra_body",
	"frequency_penalty",
	"function_call",
	"functions",
	"logprobs",
	"max_completion_tokens",
	"max_tokens",
	"modalities",
	"n",
	"presence_penalty",
	"reasoning",
	"reasoning_effort",
	"response_format",
	"safety_settings",
	"seed",
	"service_tier",
	"stop",
	"temperature",
	"thinking",
	"tool_choice",
	"tools",
	"top_k",
	"top_logprobs",
	"top_p",
	"web_search_options",
]);

export interface WrittenRequest {
	readonly body: JsonObject;
	readonly headers: Readonly<Record<string, string>>;
}

/**
 * A chat request as the body of `generateContent` or `streamGenerateContent`.
 * @throws GatewayError 400 naming the field that Gemini cannot be told and that may not be left out.
 */
export function writeRequest(
	json: JsonObject,
	chat: ChatRequest,
	{ edition, traits, drops }: { readonly edition: Edition; readonly traits: ModelTraits; readonly drops: Drops },
): WrittenRequest {
	const search = searchWish(json.web_search_options, drops);
	const { tools, toolConfig, areUsable } = writeTools(chat.toolWish, search, traits, drops);
	const { contents, systemInstruction } = writeConversation(chat.turns, { edition, traits, drops });
	const generationConfig = writeGenerationConfig({ json, chat, traits, areToolsUsable: areUsable, drops });
	// With a format, an older model does not even take functions that it may not call.
	const isWithoutTools = !areUsable && !traits.toolsWithFormat && chat.format.kind !== "text";
	const tier = serviceTier(json.service_tier, drops);
	dropUnmapped(json, MAPPED, drops);
	return {
		body: given({
			systemInstruction,
			contents: [...contents],
			tools: tools.length === 0 || isWithoutTools ? undefined : [...tools],
			toolConfig: isWithoutTools ? undefined : toolConfig,
			generationConfig: Object.keys(generationConfig).length === 0 ? undefined : generationConfig,
			...extensions(json, drops),
			serviceTier: edition === "gemini-api" ? tier : undefined,
		}),
		// Vertex reads the tier from a header and refuses the field: https://github.com/googleapis/python-genai/issues/2433
		headers: edition === "vertex" && tier !== undefined ? { "x-vertex-ai-llm-shared-request-type": tier } : {},
	};
}

function searchWish(options: JsonValue | undefined, drops: Drops): boolean {
	for (const [name, value] of Object.entries(objectOf(options))) {
		if (value !== null && value !== undefined) {
			drops.add(`web_search_options.${name}`);
		}
	}
	return isJsonObject(options);
}

/** OpenAI's `default` is the tier that Gemini takes without being told. */
function serviceTier(tier: JsonValue | undefined, drops: Drops): string | undefined {
	if (tier === "flex" || tier === "priority") {
		return tier;
	}
	if (tier !== undefined && tier !== null && tier !== "auto" && tier !== "default") {
		drops.add("service_tier");
	}
	return undefined;
}

const GOOGLE_EXTRAS = new Set(["cached_content", "safety_settings", "thinking_config"]);

/** Settings of Google's that OpenAI has no words for, in the spelling of its OpenAI-compatible endpoint or beside the rest. */
function extensions(json: JsonObject, drops: Drops): JsonObject {
	const extra = objectOf(json.extra_body);
	const google = objectOf(extra.google);
	for (const name of Object.keys(extra)) {
		if (name !== "google") {
			drops.add(`extra_body.${name}`);
		}
	}
	for (const name of Object.keys(google)) {
		if (!GOOGLE_EXTRAS.has(name)) {
			drops.add(`extra_body.google.${name}`);
		}
	}
	return {
		safetySettings: json.safety_settings ?? google.safety_settings,
		cachedContent: json.cached_content ?? google.cached_content,
	};
}

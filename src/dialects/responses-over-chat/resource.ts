import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import type { Target } from "../translation.ts";

/** What is known of a response so far. */
export interface ResponseState {
	readonly status: "in_progress" | "completed" | "incomplete";
	readonly incompleteReason?: "max_output_tokens" | "content_filter" | undefined;
	readonly output: readonly JsonObject[];
	readonly usage?: JsonObject | undefined;
	/** As the provider reports them. */
	readonly model?: string | undefined;
	readonly serviceTier?: string | undefined;
	/** Fields beside OpenAI's, such as Perplexity's `citations`. */
	readonly extra?: JsonObject | undefined;
}

/**
 * Writes the response object: every field that the Open Responses specification requires, null where nothing is known, the
 * request's own settings repeated, OpenAI's defaults where it said nothing. The moment of completion is not known here (no
 * clock): it is dated like the response itself.
 * @see https://www.openresponses.org/reference
 */
export function createResource(request: JsonObject, target: Target): (state: ResponseState) => JsonObject {
	const settings = settingsOf(request);
	return (state) => ({
		id: `resp_${target.answerId}`,
		object: "response",
		created_at: target.createdAtSeconds,
		status: state.status,
		background: false,
		completed_at: state.status === "completed" ? target.createdAtSeconds : null,
		error: null,
		incomplete_details: state.incompleteReason === undefined ? null : { reason: state.incompleteReason },
		...settings,
		model: state.model || target.model,
		output: [...state.output],
		service_tier: tierOf(state.serviceTier ?? request.service_tier),
		usage: state.usage ?? null,
		...state.extra,
	});
}

function settingsOf(request: JsonObject): JsonObject {
	const { conversation } = request;
	return {
		instructions: request.instructions ?? null,
		max_output_tokens: request.max_output_tokens ?? null,
		max_tool_calls: request.max_tool_calls ?? null,
		metadata: isJsonObject(request.metadata) ? request.metadata : {},
		parallel_tool_calls: orDefault(request.parallel_tool_calls, true),
		presence_penalty: orDefault(request.presence_penalty, 0),
		frequency_penalty: orDefault(request.frequency_penalty, 0),
		previous_response_id: request.previous_response_id ?? null,
		prompt_cache_key: request.prompt_cache_key ?? null,
		reasoning: reasoningOf(request.reasoning),
		safety_identifier: request.safety_identifier ?? null,
		store: orDefault(request.store, true),
		temperature: orDefault(request.temperature, 1),
		text: textOf(request.text),
		tool_choice: choiceOf(request.tool_choice),
		tools: (Array.isArray(request.tools) ? request.tools : []).map(toolOf),
		top_logprobs: orDefault(request.top_logprobs, 0),
		top_p: orDefault(request.top_p, 1),
		truncation: orDefault(request.truncation, "disabled"),
		user: request.user ?? null,
		...(typeof conversation === "string" ? { conversation: { id: conversation } } : {}),
		...(isJsonObject(conversation) ? { conversation } : {}),
	};
}

function orDefault(value: JsonValue | undefined, otherwise: JsonValue): JsonValue {
	return value ?? otherwise;
}

const TIERS: ReadonlySet<string> = new Set(["auto", "default", "flex", "scale", "priority", "fast", "ultrafast"]);

/** Other providers' own words (`on_demand` of Groq) are not among those that clients know. */
function tierOf(tier: JsonValue | undefined): string {
	return typeof tier === "string" ? (TIERS.has(tier) ? tier : "default") : "auto";
}

function reasoningOf(reasoning: JsonValue | undefined): JsonObject {
	const given = isJsonObject(reasoning) ? reasoning : {};
	return { ...given, effort: given.effort ?? null, summary: given.summary ?? given.generate_summary ?? null };
}

function textOf(text: JsonValue | undefined): JsonObject {
	const given = isJsonObject(text) ? text : {};
	return {
		...given,
		format: isJsonObject(given.format) ? formatOf(given.format) : { type: "text" },
		verbosity: given.verbosity ?? "medium",
	};
}

function formatOf(format: JsonObject): JsonObject {
	return format.type === "json_schema"
		? { ...format, description: format.description ?? null, strict: format.strict ?? false }
		: format;
}

function choiceOf(choice: JsonValue | undefined): JsonValue {
	return isJsonObject(choice) && choice.type === "allowed_tools" ? { mode: "auto", ...choice } : (choice ?? "auto");
}

/** A function whose schema was not asked to be strict was not held to it. */
function toolOf(tool: JsonValue): JsonValue {
	if (!isJsonObject(tool) || tool.type !== "function" || isJsonObject(tool.function)) {
		return tool;
	}
	return {
		...tool,
		description: tool.description ?? null,
		parameters: tool.parameters ?? null,
		strict: tool.strict ?? false,
	};
}

import { badRequest, type GatewayError } from "../../lib/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import { createDrops, type Drops, dropUnmapped } from "../chat-hub/drops.ts";
import { type ChatRequest, type ResponseFormat, readChatRequest } from "../chat-hub/request.ts";
import type { Target } from "../translation.ts";
import { cohereMessages } from "./messages.ts";
import { cohereThinking } from "./reasoning.ts";
import { cohereTools } from "./tools.ts";

export interface CohereRequest {
	readonly body: JsonObject;
	readonly dropped: readonly string[];
	/** What the answer is read by. */
	readonly chat: ChatRequest;
	/** Custom tools, sent as functions. */
	readonly customTools: ReadonlySet<string>;
}

/** Cohere's own fields, which a client may set under their names. */
const OWN = ["safety_mode", "citation_options", "priority", "strict_tools"] as const;

/** Handled below, or refused there. `reasoning_effort` and its kin are named apart. */
const MAPPED: ReadonlySet<string> = new Set([
	...OWN,
	"documents",
	"frequency_penalty",
	"function_call",
	"functions",
	"logprobs",
	"max_completion_tokens",
	"max_tokens",
	"n",
	"presence_penalty",
	"reasoning",
	"reasoning_effort",
	"response_format",
	"seed",
	"stop",
	"temperature",
	"thinking",
	"tool_choice",
	"tools",
	"top_k",
	"top_p",
]);

/** A chat request as the body of `POST /v2/chat`. @see https://docs.cohere.com/reference/chat */
export function cohereRequest(json: JsonObject, target: Target): CohereRequest {
	refuseWhatCannotBeSaid(json);
	const chat = readChatRequest(json);
	const drops = createDrops();
	const { messages, documents } = cohereMessages(chat.turns, drops);
	const allDocuments = [...listOf(json.documents), ...documents];
	const tools = cohereTools(chat.toolWish, drops);
	const format = responseFormat(chat.format, drops);
	const isPlain = format === undefined;
	if (!isPlain && allDocuments.length > 0) {
		throw formatBesides("documents");
	}
	// Tools that may not be called anyway do not stand in the way of JSON.
	const withTools = isPlain || chat.toolWish.choice?.mode !== "none";
	if (!isPlain && withTools && tools.fields.tools !== undefined) {
		throw formatBesides("tools");
	}
	if (!withTools && tools.fields.tools !== undefined) {
		drops.add("tools");
	}
	const thinking = cohereThinking(chat.reasoning, json);
	dropUnmapped(json, MAPPED, drops);
	const body: JsonObject = {
		model: target.model,
		messages: [...messages],
		stream: target.stream,
		...(withTools ? tools.fields : {}),
		...(allDocuments.length === 0 ? {} : { documents: allDocuments }),
		...(isPlain ? {} : { response_format: format }),
		...(thinking === undefined ? {} : { thinking }),
		...(chat.outputTokensMax === undefined ? {} : { max_tokens: chat.outputTokensMax }),
		...(chat.stop.length === 0 ? {} : { stop_sequences: [...chat.stop] }),
		...sampling(json, drops),
		...(json.logprobs === true ? { logprobs: true } : {}),
		...Object.fromEntries(OWN.filter((name) => isGiven(json[name])).map((name) => [name, json[name]])),
	};
	return { body, dropped: drops.list(), chat, customTools: tools.custom };
}

/** What would change the request's meaning if it were left out. */
function refuseWhatCannotBeSaid(json: JsonObject): void {
	if (typeof json.n === "number" && json.n > 1) {
		throw unsupported("n", "it makes one answer a request: send several requests");
	}
	if (typeof json.top_logprobs === "number" && json.top_logprobs > 0) {
		throw unsupported("top_logprobs", "it tells only the probabilities of the tokens that it chose");
	}
	if (Array.isArray(json.modalities) && json.modalities.some((kind) => kind !== "text")) {
		throw unsupported("modalities", "it answers in text only");
	}
	if (isGiven(json.web_search_options)) {
		throw unsupported("web_search_options", "it cannot search the web");
	}
}

/**
 * `json_schema` is the schema itself here.
 * @see https://docs.cohere.com/docs/structured-outputs
 */
function responseFormat(format: ResponseFormat, drops: Drops): JsonObject | undefined {
	switch (format.kind) {
		case "text":
			return undefined;
		case "json_object":
			return { type: "json_object" };
		case "json_schema":
			if (format.description !== undefined) {
				drops.add("response_format.json_schema.description");
			}
			return { type: "json_object", json_schema: format.schema };
		case "other":
			throw unsupported("response_format", `it knows no format '${format.type}'`);
	}
}

/** "temperature must be between 0 and 1.0 inclusive": https://docs.cohere.com/reference/errors */
const TEMPERATURE_MOST = 1;
const TOP_P_LEAST = 0.01;
const TOP_P_MOST = 0.99;
const TOP_K_MOST = 500;
const PENALTY_MOST = 1;

/** Cohere's ranges are narrower than OpenAI's: a value beyond them becomes the nearest, one without a counterpart is named. */
function sampling(json: JsonObject, drops: Drops): JsonObject {
	const { temperature, top_p: topP, top_k: topK, seed } = json;
	const fields: JsonObject = {};
	if (typeof temperature === "number") {
		fields.temperature = Math.min(TEMPERATURE_MOST, temperature);
		if (temperature > TEMPERATURE_MOST) {
			drops.add("temperature");
		}
	}
	if (typeof topP === "number") {
		fields.p = Math.min(TOP_P_MOST, Math.max(TOP_P_LEAST, topP));
	}
	if (typeof topK === "number") {
		// Others write -1 for no bound.
		fields.k = Math.min(TOP_K_MOST, Math.max(0, Math.floor(topK)));
	}
	if (typeof seed === "number" && seed >= 0) {
		fields.seed = seed;
	} else if (isGiven(seed)) {
		drops.add("seed");
	}
	return { ...fields, ...penalties(json, drops) };
}

/** From 0 to 1, and only one of the two: "cannot specify both". @see https://docs.cohere.com/reference/errors */
function penalties(json: JsonObject, drops: Drops): JsonObject {
	const fields: JsonObject = {};
	for (const name of ["frequency_penalty", "presence_penalty"]) {
		const value = json[name];
		if (typeof value !== "number" || value === 0) {
			continue;
		}
		if (value < 0 || Object.keys(fields).length > 0) {
			drops.add(name);
		} else {
			fields[name] = Math.min(PENALTY_MOST, value);
		}
	}
	return fields;
}

function listOf(value: JsonValue | undefined): JsonValue[] {
	return Array.isArray(value) ? value.filter((entry) => typeof entry === "string" || isJsonObject(entry)) : [];
}

function isGiven(value: JsonValue | undefined): boolean {
	return value !== undefined && value !== null;
}

function unsupported(param: string, why: string): GatewayError {
	return badRequest(`The field '${param}' cannot be sent to Cohere: ${why}.`, param, "unsupported_parameter");
}

/** Cohere refuses the two together. @see https://docs.cohere.com/docs/structured-outputs */
function formatBesides(other: string): GatewayError {
	return unsupported("response_format", `it gives JSON only in requests without ${other}`);
}

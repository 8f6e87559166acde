import type { JsonObject, JsonValue } from "../../lib/json-types.ts";
import type { Drops } from "../chat-hub/drops.ts";
import type { ModelFacts } from "./models.ts";

/** Anthropic's temperature ends where OpenAI's half is. */
const TEMPERATURE_MAX = 1;
/** The least top_p while a model thinks. https://platform.claude.com/docs/en/build-with-claude/extended-thinking */
const THINKING_TOP_P_MIN = 0.95;
const USER_ID_LENGTH_MAX = 256;
/** Anthropic refuses addresses and telephone numbers as the id of a user. */
const PERSONAL = /@|^\+?[\d\s().-]{7,}$/;

/** `temperature`, `top_p` and `top_k` as far as the model takes them. What it does not is named, unless it said the default. */
export function sampling(
	json: JsonObject,
	{ facts, thinks, drops }: { readonly facts: ModelFacts; readonly thinks: boolean; readonly drops: Drops },
): JsonObject {
	const { temperature, top_p: topP, top_k: topK } = json;
	const wire: JsonObject = {};
	const none = facts.sampling === "none";
	if (typeof temperature === "number") {
		if (none || thinks) {
			nameUnless(temperature === 1, "temperature", drops);
		} else {
			nameUnless(temperature <= TEMPERATURE_MAX, "temperature", drops);
			wire.temperature = Math.min(temperature, TEMPERATURE_MAX);
		}
	}
	if (typeof topP === "number") {
		if (none || (thinks && topP < THINKING_TOP_P_MIN)) {
			nameUnless(topP === 1, "top_p", drops);
		} else {
			wire.top_p = topP;
		}
	}
	if (typeof topK === "number") {
		if (none || thinks) {
			drops.add("top_k");
		} else {
			wire.top_k = topK;
		}
	}
	return facts.sampling === "one" ? oneOfTwo(wire, drops) : wire;
}

/** Claude 4.1 to 4.6: "`temperature` and `top_p` cannot both be specified for this model". */
function oneOfTwo(wire: JsonObject, drops: Drops): JsonObject {
	const { temperature, top_p: topP, ...rest } = wire;
	if (temperature === undefined || topP === undefined) {
		return wire;
	}
	// Of two values the default says nothing.
	if (temperature === 1) {
		return { ...rest, top_p: topP };
	}
	nameUnless(topP === 1, "top_p", drops);
	return { ...rest, temperature };
}

function nameUnless(hasNoEffect: boolean, field: string, drops: Drops): void {
	if (!hasNoEffect) {
		drops.add(field);
	}
}

/** Sequences without a letter are refused: "stop_sequences: each stop sequence must contain non-whitespace". */
export function stopSequences(stop: readonly string[], drops: Drops): JsonObject {
	const sequences = stop.filter((sequence) => sequence.trim() !== "");
	if (sequences.length < stop.length) {
		drops.add("stop");
	}
	return sequences.length === 0 ? {} : { stop_sequences: sequences };
}

/** @see https://platform.claude.com/docs/en/api/messages/create (metadata.user_id) */
export function userId(json: JsonObject, drops: Drops): JsonObject {
	for (const field of ["user", "safety_identifier"]) {
		const value = json[field];
		if (typeof value !== "string" || value === "") {
			continue;
		}
		if (value.length <= USER_ID_LENGTH_MAX && !PERSONAL.test(value)) {
			return { metadata: { user_id: value } };
		}
		drops.add(field);
	}
	return {};
}

/**
 * OpenAI's `priority` is Anthropic's `auto` (priority capacity where the account has some), `default` is `standard_only`.
 * @see https://platform.claude.com/docs/en/api/service-tiers
 */
export function serviceTier(tier: JsonValue | undefined, drops: Drops): JsonObject {
	switch (tier) {
		case "priority":
			return { service_tier: "auto" };
		case "default":
		case "standard_only":
			return { service_tier: "standard_only" };
		case undefined:
		case null:
		case "auto":
			return {};
		default:
			drops.add("service_tier");
			return {};
	}
}

import { isJsonObject, type JsonObject, type JsonValue, objectsIn } from "../../lib/json-types.ts";
import type { Drops } from "../chat-hub/drops.ts";

/**
 * `reasoning` as chat asks for it. OpenAI's own two words become `reasoning_effort`; a measure that only OpenRouter's
 * `reasoning` knows travels in that. `summary` needs no word of chat: whatever thinking a model shows becomes the summary.
 */
export function chatReasoning(reasoning: JsonValue | undefined, drops: Drops): JsonObject {
	if (!isJsonObject(reasoning)) {
		return {};
	}
	const { effort, summary: _, generate_summary: __, max_tokens: budget, enabled, exclude, ...rest } = reasoning;
	for (const [name, value] of Object.entries(rest)) {
		if (value !== undefined && value !== null && value !== "auto") {
			drops.add(`reasoning.${name}`);
		}
	}
	const measures = Object.entries({ effort, max_tokens: budget, enabled, exclude }).filter(
		([, value]) => value !== undefined && value !== null,
	);
	const isPlain = measures.every(([name]) => name === "effort");
	if (measures.length === 0) {
		return {};
	}
	return isPlain && effort !== undefined ? { reasoning_effort: effort } : { reasoning: Object.fromEntries(measures) };
}

/** Says who wrote an `encrypted_content`, and in which version. */
export const SEAL = "gwr1.";

/** The fields of an assistant's message in which chat providers keep its thinking. */
const DETAILS = "reasoning_details";
export const THINKING_FIELDS = ["reasoning_content", "reasoning"] as const;
export type ThinkingField = (typeof THINKING_FIELDS)[number];

/**
 * A message's thinking as `encrypted_content`: encoded, not encrypted. It holds what the provider itself showed or sealed,
 * and goes back to it unchanged on the next turn, through clients that keep the conversation themselves as well.
 */
export function seal(thinking: JsonObject): string {
	return SEAL + Buffer.from(JSON.stringify(thinking), "utf8").toString("base64url");
}

/** The fields that `seal` was given; nothing for what somebody else has written. */
export function unseal(encrypted: JsonValue | undefined): JsonObject {
	if (typeof encrypted !== "string" || !encrypted.startsWith(SEAL)) {
		return {};
	}
	let value: unknown;
	try {
		value = JSON.parse(Buffer.from(encrypted.slice(SEAL.length), "base64url").toString("utf8"));
	} catch {
		// Cut or changed on its way: as good as none.
		return {};
	}
	const thinking: JsonObject = {};
	if (!isJsonObject(value)) {
		return thinking;
	}
	if (Array.isArray(value[DETAILS])) {
		thinking[DETAILS] = value[DETAILS].filter(isJsonObject);
	}
	for (const field of THINKING_FIELDS) {
		if (typeof value[field] === "string") {
			thinking[field] = value[field];
		}
	}
	return thinking;
}

/** The thinking of several items as that of one message. Details are numbered anew: equal numbers are taken for fragments. */
export function mergeThinking(earlier: JsonObject, later: JsonObject): JsonObject {
	const merged: JsonObject = { ...earlier, ...later };
	const details = [...objectsIn(earlier[DETAILS]), ...objectsIn(later[DETAILS])];
	if (details.length > 0) {
		merged[DETAILS] = details.map((detail, index) => ({ ...detail, index }));
	}
	for (const field of THINKING_FIELDS) {
		const texts = [earlier[field], later[field]].filter((text) => typeof text === "string");
		if (texts.length > 0) {
			merged[field] = texts.join("");
		}
	}
	return merged;
}

/** What a detail says in plain words; "" where only its provider can read it. */
export function detailText(detail: JsonObject): string {
	const text = detail.type === "reasoning.summary" ? detail.summary : detail.text;
	return typeof text === "string" ? text : "";
}

/** Fields of a detail that a stream may send in pieces. */
const PIECES = ["text", "summary"];

/**
 * The details of a whole message from those of its deltas: neighbours of the same index and type are pieces of one, as
 * OpenRouter streams them. Fields that nobody here knows stay. What is sealed comes whole.
 * @see https://openrouter.ai/docs/use-cases/reasoning-tokens
 */
function joinDetails(entries: readonly JsonObject[]): JsonObject[] {
	const joined: JsonObject[] = [];
	for (const entry of entries) {
		const last = joined.at(-1);
		const isPiece =
			last !== undefined &&
			entry.index !== undefined &&
			last.index === entry.index &&
			last.type === entry.type &&
			entry.type !== "reasoning.encrypted";
		if (isPiece) {
			joined[joined.length - 1] = joinPieces(last, entry);
		} else {
			joined.push(entry);
		}
	}
	return joined;
}

function joinPieces(left: JsonObject, right: JsonObject): JsonObject {
	const joined: JsonObject = { ...left };
	for (const [name, value] of Object.entries(right)) {
		const before = joined[name];
		if (PIECES.includes(name) && typeof before === "string" && typeof value === "string") {
			joined[name] = before + value;
		} else if (value !== null && value !== "") {
			joined[name] = value;
		}
	}
	return joined;
}

/** The fields in which a provider wants its thinking back: its details, or else the text under the name it used itself. */
export function thinkingFields(
	details: readonly JsonObject[],
	plain: { readonly field: ThinkingField; readonly text: string } | undefined,
): JsonObject | undefined {
	if (details.length > 0) {
		return { [DETAILS]: joinDetails(details) };
	}
	return plain === undefined ? undefined : { [plain.field]: plain.text };
}

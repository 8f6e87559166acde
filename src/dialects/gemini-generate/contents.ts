import { isJsonObject, type JsonObject } from "../../lib/json-types.ts";
import { readParts, textOf } from "../chat-hub/parts.ts";
import type { AskedToolCall, ChatTurn } from "../chat-hub/request.ts";
import { argumentsObject } from "../chat-hub/tool-ids.ts";
import { CUSTOM_INPUT } from "../chat-hub/tools.ts";
import { type ContentTarget, unsupported, writePart } from "./content.ts";
import type { ModelTraits } from "./models.ts";
import { geminiName } from "./names.ts";
import { writeResult } from "./results.ts";
import { NO_SIGNATURE, readSeals } from "./seals.ts";

export interface Conversation {
	readonly systemInstruction: JsonObject | undefined;
	readonly contents: readonly JsonObject[];
}

interface Content {
	readonly role: "user" | "model";
	readonly parts: JsonObject[];
}

/**
 * What stands in front of a conversation that the model began, or in place of one in which nobody said anything: OpenAI
 * takes both, Gemini neither.
 * https://github.com/NousResearch/hermes-agent/issues/55427 (June 2026)
 */
const OPENING: JsonObject = { role: "user", parts: [{ text: "." }] };

/**
 * Messages as `contents`. System messages at the beginning are the system instruction; a later one keeps its place, as
 * words of the user, since Gemini has no other for it.
 */
export function writeConversation(turns: readonly ChatTurn[], target: ContentTarget): Conversation {
	for (const turn of turns) {
		noteLeftOut(turn, target);
	}
	const start = turns.findIndex(({ role }) => role !== "system" && role !== "developer");
	const rest = start === -1 ? [] : turns.slice(start);
	const instructions = turns.slice(0, turns.length - rest.length).flatMap(instructionParts);
	const contents = writeContents(rest, target);
	if (contents.length > 0 && target.traits.systemInstruction) {
		const systemInstruction = instructions.length === 0 ? undefined : { parts: instructions };
		return { systemInstruction, contents: opened(contents) };
	}
	// Gemini wants someone to have said something, and models without instructions want them said.
	const [first, ...later] = contents;
	const spoken = first?.role === "user" ? [...instructions, ...first.parts] : instructions;
	const others = first?.role === "user" ? later : contents;
	return {
		systemInstruction: undefined,
		contents: opened(spoken.length === 0 ? others : [{ role: "user", parts: spoken }, ...others]),
	};
}

function opened(contents: readonly Content[]): JsonObject[] {
	const written = contents.map(({ role, parts }) => ({ role, parts }));
	return contents[0]?.role === "user" ? written : [OPENING, ...written];
}

function writeContents(turns: readonly ChatTurn[], target: ContentTarget): Content[] {
	const contents: Content[] = [];
	const calls: AskedToolCall[] = [];
	function add(role: Content["role"], parts: readonly JsonObject[]): void {
		const last = contents.at(-1);
		if (parts.length === 0) {
			return;
		}
		if (last?.role === role) {
			last.parts.push(...parts);
		} else {
			contents.push({ role, parts: [...parts] });
		}
	}
	for (let index = 0; index < turns.length; index += 1) {
		const turn = turns[index];
		if (turn === undefined) {
			break;
		}
		if (turn.role === "assistant") {
			add("model", assistantParts(turn, target));
			calls.push(...turn.toolCalls);
		} else if (turn.role === "tool") {
			const end = endOfResults(turns, index);
			const results = turns.slice(index, end);
			add("user", resultParts(results, calls, target));
			index = end - 1;
		} else if (turn.role === "user") {
			add("user", nonEmpty(turn.parts.map((part) => writePart(part, target))));
		} else {
			add("user", instructionParts(turn));
		}
	}
	return contents;
}

function endOfResults(turns: readonly ChatTurn[], from: number): number {
	const end = turns.findIndex((turn, index) => index > from && turn.role !== "tool");
	return end === -1 ? turns.length : end;
}

/** Results of one step together, in the order of the calls, whatever order they came in. */
function resultParts(
	results: readonly ChatTurn[],
	calls: readonly AskedToolCall[],
	target: ContentTarget,
): JsonObject[] {
	const placed = results.map((turn) => {
		const place = calls.findLastIndex(({ id }) => id === turn.toolCallId);
		return { turn, place, call: calls[place] };
	});
	placed.sort((left, right) => placeOf(left.place) - placeOf(right.place));
	const written = placed.map(({ turn, call }) => writeResult(turn, call, target));
	return [...written.map(({ response }) => response), ...written.flatMap(({ beside }) => beside)];
}

/** A result without a call comes last. */
function placeOf(place: number): number {
	return place === -1 ? Number.MAX_SAFE_INTEGER : place;
}

function instructionParts(turn: ChatTurn): JsonObject[] {
	const other = turn.parts.find((part) => part.kind !== "text");
	if (other !== undefined) {
		throw unsupported(other.param, "A Gemini model takes text only as its instructions. Send this as a user message.");
	}
	return nonEmpty(turn.parts.map((part) => ({ text: textOf([part]) })));
}

function assistantParts(turn: ChatTurn, target: ContentTarget): JsonObject[] {
	const { edition, traits, drops } = target;
	const seals = readSeals(turn, edition === "vertex");
	const known = turn.parts.filter((part) => {
		if (part.kind === "other") {
			// Another provider's record of what it did: no words of the model's.
			drops.add(`messages[].content[].${part.type}`);
		}
		return part.kind !== "other";
	});
	const text = textOf(known);
	const pictures = [...known.filter(({ kind }) => kind !== "text"), ...readParts(turn.raw.images ?? [], turn.param)];
	return [
		...seals.parts,
		...sealedText(text, seals.ofText),
		...pictures.map((part, index) => signed(writePart(part, target), seals.ofImage(index))),
		...turn.toolCalls.map((call, index) => {
			// Of parallel calls only the first is signed: https://ai.google.dev/gemini-api/docs/thought-signatures
			const signature = seals.ofCall(call) ?? (traits.needsSignatures && index === 0 ? NO_SIGNATURE : undefined);
			return signed({ functionCall: writeCall(call, traits) }, signature);
		}),
	];
}

/** Signatures stand on the text they came with, which a stream sends as an empty last part. */
function sealedText(text: string, signatures: readonly string[]): JsonObject[] {
	const last = signatures.at(-1);
	const earlier = signatures.slice(0, -1).map((signature) => signed({ text: "" }, signature));
	return text === "" && last === undefined ? [] : [...earlier, signed({ text }, last)];
}

function signed(part: JsonObject, signature: string | undefined): JsonObject {
	return signature === undefined ? part : { ...part, thoughtSignature: signature };
}

function writeCall(call: AskedToolCall, { callIds }: ModelTraits): JsonObject {
	const args = call.kind === "custom" ? { [CUSTOM_INPUT]: call.arguments } : argumentsObject(call.arguments);
	return { ...(callIds ? { id: call.id } : {}), name: geminiName(call.name), args };
}

function nonEmpty(parts: readonly JsonObject[]): JsonObject[] {
	return parts.filter((part) => part.text !== "");
}

function noteLeftOut(turn: ChatTurn, { drops }: ContentTarget): void {
	// Gemini caches by itself; what it keeps on request has a name of its own (`cached_content`).
	if (turn.cache !== undefined) {
		drops.add("messages[].cache_control");
	}
	if (turn.parts.some(({ cache }) => cache !== undefined)) {
		drops.add("messages[].content[].cache_control");
	}
	if (turn.name !== undefined && turn.role !== "tool") {
		drops.add("messages[].name");
	}
	if (isJsonObject(turn.raw.audio)) {
		drops.add("messages[].audio");
	}
}

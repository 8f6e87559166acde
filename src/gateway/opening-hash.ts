import type { OperationId } from "../dialects/types.ts";
import { isJsonObject, type JsonObject, type JsonValue, objectOf, stringOf } from "../lib/json-types.ts";

/** Characters read of everything before the first user message, and of that message. */
const PART_LENGTH_MAX = 8_192;
/** Read of the end of a text that is longer: a question often stands behind what it is about. */
const TAIL_LENGTH = 256;
/** Messages, parts of one message, tools. A conversation that has more before its first user message has a name. */
const ENTRIES_MAX = 64;
/** Of a plain prompt: about the shortest beginning that a provider caches, for what follows it changes. */
const PLAIN_LENGTH_MAX = 4_096;

/**
 * A number for how a conversation begins, which stays while it grows: its tools' names, what is said before the first
 * user message, and that message. Linear in what is read, which is bounded; a few microseconds at most. undefined where
 * nothing is said. Not for anything an attacker must not choose.
 */
export function openingHash(operation: OperationId, json: JsonObject): bigint | undefined {
	switch (operation) {
		case "chat":
			return conversationHash([json.tools, json.functions], undefined, json.messages);
		case "responses":
			return conversationHash([json.tools], json.instructions, json.input);
		case "completions":
			return plainHash(json.prompt);
		default:
			return undefined;
	}
}

function plainHash(prompt: JsonValue | undefined): bigint | undefined {
	return typeof prompt === "string" && prompt !== "" ? Bun.hash.wyhash(prompt.slice(0, PLAIN_LENGTH_MAX)) : undefined;
}

function conversationHash(
	tools: readonly (JsonValue | undefined)[],
	instructions: JsonValue | undefined,
	turns: JsonValue | undefined,
): bigint | undefined {
	const digest = createDigest();
	addContent(digest, instructions);
	const opening = openingOf(turns);
	for (const [index, turn] of opening.entries()) {
		if (index === opening.length - 1) {
			// However long the system prompt was, so much is left for what the user says.
			digest.refill();
		}
		const { role, content } = objectOf(turn);
		digest.add(stringOf(role));
		addContent(digest, content);
	}
	if (!digest.holdsText()) {
		return undefined;
	}
	digest.refill();
	for (const tool of tools.flatMap(listOf)) {
		digest.add(toolName(objectOf(tool)));
	}
	return digest.value();
}

/** The turns up to the first user's, which is the last of them. */
function openingOf(turns: JsonValue | undefined): readonly JsonValue[] {
	if (typeof turns === "string") {
		return [{ role: "user", content: turns }];
	}
	const list = listOf(turns);
	const at = list.findIndex((turn) => isJsonObject(turn) && turn.role === "user");
	return at < 0 ? list : list.slice(0, at + 1);
}

/**
 * A text and a list of one text are the same: clients turn one into the other to mark where a provider shall cache, at
 * another place in each turn.
 */
function addContent(digest: Digest, content: JsonValue | undefined): void {
	digest.addText(stringOf(content));
	for (const part of listOf(content)) {
		const { text, image_url: image, file_id: file } = objectOf(part);
		digest.addText(stringOf(text) || stringOf(image) || stringOf(objectOf(image).url) || stringOf(file));
	}
}

function toolName({ name, type, function: described, custom }: JsonObject): string {
	return stringOf(name) || stringOf(objectOf(described ?? custom).name) || stringOf(type);
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
	return Array.isArray(value) ? value.slice(0, ENTRIES_MAX) : [];
}

interface Digest {
	/** A role, a name. */
	add(word: string): void;
	/** What somebody says. */
	addText(text: string): void;
	refill(): void;
	holdsText(): boolean;
	value(): bigint;
}

function createDigest(): Digest {
	let hash = 0n;
	let left = PART_LENGTH_MAX;
	let holdsText = false;

	function add(text: string): void {
		if (text === "" || left === 0) {
			return;
		}
		const clipped = text.length <= left ? text : `${text.slice(0, left)}${text.length}${text.slice(-TAIL_LENGTH)}`;
		hash = Bun.hash.wyhash(clipped, hash);
		left = Math.max(0, left - text.length);
	}

	return {
		add,
		addText(text) {
			holdsText ||= text !== "";
			add(text);
		},
		refill() {
			left = PART_LENGTH_MAX;
		},
		holdsText: () => holdsText,
		value: () => hash,
	};
}

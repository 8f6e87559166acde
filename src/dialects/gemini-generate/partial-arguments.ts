import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import { createGrowingJson } from "./growing-json.ts";
import { type PathStep, readPath } from "./json-path.ts";
import { wordOf } from "./reading.ts";

/**
 * Writes the arguments of a call that Gemini tells leaf by leaf as one growing JSON text. A leaf that comes out of turn,
 * for a branch that is closed already, is kept: its branch is written once more at the end, and in JSON the last one counts.
 * https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling#streaming-fc
 */
export interface PartialArguments {
	/** What one `partialArgs` entry adds. */
	push(entry: JsonObject): string;
	/** What is missing from a whole object. */
	end(): string;
	/** All of it so far. */
	value(): JsonObject;
}

export function createPartialArguments(): PartialArguments {
	const value: JsonObject = {};
	const json = createGrowingJson();
	const outOfTurn = new Set<string>();
	/** The path of the text that is not finished. */
	let unfinished: string | undefined;

	return {
		push(entry) {
			const path = rooted(readPath(wordOf(entry.jsonPath) ?? "$"));
			const leaf = leafOf(entry);
			const [top] = path;
			if (top === undefined || leaf === undefined) {
				return "";
			}
			const key = JSON.stringify(path);
			const isOpen = entry.willContinue === true && typeof leaf === "string";
			const isMore = unfinished === key && typeof leaf === "string";
			put(value, path, leaf, isMore);
			if (isMore && outOfTurn.has(String(top))) {
				// Written whole at the end.
			} else if (isMore) {
				json.more(leaf, isOpen);
			} else if (!json.leaf(path, leaf, isOpen)) {
				outOfTurn.add(String(top));
			}
			unfinished = isOpen ? key : undefined;
			return json.take();
		},
		end() {
			json.close(new Map([...outOfTurn].map((name) => [name, value[name] ?? null])));
			return json.take();
		},
		value: () => value,
	};
}

/** Arguments are an object, whatever a path says of their root. */
function rooted(path: readonly PathStep[]): PathStep[] {
	return path.map((step, index) => (index === 0 ? String(step) : step));
}

function leafOf({ stringValue, numberValue, boolValue, nullValue }: JsonObject): JsonValue | undefined {
	if (nullValue !== undefined) {
		return null;
	}
	return [stringValue, numberValue, boolValue].find(
		(leaf) => typeof leaf === "string" || typeof leaf === "number" || typeof leaf === "boolean",
	);
}

/** Own fields only: a path may be called `__proto__`. Lists grow by one at a time, whatever place is named. */
function put(root: JsonObject, path: readonly PathStep[], leaf: JsonValue, isMore: boolean): void {
	let holder: JsonObject | JsonValue[] = root;
	for (const [index, step] of path.entries()) {
		const place: PathStep = Array.isArray(holder) ? Math.min(Number(step) || 0, holder.length) : step;
		const present: JsonValue | undefined = Object.hasOwn(holder, place) ? valueAt(holder, place) : undefined;
		const next = path[index + 1];
		if (next === undefined) {
			define(holder, place, isMore && typeof present === "string" ? present + String(leaf) : leaf);
			return;
		}
		const inside = containerFor(next, present);
		define(holder, place, inside);
		holder = inside;
	}
}

function containerFor(next: PathStep, present: JsonValue | undefined): JsonObject | JsonValue[] {
	if (typeof next === "number") {
		return Array.isArray(present) ? present : [];
	}
	return isJsonObject(present) ? present : {};
}

function valueAt(holder: JsonObject | JsonValue[], place: PathStep): JsonValue | undefined {
	return Array.isArray(holder) ? holder[Number(place)] : holder[place];
}

function define(holder: JsonObject | JsonValue[], place: PathStep, value: JsonValue): void {
	Object.defineProperty(holder, place, { value, configurable: true, enumerable: true, writable: true });
}

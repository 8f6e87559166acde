import type { JsonValue } from "../../lib/json-types.ts";
import type { PathStep } from "./json-path.ts";

interface Container {
	readonly isList: boolean;
	/** The step that leads here from the container around it. */
	readonly at: PathStep;
	/** Names or places that are written. */
	readonly written: Set<PathStep>;
}

/** One JSON object written from its beginning to its end, leaf by leaf. */
export interface GrowingJson {
	/**
	 * Writes a leaf. False, and nothing written, where its place is taken or in a branch that is closed already. A text may
	 * be left open for more.
	 */
	leaf(path: readonly PathStep[], value: JsonValue, isOpen: boolean): boolean;
	/** More of the text that was left open. */
	more(text: string, isOpen: boolean): void;
	/** Closes everything; `again` holds fields that are written once more, and so replace what was written before. */
	close(again: ReadonlyMap<string, JsonValue>): void;
	/** What was written since the last time. */
	take(): string;
}

export function createGrowingJson(): GrowingJson {
	const open: Container[] = [{ isList: false, at: "", written: new Set() }];
	let isTextOpen = false;
	let text = "{";

	function closeText(): void {
		text += isTextOpen ? '"' : "";
		isTextOpen = false;
	}
	function closeDownTo(depth: number): void {
		while (open.length - 1 > depth) {
			text += open.pop()?.isList ? "]" : "}";
		}
	}
	function writePlace(place: PathStep): void {
		const holder = open.at(-1);
		text += holder?.written.size ? "," : "";
		text += holder?.isList ? "" : `${JSON.stringify(String(place))}:`;
		holder?.written.add(place);
	}
	function goTo(path: readonly PathStep[]): boolean {
		const depth = sharedDepth(open, path);
		const holder = open[depth];
		const step = path[depth];
		if (holder === undefined || step === undefined || !isFree(holder, step) || path.slice(depth + 1).some(isLater)) {
			return false;
		}
		closeText();
		closeDownTo(depth);
		for (const [offset, place] of path.slice(depth).entries()) {
			writePlace(place);
			const next = path[depth + offset + 1];
			if (next !== undefined) {
				text += typeof next === "number" ? "[" : "{";
				open.push({ isList: typeof next === "number", at: place, written: new Set() });
			}
		}
		return true;
	}

	return {
		leaf(path, value, isOpen) {
			if (!goTo(path)) {
				return false;
			}
			const written = JSON.stringify(value);
			isTextOpen = isOpen && typeof value === "string";
			text += isTextOpen ? written.slice(0, -1) : written;
			return true;
		},
		more(more, isOpen) {
			text += JSON.stringify(more).slice(1, -1);
			if (!isOpen) {
				closeText();
			}
		},
		close(again) {
			closeText();
			closeDownTo(0);
			for (const [name, value] of again) {
				writePlace(name);
				text += JSON.stringify(value);
			}
			text += "}";
		},
		take() {
			const taken = text;
			text = "";
			return taken;
		},
	};
}

/** How many of the open containers the path leads through. */
function sharedDepth(open: readonly Container[], path: readonly PathStep[]): number {
	let depth = 0;
	while (depth < path.length - 1) {
		const inner = open[depth + 1];
		if (inner?.at !== path[depth] || inner?.isList !== (typeof path[depth + 1] === "number")) {
			break;
		}
		depth += 1;
	}
	return depth;
}

function isFree(holder: Container, step: PathStep): boolean {
	return holder.isList ? step === holder.written.size : !holder.written.has(step);
}

/** A list that is new can only be begun at its beginning. */
function isLater(step: PathStep): boolean {
	return typeof step === "number" && step > 0;
}

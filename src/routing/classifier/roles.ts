import { classBit } from "./classes.ts";
import { FIELD, FIELDS, type Scan } from "./scan-state.ts";

/** What a sentence is to the task it stands by; one bit each. */
export const ROLE = {
	/** The task itself, or something it is about. */
	task: 0,
	/** A greeting, thanks, a frame: nothing at all. */
	empty: 1,
	/** "My train is late again": about the writer. */
	chatter: 2,
	/** "The museum is closed on Mondays": asks nothing, is of no field of work, and shares no word with what is asked. */
	filler: 4,
	/** "Copper conducts electricity": the same, of a field of work. */
	prose: 8,
	/** Hardly anything but big words. */
	stuffing: 16,
	/** Code, a log, a table: only while the request beside it is read by itself. */
	pasted: 32,
	/** "Think hard", "This is a very difficult problem": how the task is to be done, or how hard it is said to be. */
	demand: 64,
} as const;

/** What is never part of the task. */
export const NOTHING = ROLE.empty | ROLE.demand;

export const APART = ROLE.filler | ROLE.prose;
/** A sentence that begins with one of these asks for something. */
export const ASKS =
	classBit("question") |
	classBit("prove") |
	classBit("analyse") |
	classBit("explain") |
	classBit("plain") |
	classBit("writing") |
	classBit("creative");

/** Classes of big words, and those that are big by themselves. */
export const STRONG = [classBit("prove"), classBit("analyse"), classBit("systems"), classBit("advanced")] as const;
export const BIG =
	STRONG.reduce((bits, bit) => bits | bit, 0) |
	classBit("code") |
	classBit("math") |
	classBit("physics") |
	classBit("logic") |
	classBit("steps") |
	classBit("explain") |
	classBit("constraint");

/** Whether a segment holds a word of substance, a number or a formula; politeness with one such word does not count. */
export function saysSomething(scan: Scan, segment: number): boolean {
	const content = fieldOf(scan, segment, FIELD.content);
	const framed = fieldOf(scan, segment, FIELD.framed);
	return marksIn(scan, segment) > 0 || (framed > 2 ? content * 2 > framed : content > 0);
}

export function fieldOf({ counts }: Scan, segment: number, field: number): number {
	return counts[segment * FIELDS + field] ?? 0;
}

export function marksIn(scan: Scan, segment: number): number {
	return (
		fieldOf(scan, segment, FIELD.numbers) +
		fieldOf(scan, segment, FIELD.code) +
		fieldOf(scan, segment, FIELD.math) +
		fieldOf(scan, segment, FIELD.latex)
	);
}

/** What a word says about the work that is asked for. One bit each; the order is part of the weights file. */
export const CLASSES = [
	"stop",
	"frame",
	"question",
	"prove",
	"analyse",
	"explain",
	"code",
	"math",
	"physics",
	"biology",
	"law",
	"business",
	"creative",
	"plain",
	"fact",
	"steps",
	"constraint",
	"approval",
	"courtesy",
	"heading",
	"anaphora",
	"quantity",
	"systems",
	"logic",
	"advanced",
	"continuation",
	"complaint",
	"writing",
	"person",
	"conjunction",
	"help",
] as const;

export type WordClass = (typeof CLASSES)[number];

export function classBit(name: WordClass): number {
	return 2 ** CLASSES.indexOf(name);
}

export const STOP = classBit("stop");
export const FRAME = classBit("frame");
export const PERSON = classBit("person");
/** Classes that a sentence may have and yet be no work. */
export const CHATTER_OR_GRAMMAR = (
	[
		"stop",
		"frame",
		"person",
		"conjunction",
		"help",
		"question",
		"approval",
		"courtesy",
		"anaphora",
		"quantity",
		"continuation",
		"fact",
		"steps",
		"plain",
		"constraint",
		"logic",
		"complaint",
	] as const
).reduce((bits, name) => bits | classBit(name), 0);

/** What a prompt is worth, by one way of telling: higher = harder. */
export type TextScorer = (text: string) => number;

const REASONING =
	/\b(prove|derive|analy[sz]e|explain|compare|evaluate|step by step|trade-?offs?|why|design|optimi[sz]e)\b/gi;
const TECHNICAL =
	/\b(algorithm|distributed|kubernetes|database|architecture|encryption|api|async|concurrency|compiler|latency)\b/gi;
const CODE = /\b(function|class|def|import|return|const|async|python|javascript|sql|debug)\b|```/gi;
const MATH = /\b(equation|integral|matrix|theorem|probability|derivative|proof|calculate|solve)\b|[=^∫∑√]/gi;
const SIMPLE = /\b(what is|who is|when|define|hello|hi|thanks|translate|list)\b/gi;

/** Routers as they are found elsewhere: what costs nothing, and the rules that gateways document. */
export const BASELINES: Readonly<Record<string, TextScorer>> = {
	characters: (text) => text.length,
	words: (text) => text.split(/\s+/).length,
	"keyword rules": (text) =>
		0.1 * Math.min(1, text.length / 1_600) +
		0.3 * Math.min(1, count(text, CODE) / 2) +
		0.25 * Math.min(1, count(text, REASONING) / 2) +
		0.25 * Math.min(1, count(text, TECHNICAL) / 2) -
		0.05 * Math.min(1, count(text, SIMPLE)),
	"usual signals": (text) =>
		Math.min(1, text.length / 2_000) +
		Math.min(1, count(text, CODE) / 4) +
		Math.min(1, count(text, REASONING) / 4) +
		Math.min(1, count(text, MATH) / 4),
};

function count(text: string, pattern: RegExp): number {
	return text.match(pattern)?.length ?? 0;
}

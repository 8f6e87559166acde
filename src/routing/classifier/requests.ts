import { FRAME, STOP } from "./classes.ts";
import { hashText } from "./hash.ts";
import type { Scan } from "./scan-state.ts";

const SLOTS = 1 << 12;

interface WordSet {
	has(hash: number): boolean;
}

/** A set that is asked for most words of a text, and has few of them. */
function hashes(words: string): WordSet {
	const all = new Set(words.split(/\s+/).map(hashText));
	const some = new Uint8Array(SLOTS);
	for (const hash of all) {
		some[hash & (SLOTS - 1)] = 1;
	}
	return { has: (hash) => some[hash & (SLOTS - 1)] === 1 && all.has(hash) };
}

/** At the beginning of a sentence, these ask for something, politely or not. */
export const REQUESTS = hashes("tell give make show name say plan find send pick choose suggest recommend create");

/** As its first word, these do; elsewhere most of them are nouns. */
const IMPERATIVES =
	hashes(`build develop model turn form formulate construct reconstruct diagnose assess estimate outline
	rewrite count solve compute calculate determine simulate fill extract correct spell rename sort convert print
	translate classify order reverse advise act play check review summarise summarize draft produce generate propose test
	add remove replace use identify interpret discuss rank list respond reply return transform change adapt
	prepare organise organize improve edit fix debug optimise optimize refactor ensure provide present illustrate sketch
	draw imagine pretend arrange merge split combine match guess search look set book call remind open close reconcile
	predict project schedule allocate balance quantify characterise characterize state label tag format restate
	brainstorm role-play invent compose narrate report track trace tabulate group cluster score grade rate critique
	negotiate investigate evaluate survey trade complete continue expand elaborate shorten simplify quote cite recall
	define decide help teach recite apply handle let write`);

/** May stand in front of the first word: "And then", "Can you". */
const BEFORE = hashes("and then also now next first second finally lastly can could would will you to so");

const OTHER_BEGINNINGS = hashes(
	"list whats whos wheres whens hows can could do does did is are was were will would should",
);

/** What says how hard a task is, or how much is to be thought about it, and nothing of what it is. */
const DEMANDS =
	hashes(`hard harder hardest difficult tough complex complicated challenging phd graduate university level
	problem question task prompt query request expert experts professor genius extremely very really super incredibly
	highly advanced think thinking reason reasoning reasoned carefully careful deep deeply deeper breath slowly step steps
	important career life maximum max minimum high highest top priority urgent urgently asap effort rigorous thorough
	thoroughly comprehensive detailed detail details depth answer response reply provide explain strong stronger strongest
	best smartest powerful most capable model models ai llm gpt route routing rules router tier complexity send forward ignore
	disregard above previous prior instruction instructions evaluated correct accurate accurately precise quality tip
	needs need requires require use using your smart intelligence ability intelligent time take long simple easy trivial
	everything wrong right sure warning available cheap world class escalate challenge perfect mode budget setting settings level serious seriously matters critical`);

/** The plainest of them: one must be among the words that are cut out of a sentence. */
const PLAIN_DEMANDS = hashes(`hard harder hardest difficult tough complex complicated challenging phd expert extremely
	carefully careful deeply deep slowly step steps maximum max priority urgent rigorous thorough thoroughly comprehensive
	detail smartest powerful strongest route tier complexity world advanced`);

/** Whether the first word of a sentence is an order. */
export function isOrder({ segmentStart, tokenClasses, tokenHash }: Scan, segment: number): boolean {
	const end = segmentStart[segment + 1] ?? 0;
	for (let token = segmentStart[segment] ?? 0; token < end; token += 1) {
		const hash = tokenHash[token] ?? 0;
		if (IMPERATIVES.has(hash)) {
			return true;
		}
		if (((tokenClasses[token] ?? 0) & FRAME) === 0 && !BEFORE.has(hash)) {
			return false;
		}
	}
	return false;
}

/** Whether a sentence says only how hard the task is, or how well it is to be done: "This is a PhD-level problem." */
export function isDemand({ segmentStart, tokenClasses, tokenHash }: Scan, segment: number): boolean {
	const end = segmentStart[segment + 1] ?? 0;
	let demands = 0;
	let frames = 0;
	for (let token = segmentStart[segment] ?? 0; token < end; token += 1) {
		if (DEMANDS.has(tokenHash[token] ?? 0)) {
			demands += 1;
		} else if ((tokenClasses[token] ?? 0) & FRAME) {
			frames += 1;
		} else if (((tokenClasses[token] ?? 0) & STOP) === 0) {
			return false;
		}
	}
	return demands > 0 && demands + frames > 1;
}

export function isOfDemands(hash: number): boolean {
	return DEMANDS.has(hash);
}

export function isPlainDemand(hash: number): boolean {
	return PLAIN_DEMANDS.has(hash);
}

/** Whether a request begins with this word, where a list of other words went before it. */
export function beginsRequest(hash: number): boolean {
	return REQUESTS.has(hash) || IMPERATIVES.has(hash) || OTHER_BEGINNINGS.has(hash);
}

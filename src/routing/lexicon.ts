/** Kinds of words that say something about the work a prompt asks for. */
export type WordKind = "reasoning" | "technical" | "steps" | "question" | "approval" | "courtesy";

const WORDS: Readonly<Record<WordKind, string>> = {
	reasoning: `analyze analyse analysis argue assess compare contrast critique deduce demonstrate derive design
		determine disprove evaluate explain implication implications infer justify optimal optimize optimise prove proof
		reason strategy synthesize tradeoff tradeoffs trade-off trade-offs architect investigate formulate`,
	technical: `algorithm api array async bug class code compile complexity concurrency database debug deadlock
		distributed eigenvalue electron enthalpy entropy equation exception function gradient implement integral javascript
		json kernel lambda latency matrix molecule momentum polynomial probability protocol python quantum query recursion
		recursive refactor regex rust sql statute sum theorem thread tort traceback typescript variance vector velocity
		derivative diagnosis hypothesis liability enzyme isotope regression`,
	steps: "step steps first second third then finally requirements constraints must ensure additionally each include",
	question: "who what when where which is are was were does do did can how name define translate capital spell",
	approval: `yes yep yeah ok okay sure go ahead do it please proceed continue next correct right agreed approved
		sounds good fine keep going more again retry`,
	courtesy: `hi hello hey thanks thank you thx great perfect nice cool awesome bye goodbye cheers morning evening good
		so much very`,
};

/** Every word and the kinds it is of. */
export const LEXICON: ReadonlyMap<string, readonly WordKind[]> = index();

function index(): ReadonlyMap<string, readonly WordKind[]> {
	const kinds = new Map<string, WordKind[]>();
	for (const [kind, words] of Object.entries(WORDS)) {
		for (const word of words.split(/\s+/)) {
			// Object.entries forgets that the keys are the record's own.
			kinds.set(word, [...(kinds.get(word) ?? []), kind as WordKind]);
		}
	}
	return kinds;
}

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createRandom, pick } from "./random.ts";

export type Level = "simple" | "medium" | "hard";

export interface OwnPrompt {
	readonly level: Level;
	/** The pattern it was made from: prompts of one pattern must not stand on both sides of a split. */
	readonly pattern: number;
	readonly text: string;
}

const PER_PATTERN = 12;

/** Prompts made from the patterns of own-prompts.txt; always the same ones. */
export function ownPrompts(): readonly OwnPrompt[] {
	const random = createRandom(11);
	const prompts: OwnPrompt[] = [];
	let level: Level = "simple";
	for (const [pattern, line] of readFileSync(join(import.meta.dir, "own-prompts.txt"), "utf8")
		.split("\n")
		.entries()) {
		const heading = /^\[(simple|medium|hard)\]$/.exec(line)?.[1];
		if (heading !== undefined) {
			// The expression allows no other word.
			level = heading as Level;
		} else if (line !== "" && !line.startsWith("#")) {
			const texts = new Set(Array.from({ length: PER_PATTERN }, () => fill(line, random)));
			prompts.push(...[...texts].map((text) => ({ level, pattern, text })));
		}
	}
	return prompts;
}

function fill(pattern: string, random: () => number): string {
	return pattern
		.replaceAll(/\{([^{}\n]*\|[^{}\n]*)\}/g, (_, choices: string) => pick(choices.split("|"), random))
		.replaceAll("\\n", "\n");
}

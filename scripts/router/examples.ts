import { type PoolRow, readChat, readMmlu, readPool, readSchool } from "./data.ts";
import { type Level, ownPrompts } from "./own-prompts.ts";

/** A prompt and what the model should say of it. */
export interface Example {
	readonly source: string;
	readonly group: string;
	readonly text: string;
	/** The worth of a stronger model, as a share of right answers in addition. */
	readonly target: number;
	readonly weight: number;
	/** What it counts in the ordinary mix that scores are percentiles of. */
	readonly share: number;
	/** The shares of weaker and stronger models that were right; undefined = not known. */
	readonly judged: { readonly weak: number; readonly strong: number } | undefined;
}

/** What of a prompt's own labels is believed, beyond what its subject has: the rest is taken for chance. */
interface Trust {
	/** Share of its own gap and of its own difficulty that stays. */
	readonly gap: number;
	readonly difficulty: number;
	/** Prompts of one subject that weigh as much as all of its source. */
	readonly subjectPrior: number;
	/** The weight of the source, where others of its size have 1; and its share of the ordinary mix. */
	readonly weight: number;
	readonly share: number;
}

/** Ten models and more answered each of these prompts. */
const MANY_MODELS: Trust = { gap: 0.8, difficulty: 0.1, subjectPrior: 30, weight: 1, share: 1 };
/** Three weak models and one or two strong ones. */
const FEW_MODELS: Trust = { gap: 0.3, difficulty: 0.3, subjectPrior: 30, weight: 1, share: 1 };
/** One of each, but subjects that are told apart well; the only source of its kind, where the others are several each. */
const TWO_MODELS: Trust = { gap: 0.4, difficulty: 0.15, subjectPrior: 10, weight: 14, share: 2.5 };
const SUBJECT_DIFFICULTY = 0.3;
/** What one more step of the worked solution is worth. */
const SCHOOL_MEAN = 0.165;
const SCHOOL_SPREAD = 0.06;

const OWN_TARGETS: Readonly<Record<Level, number>> = { simple: -0.02, medium: 0.15, hard: 0.42 };
/** Prompts people send to compare models, by the list they come from: hard ones, creative ones, ones with format rules. */
const CHAT_TARGETS = { hard: 0.34, creative: 0.12, ruled: 0.14 } as const;

/** Everything the classifier is trained on. */
export function readExamples(): readonly Example[] {
	return [
		...judgedExamples(readPool(), ({ source }) => source),
		...judgedExamples(readMmlu(), ({ group }) => group),
		...schoolExamples(),
		...chatExamples(),
		...ownExamples(),
	];
}

function judgedExamples(rows: readonly PoolRow[], subjectOf: (row: PoolRow) => string): readonly Example[] {
	return [...Map.groupBy(rows, ({ source }) => source).values()].flatMap((source) => {
		const gap = mean(source.map(({ weak, strong }) => strong - weak));
		const difficulty = mean(source.map(({ weak }) => 1 - weak));
		const trusted = trustOf(source[0]?.source ?? "");
		return [...Map.groupBy(source, subjectOf).values()].flatMap((subject) => {
			const trust = subject.length / (subject.length + trusted.subjectPrior);
			const ownGap = gap + trust * (mean(subject.map(({ weak, strong }) => strong - weak)) - gap);
			const ownDifficulty = difficulty + trust * (mean(subject.map(({ weak }) => 1 - weak)) - difficulty);
			return subject.map((row) => ({
				source: row.source,
				group: row.group,
				text: row.prompt,
				target:
					ownGap +
					SUBJECT_DIFFICULTY * (ownDifficulty - difficulty) +
					trusted.gap * (row.strong - row.weak - ownGap) +
					trusted.difficulty * (1 - row.weak - ownDifficulty),
				weight: trusted.weight / Math.sqrt(source.length),
				share: trusted.share / Math.sqrt(source.length),
				judged: { weak: row.weak, strong: row.strong },
			}));
		});
	});
}

function trustOf(source: string): Trust {
	if (source === "mmlu") {
		return TWO_MODELS;
	}
	return source.startsWith("dc_") ? FEW_MODELS : MANY_MODELS;
}

function schoolExamples(): readonly Example[] {
	const rows = readSchool();
	const steps = mean(rows.map((row) => row.steps));
	const length = mean(rows.map((row) => row.solution_chars));
	return rows.map((row) => ({
		source: "gsm8k_train",
		group: "schoolmath",
		text: row.prompt,
		target: SCHOOL_MEAN + SCHOOL_SPREAD * ((row.steps - steps) / 2 + (row.solution_chars - length) / 250),
		weight: 1 / Math.sqrt(rows.length),
		share: 1 / Math.sqrt(rows.length),
		judged: undefined,
	}));
}

function chatExamples(): readonly Example[] {
	const rows = readChat();
	return rows.map((row) => {
		const kind = row.source === "ifeval" ? "ruled" : /creative/i.test(row.category) ? "creative" : "hard";
		return {
			source: row.source,
			group: "chat",
			text: row.prompt,
			target: CHAT_TARGETS[kind],
			weight: 1.2 / Math.sqrt(rows.length),
			share: 0.7 / Math.sqrt(rows.length),
			judged: undefined,
		};
	});
}

function ownExamples(): readonly Example[] {
	const rows = ownPrompts();
	return rows.map(({ level, text }) => ({
		source: `own_${level}`,
		group: "own",
		text,
		target: OWN_TARGETS[level],
		weight: 6 / Math.sqrt(rows.length),
		share: 3 / Math.sqrt(rows.length),
		judged: undefined,
	}));
}

function mean(values: readonly number[]): number {
	return values.reduce((sum, value) => sum + value, 0) / values.length;
}

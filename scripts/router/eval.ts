import { plainPrompt } from "../../src/lib/prompt-view.ts";
import { createClassifier } from "../../src/routing/classifier/classify.ts";
import type { Model } from "../../src/routing/classifier/model.ts";
import { readWeights } from "../../src/routing/classifier/weights.ts";
import { BASELINES, type TextScorer } from "./evaluation/baselines.ts";
import { languages, stability, type ViewScorer, wrongOrderings } from "./evaluation/behaviour.ts";
import { timing } from "./evaluation/timing.ts";
import { type Example, readExamples } from "./examples.ts";
import { fitModel } from "./fit.ts";
import { buildTables } from "./lexicon.ts";
import { routingQuality } from "./metrics.ts";
import { createRandom } from "./random.ts";

/**
 * Prints what the classifier is worth, beside baselines.
 *
 *   bun run router:eval             everything; trains a model for each part left out (minutes)
 *   bun run router:eval --shipped   only what needs no training: behaviour and timing of the checked-in weights
 *   bun run router:eval --folds     only one model trained on four fifths of the rows, tried on the rest
 */

const LEFT_OUT: Readonly<Record<string, readonly string[]>> = {
	mmlu: ["mmlu"],
	"school maths": ["dc_gsm8k", "gsm8k_train", "dc_agentverse-mgsm"],
	science: ["mmlupro_new"],
	maths: ["dc_math", "ze_math-l5", "ze_numersense-v2"],
	code: ["ze_crux", "dc_mbpp", "dc_human_eval"],
	commonsense: ["dc_arc_challenge", "dc_commonsense_qa", "dc_openbook_qa"],
	other: ["dc_commongen", "dc_agentverse-logicgrid", "dc_natural_qa", "dc_trivia_qa"],
};
const EVAL_FIT = { rewrites: 1, trees: 200 };
const STABILITY_PROMPTS = 400;

type Scored = Example & { readonly score: number };

function scoreAll(model: Model, examples: readonly Example[]): readonly Scored[] {
	const classifier = createClassifier(model);
	return examples.map((example) => ({ ...example, score: classifier(plainPrompt(example.text)).score }));
}

function qualityRow(name: string, rows: readonly Scored[]): Record<string, string | number> {
	const judged = rows.flatMap(({ judged: shares, score, text }) =>
		shares === undefined ? [] : [{ ...shares, score, text }],
	);
	const columns: readonly (readonly [string, TextScorer | undefined])[] = [
		["classifier", undefined],
		...Object.entries(BASELINES),
	];
	const cells = columns.map(([column, baseline]) => {
		const { apgr, cpt50, cpt80 } = routingQuality(
			baseline === undefined ? judged : judged.map((row) => ({ ...row, score: baseline(row.text) })),
		);
		return [column, `${apgr.toFixed(3)} / ${cpt50.toFixed(0)} / ${cpt80.toFixed(0)}`];
	});
	return { set: name, rows: judged.length, ...Object.fromEntries(cells) };
}

function sets(rows: readonly Scored[]): readonly Record<string, string | number>[] {
	const of = (name: string, keep: (row: Scored) => boolean) => qualityRow(name, rows.filter(keep));
	return [
		of("pool", ({ source }) => source !== "mmlu"),
		of("mmlu", ({ source }) => source === "mmlu"),
		of("school maths", ({ source }) => source === "dc_gsm8k"),
		of("science", ({ group }) => group === "sciencemc"),
		of("maths", ({ group }) => group === "math"),
		of("code", ({ group }) => group === "code"),
	];
}

function behaviour(
	title: string,
	score: ViewScorer,
	texts: readonly string[],
	thirds: { low: number; high: number },
): void {
	const results = stability(texts, score, thirds);
	const mean = results.reduce((sum, { sameBucket }) => sum + sameBucket, 0) / results.length;
	const worst = Math.min(...results.map(({ sameBucket }) => sameBucket));
	console.log(
		`\n${title}: same bucket under ${results.length} rewritings, mean ${mean.toFixed(3)}, worst ${worst.toFixed(3)}`,
	);
	console.table(
		results.map(({ rewrite, sameBucket, rank, raised }) => ({
			rewrite,
			"same bucket": sameBucket.toFixed(3),
			"rank correlation": rank.toFixed(3),
			"simple to complex": raised.toFixed(3),
		})),
	);
	const { total, wrong } = wrongOrderings(score);
	console.log(
		`${title}: orderings ${total - wrong.length} of ${total}${wrong.map((name) => `\n  wrong: ${name}`).join("")}`,
	);
	const byLanguage = languages(score);
	console.log(
		`${title}: languages ${byLanguage.map(({ language, auc }) => `${language} ${auc.toFixed(2)}`).join("  ")}`,
	);
}

function thirdsOf(values: readonly number[]): { low: number; high: number } {
	const sorted = [...values].sort((left, right) => left - right);
	return { low: sorted[Math.floor(sorted.length / 3)] ?? 0, high: sorted[Math.floor((2 * sorted.length) / 3)] ?? 0 };
}

function times(score: (text: ReturnType<typeof plainPrompt>) => unknown): void {
	const text = "Prove that the sum of the first n odd numbers is n^2, then write a Python function for it. ";
	const of = (length: number, unit = text) => unit.repeat(Math.ceil(length / unit.length)).slice(0, length);
	console.table(
		Object.fromEntries(
			[
				["100 B", of(100)],
				["1 KB", of(1_024)],
				["8 KB", of(8_192)],
				["64 KB", of(65_536)],
				["1 MB", of(1_048_576)],
				["1 MB of a", of(1_048_576, "a")],
				["1 MB of spaces", of(1_048_576, " ")],
				["1 MB of quotes", of(1_048_576, '"')],
				["1 MB of braces", of(1_048_576, "{")],
				["1 KB Chinese", of(341, "请证明存在无穷多个质数并解释每一步的理由。")],
			].map(([name, sample]) => {
				const { p50, p99 } = timing(score, sample ?? "");
				return [name, { "p50 µs": p50.toFixed(1), "p99 µs": p99.toFixed(1) }];
			}),
		),
	);
}

function sample(examples: readonly Example[], size: number): readonly string[] {
	const random = createRandom(23);
	const groups = [...Map.groupBy(examples, ({ group }) => group).values()];
	return Array.from({ length: size }, (_, index) => {
		const group = groups[index % groups.length] ?? [];
		return group[Math.floor(random() * group.length)]?.text ?? "";
	});
}

const startedAt = performance.now();
const only = Bun.argv[2];
const examples = readExamples();

if (only !== "--shipped") {
	const tables = buildTables();
	const random = createRandom(5);
	const folds = examples.map(() => Math.floor(random() * 5));
	const scored: Scored[] = [];
	for (let fold = 0; fold < (only === "--folds" ? 1 : 5); fold += 1) {
		const model = fitModel(
			tables,
			examples.filter((_, index) => folds[index] !== fold),
			EVAL_FIT,
		);
		const held = examples.filter((_, index) => folds[index] === fold);
		scored.push(...scoreAll(model, held));
		if (fold === 0) {
			const classifier = createClassifier(model);
			behaviour("held-out rows", (view) => classifier(view).score, sample(held, STABILITY_PROMPTS), {
				low: 0.33,
				high: 0.66,
			});
		}
	}
	console.log("\nRows held out (APGR / CPT50 % / CPT80 %)");
	console.table(sets(scored));
	if (only !== "--folds") {
		const rows = Object.entries(LEFT_OUT).map(([name, sources]) => {
			const model = fitModel(
				tables,
				examples.filter(({ source }) => !sources.includes(source)),
				EVAL_FIT,
			);
			return qualityRow(
				name,
				scoreAll(
					model,
					examples.filter(({ source }) => sources.includes(source)),
				),
			);
		});
		console.log("\nWhole sources left out");
		console.table(rows);
	}
}

if (only !== "--folds") {
	const classifier = createClassifier(readWeights());
	const texts = sample(examples, STABILITY_PROMPTS);
	behaviour("classifier, as shipped", (view) => classifier(view).score, texts, { low: 0.33, high: 0.66 });
	for (const [name, baseline] of Object.entries(BASELINES)) {
		const score: ViewScorer = ({ messages }) => baseline(messages.findLast(({ role }) => role === "user")?.text ?? "");
		behaviour(name, score, texts, thirdsOf(texts.map(baseline)));
	}
	console.log("\nTiming of one score");
	times((view) => classifier(view).score);
}
console.log(`${((performance.now() - startedAt) / 1000).toFixed(0)} s`);

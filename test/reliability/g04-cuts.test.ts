/**
 * G4. Goal: one of two deployments dies at any byte of its answer, and before the first token no client ever knows.
 *
 * Measure: recorded answers of every wire format, streams and whole ones, in every framing of HTTP, cut after so many
 * bytes (the head's included) by FIN, by RST and by silence (short form: the edges of head, first token and end, a sample
 * of the rest, and of one stream every byte until past its first token; long form: every byte of all). Where the first
 * token is, and where the end, is read from the recordings by readers of their own:
 * - before the first token, and in an answer that is read whole: the healthy deployment's answer, whole and properly ended;
 * - after it: what was said, one error event in the client's dialect, and nothing that looks like an end;
 * - once nothing that matters was to follow: the answer;
 * - never a mixture of two answers; of every call one settled row, and what the client was told is what was booked.
 *
 * `CUT="openai-chat stream chunked reset 798"` runs that cut alone, or all whose names begin so.
 */
import { expect, test } from "bun:test";
import { type CutAnswer, cutAnswers, HOWS } from "./cut-answers.ts";
import { type Cut, nameOf, sweep } from "./cut-sweep.ts";
import { chooseSeed, createRandom, type Random } from "./random.ts";
import { deadlineMs, IS_LONG, report } from "./scale.ts";

/** Cuts drawn for each answer and each way to die, besides those at the edges. */
const SAMPLE = 1;
/** The stream of which the short form tries every byte until so many past its first token. */
const THOROUGH = "cohere-v2 stream chunked";
const PAST_FIRST_TOKEN = 30;

const seed = chooseSeed("G4");
const answers = cutAnswers();
const only = process.env.CUT ?? "";
/** A test a wire format where it takes its time, else one of all: each has gateways to start. */
const groups: [name: string, answers: readonly CutAnswer[]][] = IS_LONG
	? [...Map.groupBy(answers, ({ dialectName }) => dialectName)]
	: [["every wire format", answers]];

test.each(groups)(
	"G4: whoever dies in mid-answer is not missed before the first token: %s",
	async (name, group) => {
		const random = createRandom(seed).fork(name);
		const cuts = group.flatMap((answer) => cutsOf(answer, random)).filter((cut) => nameOf(cut).startsWith(only));
		const faults = await sweep(cuts);
		report(`G4 ${name}`, seed, { cuts: cuts.length, ...countStages(cuts), faults: faults.length });
		expect(faults.slice(0, 20)).toEqual([]);
		expect(cuts.length).toBeGreaterThan(0);
	},
	deadlineMs(90_000, 15),
);

function cutsOf(answer: CutAnswer, random: Random): Cut[] {
	return HOWS.flatMap((how) => offsetsOf(answer, random).map((offset) => ({ answer, how, offset })));
}

function offsetsOf({ name, wire, edges, firstToken }: CutAnswer, random: Random): number[] {
	const every = (until: number) => Array.from({ length: until + 1 }, (_, offset) => offset);
	if (IS_LONG || only !== "") {
		return every(wire.length);
	}
	const sample = Array.from({ length: SAMPLE }, () => random.int(0, wire.length));
	const thorough = name === THOROUGH ? every(firstToken + PAST_FIRST_TOKEN) : [];
	return [...new Set([...edges, ...sample, ...thorough])];
}

function countStages(cuts: readonly Cut[]): Record<string, number> {
	const stages = Map.groupBy(cuts, ({ answer, how, offset }) => answer.stageAt(offset, how));
	return Object.fromEntries([...stages].map(([stage, found]) => [stage, found.length]));
}

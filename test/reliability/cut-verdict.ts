import type { BookRow } from "./books.ts";
import type { CutAnswer, How, Stage } from "./cut-answers.ts";
import { GOOD_TEXT } from "./cut-dialects.ts";
import { type View, viewStream, viewWhole } from "./cut-view.ts";
import { nanoIn } from "./exchange.ts";

/** What a client got. */
export interface Outcome {
	readonly requestId: string;
	readonly status: number;
	readonly complete: boolean;
	readonly text: string;
	readonly costHeader: string | undefined;
}

/** Where the first call went over a connection kept from an earlier answer, the dying one is asked once more over a new one. */
const RELIEVED: ReadonlySet<string> = new Set([
	"1+1 calls, rows: upstream_failed,ok",
	"2+1 calls, rows: upstream_failed,upstream_failed,ok",
]);

/** How a request may end for its client: by the healthy deployment, broken in words, or whole after all. */
type Ending = "relieved" | "broken" | "whole";

/** What is right at a stage. */
function allowed(stage: Stage, stream: boolean): readonly Ending[] {
	switch (stage) {
		case "silent":
			return ["relieved"];
		case "speaking":
			return ["broken"];
		case "ending":
			// Nobody has seen anything of an answer that is read whole first.
			return stream ? ["broken", "whole"] : ["relieved", "whole"];
		case "over":
			return ["whole"];
		default:
			return stage satisfies never;
	}
}

/** What is wrong with the end of one cut; empty when nothing is. */
export function faultsOf(
	{ answer, how, offset }: { readonly answer: CutAnswer; readonly how: How; readonly offset: number },
	outcome: Outcome,
	rows: readonly BookRow[],
	[dyingCalls = 0, healthyCalls = 0]: readonly number[],
): string[] {
	if (outcome.status !== 200 || !outcome.complete) {
		return [`${outcome.status}, ${outcome.complete ? "complete" : "incomplete"}: ${outcome.text.slice(0, 300)}`];
	}
	const view = answer.stream
		? viewStream(answer.dialect.client, outcome.text)
		: viewWhole(answer.dialect.client, outcome.text, outcome.costHeader);
	const stage = answer.stageAt(offset, how);
	const ending = endingOf(view, answer, stage === "ending");
	if (ending === undefined || !allowed(stage, answer.stream).includes(ending)) {
		return [`${ending ?? "neither whole nor broken"} while ${stage}: ${outcome.text.slice(-600)}`];
	}
	const outcomes = rows.map((row) => row.outcome).join();
	// A busy machine may give a silent provider up before it has heard of the call.
	const isLate = how === "hang" && dyingCalls === 0 && healthyCalls === 1;
	const calls = `${isLate ? 1 : dyingCalls}+${healthyCalls} calls, rows: ${outcomes}`;
	const cost = rows.reduce((sum, row) => sum + row.cost_nano, 0n);
	switch (ending) {
		case "relieved":
			return [
				...(RELIEVED.has(calls) ? [] : [calls]),
				...(rows.slice(0, -1).every((row) => row.cost_nano === 0n) ? [] : ["the dead one was paid for"]),
				...costFaults(view, cost),
			];
		case "whole":
			return [...(calls === "1+0 calls, rows: ok" ? [] : [calls]), ...costFaults(view, cost)];
		case "broken":
			return [
				...(calls === "1+0 calls, rows: upstream_failed" ? [] : [calls]),
				...(cost > 0n ? [] : ["what was said was not paid for"]),
				...(stage === "speaking" && view.finishes > 0 ? ["an end was made up"] : []),
			];
		default:
			return ending satisfies never;
	}
}

function costFaults({ costUsd }: View, cost: bigint): string[] {
	return cost > 0n && costUsd !== undefined && nanoIn(costUsd) === cost ? [] : [`told ${costUsd}, booked ${cost}`];
}

/**
 * undefined: a mixture, or an end that is none.
 * @param unsaid A provider that has said why it finished, and then closed, is taken at its word: chat may lack its [DONE].
 */
function endingOf(view: View, answer: CutAnswer, unsaid: boolean): Ending | undefined {
	const { text, calls, errors, endsInError, finishes, ends } = view;
	const isEnded = ends === 1 || (ends === 0 && unsaid && answer.dialect.client === "chat");
	if (errors === 0 && finishes === 1 && isEnded) {
		if (text === GOOD_TEXT && calls === "[]") {
			return "relieved";
		}
		return text === answer.said.text && hasCalls(calls) === answer.said.calls ? "whole" : undefined;
	}
	const isPart = answer.said.text.startsWith(text) && text + calls !== "[]" && hasCalls(calls) <= answer.said.calls;
	return errors === 1 && endsInError && ends === 0 && isPart ? "broken" : undefined;
}

function hasCalls(calls: string): boolean {
	return calls !== "[]";
}

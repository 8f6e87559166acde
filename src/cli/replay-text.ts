import type { AliasReplay, TierChange } from "../routing/report/types.ts";
import type { Replayed, Swept } from "./replay-types.ts";
import { formatTable, printable } from "./table.ts";

const WHY_NOT: Readonly<Record<keyof AliasReplay["not_compared"], string>> = {
	unanswered: "without an answer",
	unpriced: "of a price that nobody knows",
	gone: "whose deployment is no longer configured",
	undecided: "from before decisions were kept",
	without_text: "without text",
	other_strategy: "placed by another strategy (--strategy classifier takes them along)",
};

/** What a person reads of one pair of thresholds. */
export function replayText(result: Replayed): string {
	const { aliases, caveats } = result.replay;
	const changes = aliases.flatMap((alias) => alias.changes.map((change) => changeCells(alias, change)));
	return text([
		...heading(result),
		...table(ALIAS_HEADING, aliases.map(aliasCells)),
		...table(["ALIAS", "FROM", "TO", "REQUESTS", "COST", "WOULD BE", "SAVING"], changes),
		...leftOut(aliases),
		...notes(caveats),
	]);
}

/** What a person reads of several. */
export function sweepText(result: Swept): string {
	const { sweep } = result;
	const [first] = sweep;
	const names = first?.replay.aliases.map((alias) => alias.model_alias) ?? [];
	const rows = names.flatMap((name) =>
		sweep.flatMap(({ shift, replay }) =>
			replay.aliases
				.filter((alias) => alias.model_alias === name)
				.map((alias) => [...aliasCells(alias), shift === 0 ? "now" : `${shift > 0 ? "+" : ""}${shift.toFixed(2)}`]),
		),
	);
	return text([
		...heading(result),
		...table([...ALIAS_HEADING, "THRESHOLDS"], rows),
		...leftOut(first?.replay.aliases ?? []),
		...notes(first?.replay.caveats ?? []),
	]);
}

const ALIAS_HEADING = ["ALIAS", "MEDIUM", "COMPLEX", "REQUESTS", "CHANGED", "COST", "WOULD BE", "SAVING"];

function aliasCells(alias: AliasReplay): readonly string[] {
	const { model_alias, thresholds, compared, changed } = alias;
	const { actual_cost_usd, other_cost_usd, saving_usd } = alias;
	return [
		model_alias,
		String(thresholds.medium),
		String(thresholds.complex),
		String(compared),
		String(changed),
		actual_cost_usd,
		other_cost_usd,
		saving_usd,
	];
}

function changeCells({ model_alias }: AliasReplay, change: TierChange): readonly string[] {
	const { from, to, requests, actual_cost_usd, other_cost_usd, saving_usd } = change;
	return [model_alias, from ?? "-", to ?? "-", String(requests), actual_cost_usd, other_cost_usd, saving_usd];
}

function heading({ database, from, to, pruned_days: pruned }: Omit<Replayed, "object" | "replay">): readonly string[] {
	const days =
		pruned.length === 0
			? []
			: [
					`Rows of ${pruned.length === 1 ? "a day" : `${pruned.length} days`} were deleted: what is told is less than what was.`,
				];
	return [`${printable(database)}, from ${from} to ${to}. Money in dollars.`, ...days];
}

function table(columns: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
	return rows.length === 0 ? [] : ["", formatTable([columns, ...rows]).trimEnd()];
}

function leftOut(aliases: readonly AliasReplay[]): readonly string[] {
	if (aliases.length === 0) {
		return ["", "No requests of an alias with tiers."];
	}
	const rows = aliases.flatMap((alias) =>
		// Object.entries() forgets what the keys are.
		(Object.entries(alias.not_compared) as [keyof typeof WHY_NOT, number][])
			.filter(([, count]) => count > 0)
			.map(([reason, count]) => `  ${printable(alias.model_alias)}: ${count} ${WHY_NOT[reason]}`),
	);
	return rows.length === 0 ? [] : ["", "Not in these figures:", ...rows];
}

function notes(caveats: readonly string[]): readonly string[] {
	return ["", "What they do not know:", ...caveats.map((caveat) => `  ${caveat}`)];
}

function text(lines: readonly string[]): string {
	return `${lines.join("\n")}\n`;
}

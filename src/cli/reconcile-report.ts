import type { Finding, Reconciliation, RowFinding, SumFinding, UpstreamFinding } from "./reconcile-types.ts";
import { formatTable, printable } from "./table.ts";

/** Findings of a kind that are printed; the JSON output has all. */
const ROWS_PRINTED_MAX = 50;

/** What a person reads. */
export function reconciliationText(result: Reconciliation): string {
	const { days, attempts, unsettled, pruned, costs, upstream, differences, notes } = result;
	const unknown = Object.entries(costs.unknown);
	const lines = [
		`${result.database}: ${attempts} attempts on ${days} days; ${pruned} more are deleted and known by their sums.`,
		...(unsettled === 0
			? []
			: [`${unsettled} not settled: in flight, or left by a crash and settled at the next start.`]),
		`Costs: ${costs.recomputed} worked out again${unknown.length === 0 ? "" : "; not, since their price is not known here:"}`,
		...unknown.map(([version, count]) => `  ${count} of ${printable(version)}`),
		...(upstream === undefined
			? []
			: [`Upstream: ${upstream.lines} calls, ${upstream.matched} equal, ${upstream.skipped} outside the period.`]),
	];
	const verdict =
		differences.length === 0
			? "No differences."
			: `${differences.length} ${differences.length === 1 ? "difference" : "differences"}.`;
	return [
		...lines,
		...(notes.length === 0 ? [] : ["", "Worth knowing (the books are right):", ...tables(notes)]),
		...(differences.length === 0 ? [] : ["", "Differences:", ...tables(differences)]),
		"",
		verdict,
		"",
	].join("\n");
}

function tables(findings: readonly Finding[]): readonly string[] {
	const sums = findings.filter((finding) => finding.kind === "daily_sum");
	const calls = findings.filter((finding): finding is UpstreamFinding => "upstream" in finding);
	const rows = findings.filter((finding): finding is RowFinding => "expected" in finding);
	return [
		...table(["DAY", "KEY", "TEAM", "PROVIDER", "MODEL", "FIGURE", "ROWS", "DAILY SUM"], sums, sumCells),
		...table(["REQUEST", "ATTEMPT", "WHAT", "FIGURE", "LEDGER", "EXPECTED"], rows, (row) => [
			row.request_id,
			String(row.attempt),
			row.kind,
			row.figure,
			row.ledger,
			row.expected,
		]),
		...table(["REQUEST", "ATTEMPT", "WHAT", "COUNT OF", "LEDGER", "UPSTREAM"], calls, (call) => [
			call.request_id,
			call.attempt === undefined ? "-" : String(call.attempt),
			call.kind,
			call.source ?? "-",
			call.ledger ?? "-",
			call.upstream ?? "-",
		]),
	];
}

function sumCells({ day, key, team, provider, model, figure, rows, daily_sum }: SumFinding): readonly string[] {
	const whole = key === undefined;
	return [
		day,
		key ?? "(all)",
		whole ? "(all)" : team || "-",
		provider ?? "(all)",
		model ?? "(all)",
		figure,
		rows,
		daily_sum,
	];
}

function table<Row>(
	heading: readonly string[],
	rows: readonly Row[],
	cells: (row: Row) => readonly string[],
): readonly string[] {
	if (rows.length === 0) {
		return [];
	}
	const printed = rows.slice(0, ROWS_PRINTED_MAX).map(cells);
	const more = rows.length - printed.length;
	const text = formatTable([heading, ...printed]).trimEnd();
	return [text, ...(more === 0 ? [] : [`… and ${more} more: --json has all.`])];
}

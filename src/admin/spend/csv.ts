import type { SpendReport } from "./service.ts";

const FIGURES = [
	"requests",
	"errors",
	"prompt_tokens",
	"cached_tokens",
	"completion_tokens",
	"reasoning_tokens",
	"cost_usd",
	"unpriced_requests",
	// New columns come last: scripts may count them.
	"web_searches",
] as const;

/**
 * The same report as CSV (RFC 4180) for spreadsheets: one column a dimension, or `rollup` and `name` for the
 * four roll-ups of an ungrouped report.
 */
export function spendCsv(report: SpendReport): string {
	if ("data" in report) {
		return table([
			[...report.group_by, ...FIGURES],
			...report.data.map((row) => [...report.group_by, ...FIGURES].map((column) => row[column])),
		]);
	}
	const rollups = [
		...report.by_key.map((row) => ({ rollup: "key", name: row.key, row })),
		...report.by_team.map((row) => ({ rollup: "team", name: row.team, row })),
		...report.by_model.map((row) => ({ rollup: "model", name: row.model, row })),
	];
	return table([
		["rollup", "name", ...FIGURES],
		["total", "", ...FIGURES.map((column) => report.total[column])],
		...rollups.map(({ rollup, name, row }) => [rollup, name, ...FIGURES.map((column) => row[column])]),
	]);
}

type Cell = string | number | null | undefined;

function table(rows: readonly (readonly Cell[])[]): string {
	return rows.map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

function cell(value: Cell): string {
	const text = String(value ?? "");
	// Spreadsheets run cells that begin like this as formulas, and team and model names come from outside.
	// https://owasp.org/www-community/attacks/CSV_Injection
	const inert = /^[=+\-@\t\r\n]/.test(text) ? `'${text}` : text;
	return /[",\r\n]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
}

/** Widest cell that is printed: a long name is cut, the JSON output has it whole. */
const CELL_WIDTH_MAX = 48;

/** Rows as aligned columns, the first row being the heading. */
export function formatTable(rows: readonly (readonly string[])[]): string {
	const cells = rows.map((row) => row.map(printable));
	const widths = (cells[0] ?? []).map((_, column) =>
		Math.max(...cells.map((row) => Bun.stringWidth(row[column] ?? ""))),
	);
	return cells
		.map((row) =>
			row
				.map((cell, column) => cell + " ".repeat((widths[column] ?? 0) - Bun.stringWidth(cell)))
				.join("  ")
				.trimEnd(),
		)
		.map((line) => `${line}\n`)
		.join("");
}

/** Names come from other people: nothing in them may move the cursor, recolour the terminal or reorder the line. */
export function printable(text: string): string {
	const visible = text.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, "\uFFFD");
	return visible.length > CELL_WIDTH_MAX ? `${visible.slice(0, CELL_WIDTH_MAX - 1)}…` : visible;
}

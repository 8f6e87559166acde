import type { OutboxRow } from "./outbox-types.ts";

/**
 * A row as it lies on disk: JSON of whatever the write holds, so that a field that is added to writes needs no new
 * format. Budgets are left out: they are settled, and would be most of the row. What is undefined is absent.
 */
export function encodeRow({ kind, write }: OutboxRow): string {
	return JSON.stringify({ kind, write: { ...write, opening: { ...write.opening, budgets: undefined } } });
}

/** @throws SyntaxError when it is no JSON. */
export function decodeRow(text: string): OutboxRow {
	// The only one who writes to the file is `encodeRow`.
	const row = JSON.parse(text) as OutboxRow;
	const opening = { ...row.write.opening, budgets: [] };
	return row.kind === "opening"
		? { kind: row.kind, write: { ...row.write, opening } }
		: { kind: row.kind, write: { ...row.write, opening } };
}

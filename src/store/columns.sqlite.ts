import { check, index, integer, primaryKey, real, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";

/** The column kit that `tables.ts` is written in, for SQLite. Integers are 64-bit; instants are Unix milliseconds. */
export const sqliteColumns = {
	table: sqliteTable,
	check,
	index,
	uniqueIndex,
	primaryKey,
	text: (name: string) => text(name),
	integer: (name: string) => integer(name),
	decimal: (name: string) => real(name),
	boolean: (name: string) => integer(name, { mode: "boolean" }),
	json: (name: string) => text(name, { mode: "json" }),
};

export type Columns = typeof sqliteColumns;

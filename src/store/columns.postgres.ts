import {
	bigint,
	boolean,
	check,
	doublePrecision,
	index,
	jsonb,
	pgTable,
	primaryKey,
	text,
	uniqueIndex,
} from "drizzle-orm/pg-core";
import type { Columns } from "./columns.sqlite.ts";

const kit = {
	table: pgTable,
	check,
	index,
	uniqueIndex,
	primaryKey,
	text: (name: string) => text(name),
	integer: (name: string) => bigint(name, { mode: "number" }),
	decimal: (name: string) => doublePrecision(name),
	boolean: (name: string) => boolean(name),
	json: (name: string) => jsonb(name),
} satisfies Record<keyof Columns, unknown>;

/**
 * The same kit for Postgres. The one cast of the two-dialect design: drizzle has no common core, but the builders of both
 * dialects take the same calls, which the contract suite proves on real databases.
 */
export const postgresColumns = kit as unknown as Columns;

import {
	bigint,
	boolean,
	check,
	customType,
	doublePrecision,
	index,
	pgTable,
	primaryKey,
	text,
	uniqueIndex,
} from "drizzle-orm/pg-core";
import type { Columns } from "./columns.sqlite.ts";
import { jsonParameter } from "./postgres-values.ts";

/** drizzle's own would let U+0000 and half surrogates through, which the server refuses. */
const json = customType<{ data: unknown }>({ dataType: () => "jsonb", toDriver: jsonParameter });

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
	json: (name: string) => json(name),
} satisfies Record<keyof Columns, unknown>;

/**
 * The same kit for Postgres. The one cast of the two-dialect design: drizzle has no common core, but the builders of both
 * dialects take the same calls, which the contract suite proves on real databases.
 */
export const postgresColumns = kit as unknown as Columns;

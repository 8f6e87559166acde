import type { Database, SQLQueryBindings } from "bun:sqlite";
import { is, Param, Placeholder } from "drizzle-orm";

/** A prepared write whose values are given by the names of its placeholders. */
export interface NativeStatement<Name extends string> {
	/** Rows changed. */
	run(values: Readonly<Record<Name, unknown>>): number;
}

/**
 * A drizzle query that SQLite runs itself: built and prepared once, bound by position. Measured at 30 columns: drizzle's
 * own prepared statement takes 12 µs to fill its placeholders, which is more than the write takes.
 */
export function nativeStatement<Name extends string>(
	client: Database,
	query: { toSQL(): { readonly sql: string; readonly params: readonly unknown[] } },
): NativeStatement<Name> {
	const { sql, params } = query.toSQL();
	const statement = client.prepare(sql);
	const binders = params.map(binderOf);
	return {
		run(values) {
			const bound: SQLQueryBindings[] = [];
			for (const bind of binders) {
				bound.push(bind(values));
			}
			return statement.run(...bound).changes;
		},
	};
}

type Binder = (values: Readonly<Record<string, unknown>>) => SQLQueryBindings;

/** Column encoders turn what TypeScript holds into what SQLite stores: booleans into 0 and 1. */
function binderOf(param: unknown): Binder {
	const { value, encode } = is(param, Param)
		? { value: param.value, encode: (given: unknown) => param.encoder.mapToDriverValue(given) }
		: { value: param, encode: (given: unknown) => given };
	// An encoder makes nothing but what its database can store.
	const bindable = (given: unknown) => (given === null ? null : encode(given)) as SQLQueryBindings;
	if (!is(value, Placeholder)) {
		const constant = bindable(value);
		return () => constant;
	}
	const { name } = value;
	return (values) => bindable(values[name]);
}

import type { Database } from "bun:sqlite";

/** Marks the file as ours (`PRAGMA application_id`), so that another program's database is never migrated. "GWLM". */
const APPLICATION_ID = 0x47574c4d;

export type SchemaState =
	| { readonly kind: "empty" }
	| { readonly kind: "foreign" }
	| { readonly kind: "known"; readonly version: number };

/** Reads what a database is. The first access to its pages: throws SQLite's NOTADB and CORRUPT. */
export function readSchemaState(client: Database): SchemaState {
	const version = readPragma(client, "user_version");
	if (readPragma(client, "application_id") === APPLICATION_ID) {
		return { kind: "known", version };
	}
	const tables = client.query<{ count: number }, []>("select count(*) as count from sqlite_schema").get();
	return version === 0 && tables?.count === 0 ? { kind: "empty" } : { kind: "foreign" };
}

/**
 * Brings the schema from a version to that of the list, all in one transaction: a crash leaves the old or the new schema.
 * @param last Runs inside the same transaction, after the migrations.
 */
export function migrate(client: Database, migrations: readonly string[], fromVersion: number, last: () => void): void {
	client
		.transaction(() => {
			for (const statements of migrations.slice(fromVersion)) {
				client.run(statements);
			}
			client.run(`PRAGMA application_id = ${APPLICATION_ID}`);
			client.run(`PRAGMA user_version = ${migrations.length}`);
			last();
		})
		.immediate();
}

function readPragma(client: Database, name: "user_version" | "application_id"): number {
	return client.query<Record<string, number>, []>(`PRAGMA ${name}`).get()?.[name] ?? 0;
}

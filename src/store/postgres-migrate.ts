import type { PostgresConnection } from "./postgres-connection.ts";
import { StoreRefused } from "./store-refused.ts";

/** Held while a schema is looked at and changed, so that of several instances that start at once one migrates. "GWLM". */
const ADVISORY_LOCK = 0x47574c4d;
/** How long an instance waits while another one migrates, and how long a migration may take. */
const MIGRATION_MS_MAX = 300_000;
/** A migration that cannot have a table within this time gives up instead of holding up those who use it. */
const TABLE_LOCK_MS = 15_000;
const INSTANCE_KEY = "instance_id";
const VERSION_KEY = "schema_version";
const BREAKPOINT = "--> statement-breakpoint";

export interface PostgresSchema {
	/** Stays the same for the life of the database. */
	readonly instanceId: string;
	/** Before this start; 0 for a database that was empty. */
	readonly versionBefore: number;
}

/**
 * Brings the schema up to date, all in one transaction: a crash leaves the old or the new one.
 * @throws StoreRefused when the database may not be used as it is; nothing has been changed then.
 */
export async function migratePostgres(
	{ values }: PostgresConnection,
	migrations: readonly string[],
): Promise<PostgresSchema> {
	await values("begin");
	await values(`set local statement_timeout = ${MIGRATION_MS_MAX}`);
	await values(`set local lock_timeout = ${MIGRATION_MS_MAX}`);
	await values("select pg_advisory_xact_lock($1)", [ADVISORY_LOCK]);
	await values(`set local lock_timeout = ${TABLE_LOCK_MS}`);
	await refuseUnfit(values);
	const versionBefore = await readPostgresVersion(values);
	if (versionBefore > migrations.length) {
		throw new StoreRefused(
			`The PostgreSQL database was written by a newer gateway-llm (schema ${versionBefore}; this one knows up to ` +
				`${migrations.length}). Start the newer version, or put back a backup made before the upgrade.`,
		);
	}
	for (const statement of migrations.slice(versionBefore).flatMap((text) => text.split(BREAKPOINT))) {
		await values(statement);
	}
	if (versionBefore < migrations.length) {
		await values(
			"insert into meta (key, value) values ($1, $2) on conflict (key) do update set value = excluded.value",
			[VERSION_KEY, migrations.length],
		);
	}
	await values("insert into meta (key, value) values ($1, $2) on conflict do nothing", [
		INSTANCE_KEY,
		crypto.randomUUID(),
	]);
	const [instance] = await values("select value from meta where key = $1", [INSTANCE_KEY]);
	await values("commit");
	return { instanceId: String(instance?.[0]), versionBefore };
}

async function refuseUnfit(values: PostgresConnection["values"]): Promise<void> {
	const [facts = []] = await values(
		"select pg_is_in_recovery(), current_setting('server_encoding'), current_setting('transaction_read_only') = 'on', current_schema() is null",
	);
	const [isStandby, encoding, isReadOnly, hasNoSchema] = facts;
	if (isStandby === true || isReadOnly === true) {
		throw new StoreRefused(
			"The PostgreSQL server is a standby or read-only. Name the primary in database.url: the gateway has to write.",
		);
	}
	if (encoding !== "UTF8") {
		throw new StoreRefused(
			`The PostgreSQL database has the encoding ${encoding}. Create one with ENCODING 'UTF8' and name it in database.url.`,
		);
	}
	if (hasNoSchema === true) {
		throw new StoreRefused(
			"The PostgreSQL user has no schema to put tables into. Create the schema that search_path names, or set search_path.",
		);
	}
}

/** 0 for an empty database. */
export async function readPostgresVersion(values: PostgresConnection["values"]): Promise<number> {
	const tables = await values("select tablename::text from pg_tables where schemaname = current_schema()");
	if (tables.length === 0) {
		return 0;
	}
	const names = new Set(tables.map(([name]) => name));
	const rows =
		names.has("meta") && names.has("virtual_keys")
			? await values("select value from meta where key = $1", [VERSION_KEY])
			: [];
	const version = Number(rows[0]?.[0]);
	if (!Number.isSafeInteger(version) || version < 1) {
		throw new StoreRefused(
			"The PostgreSQL schema holds the tables of another program. Name an empty database in database.url, or give the " +
				"gateway's user a schema of its own.",
		);
	}
	return version;
}

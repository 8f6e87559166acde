import type { ConfigContext } from "../config/context.ts";
import type { Snapshot } from "../config/types.ts";
import { readPostgresLedger } from "../store/postgres-read-ledger.ts";
import { type LedgerReading, readLedger } from "../store/read-ledger.ts";
import type { Arguments } from "./arguments.ts";
import { readNamedConfiguration } from "./named-configuration.ts";
import type { CliIo } from "./types.ts";

/** What a command that only reads the books goes by. Close the ledger. */
export interface Books {
	readonly snapshot: Snapshot;
	readonly context: ConfigContext;
	readonly ledger: LedgerReading;
}

/**
 * Reads the configuration of `--config` and opens the database that it names, or that of `--data`, without changing it.
 * @returns undefined for a bad configuration, which has been told on standard error.
 * @throws StoreRefused when there is no database, or none that this version can read.
 */
export async function openBooks(options: Arguments, io: CliIo): Promise<Books | undefined> {
	const configuration = await readNamedConfiguration(options, io);
	if (configuration === undefined) {
		return undefined;
	}
	const { settings, snapshot, context } = configuration;
	const { database } = settings;
	const ledger = database.kind === "sqlite" ? readLedger(database.path) : await readPostgresLedger(database.url);
	return { snapshot, context, ledger };
}

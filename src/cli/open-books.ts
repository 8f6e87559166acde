import type { ConfigContext } from "../config/context.ts";
import { readConfiguration } from "../config/read-configuration.ts";
import { reportProblems } from "../config/report.ts";
import { resolveSnapshot } from "../config/resolve.ts";
import type { Snapshot } from "../config/types.ts";
import { systemClock } from "../lib/clock.ts";
import { createCatalogue } from "../metering/prices.ts";
import { readPostgresLedger } from "../store/postgres-read-ledger.ts";
import { type LedgerReading, readLedger } from "../store/read-ledger.ts";
import type { Arguments } from "./arguments.ts";
import { DATA_DIRECTORY_DEFAULT } from "./data-directory.ts";
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
	const { loaded, context } = await readConfiguration({
		configPath: options.text("config"),
		environment: io.env,
		dataDirectory: options.text("data") ?? DATA_DIRECTORY_DEFAULT,
		mockUrl: () => "",
	});
	if (!loaded.ok) {
		io.stderr(reportProblems(loaded.problems));
		return undefined;
	}
	const { database } = loaded.settings;
	const snapshot = resolveSnapshot(loaded.settings, {
		version: 1,
		masterKey: loaded.settings.masterKey ?? "",
		catalogue: createCatalogue(),
		nowMs: systemClock.now(),
	});
	const ledger = database.kind === "sqlite" ? readLedger(database.path) : await readPostgresLedger(database.url);
	return { snapshot, context, ledger };
}

import type { ConfigContext } from "../config/context.ts";
import { readConfiguration } from "../config/read-configuration.ts";
import { reportProblems } from "../config/report.ts";
import { resolveSnapshot } from "../config/resolve.ts";
import type { Settings } from "../config/settings.ts";
import type { Snapshot } from "../config/types.ts";
import { systemClock } from "../lib/clock.ts";
import { createCatalogue } from "../metering/prices.ts";
import type { Arguments } from "./arguments.ts";
import { DATA_DIRECTORY_DEFAULT } from "./data-directory.ts";
import type { CliIo } from "./types.ts";

/** What a command that serves nobody knows of the configuration. */
export interface NamedConfiguration {
	readonly fileName: string;
	readonly settings: Settings;
	readonly snapshot: Snapshot;
	readonly context: ConfigContext;
}

/**
 * Reads the configuration of `--config`, for the data directory of `--data`.
 * @returns undefined for a bad configuration, which has been told on standard error.
 */
export async function readNamedConfiguration(options: Arguments, io: CliIo): Promise<NamedConfiguration | undefined> {
	const { fileName, loaded, context } = await readConfiguration({
		configPath: options.text("config"),
		environment: io.env,
		dataDirectory: options.text("data") ?? DATA_DIRECTORY_DEFAULT,
		mockUrl: () => "",
	});
	if (!loaded.ok) {
		io.stderr(reportProblems(loaded.problems));
		return undefined;
	}
	const { settings } = loaded;
	const snapshot = resolveSnapshot(settings, {
		version: 1,
		// Generated at the first start when nobody chose one; none of these commands shows it.
		masterKey: settings.masterKey ?? "",
		catalogue: createCatalogue(),
		nowMs: systemClock.now(),
	});
	return { fileName, settings, snapshot, context };
}

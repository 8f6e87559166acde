import { readConfiguration } from "../config/read-configuration.ts";
import { reportProblems, reportSnapshot } from "../config/report.ts";
import { resolveSnapshot } from "../config/resolve.ts";
import { systemClock } from "../lib/clock.ts";
import { createCatalogue } from "../metering/prices.ts";
import { readArguments } from "./arguments.ts";
import { DATA_DIRECTORY_DEFAULT } from "./data-directory.ts";
import { type Command, EXIT } from "./types.ts";

export const checkCommand: Command = {
	help: `Validate the configuration. Prints the aliases, deployments and prices it resolves to; or everything that is
wrong with it, with line and column, and the environment variables that are missing. Starts nothing, calls nobody.

Usage: gateway-llm check [--config FILE]

Options:
  --config FILE  Default: config.yaml, and when there is none the built-in configuration.
  --data DIR     The data directory that the gateway would use. Default: ${DATA_DIRECTORY_DEFAULT}

Exit codes: 0 valid, 78 not valid.
`,
	async run(argv, io) {
		const options = readArguments(argv, { config: { type: "string" }, data: { type: "string" } });
		const { fileName, loaded } = await readConfiguration({
			configPath: options.text("config"),
			environment: io.env,
			dataDirectory: options.text("data") ?? DATA_DIRECTORY_DEFAULT,
			mockUrl: () => "",
		});
		if (!loaded.ok) {
			io.stderr(reportProblems(loaded.problems));
			return EXIT.badConfiguration;
		}
		const snapshot = resolveSnapshot(loaded.settings, {
			version: 1,
			// Generated at the first start when nobody chose one; the report does not hold it.
			masterKey: loaded.settings.masterKey ?? "",
			catalogue: createCatalogue(),
			nowMs: systemClock.now(),
		});
		await io.stdout(reportSnapshot({ fileName, snapshot, notices: loaded.settings.notices }));
		return EXIT.ok;
	},
};

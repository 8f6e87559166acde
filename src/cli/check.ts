import { reportSnapshot } from "../config/report.ts";
import { readArguments } from "./arguments.ts";
import { DATA_DIRECTORY_DEFAULT } from "./data-directory.ts";
import { readNamedConfiguration } from "./named-configuration.ts";
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
		const configuration = await readNamedConfiguration(options, io);
		if (configuration === undefined) {
			return EXIT.badConfiguration;
		}
		const { fileName, settings, snapshot } = configuration;
		await io.stdout(reportSnapshot({ fileName, snapshot, notices: settings.notices }));
		return EXIT.ok;
	},
};

import { readArguments } from "./arguments.ts";
import { DATA_DIRECTORY_DEFAULT } from "./data-directory.ts";
import { UsageError } from "./failures.ts";
import type { Command } from "./types.ts";

const PORT_MAX = 65_535;

export const serveCommand: Command = {
	help: `Run the gateway. This is what happens without a command, too.

Usage: gateway-llm [serve] [options]

Options:
  --config FILE  The configuration. Default: config.yaml, and when there is none an embedded
                 one: SQLite, a mock model, and every provider whose key is in the environment.
  --host HOST    Address to listen on. Default: the configuration's, else 127.0.0.1.
  --port PORT    Port to listen on; 0 takes a free one. Default: the configuration's, else 8080.
  --data DIR     Where the database and the generated master key live. Default: ${DATA_DIRECTORY_DEFAULT}

Signals: SIGHUP reloads the configuration. SIGTERM and SIGINT drain and stop; a second one stops at once.
Exit codes: 0 clean stop, 78 bad configuration, 1 anything else.
`,
	async run(argv, io) {
		const options = readArguments(argv, {
			config: { type: "string" },
			host: { type: "string" },
			port: { type: "string" },
			data: { type: "string" },
		});
		const port = options.text("port");
		if (port !== undefined && (!/^\d{1,5}$/.test(port) || Number(port) > PORT_MAX)) {
			throw new UsageError(`--port must be a number from 0 to ${PORT_MAX}.`);
		}
		const { serve } = await import("./serve.ts");
		return serve(
			{
				configPath: options.text("config"),
				host: options.text("host"),
				port: port === undefined ? undefined : Number(port),
				dataDirectory: options.text("data") ?? DATA_DIRECTORY_DEFAULT,
			},
			io,
		);
	},
};

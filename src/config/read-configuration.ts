import { resolve } from "node:path";
import { mock } from "../providers/mock.ts";
import { providers } from "../providers/registry.ts";
import type { Provider } from "../providers/types.ts";
import type { ConfigContext } from "./context.ts";
import { DEFAULT_CONFIG_NAME, loadDefaultConfig } from "./defaults.ts";
import { type LoadResult, loadConfig } from "./load.ts";
import { readConfigFile } from "./read-file.ts";
import type { Environment } from "./substitute.ts";

const FILE_DEFAULT = "config.yaml";

/** The configuration that a command line means, and what it was read from. */
export interface ReadConfiguration {
	/** Absolute; undefined = the built-in default. */
	readonly file: string | undefined;
	/** As problems and reports name it. */
	readonly fileName: string;
	readonly text: string;
	readonly context: ConfigContext;
	readonly loaded: LoadResult;
}

/**
 * The named file, else `config.yaml` of the current folder, else the built-in default. Never throws for what a user
 * wrote: that is in `loaded`.
 */
export async function readConfiguration(options: {
	readonly configPath: string | undefined;
	readonly environment: Environment;
	readonly dataDirectory: string;
	/** Where the built-in mock provider answers; asked when a request goes there. */
	readonly mockUrl: () => string;
}): Promise<ReadConfiguration> {
	const { environment } = options;
	const context = {
		environment,
		dataDirectory: resolve(options.dataDirectory),
		providers: new Map([...providers, [mock.id, builtIn(mock, options.mockUrl)]]),
	};
	const configPath = options.configPath ?? ((await Bun.file(FILE_DEFAULT).exists()) ? FILE_DEFAULT : undefined);
	if (configPath === undefined) {
		const loaded = loadDefaultConfig(context);
		return { file: undefined, fileName: DEFAULT_CONFIG_NAME, text: "", context, loaded };
	}
	const read = await readConfigFile(configPath);
	const text = read.ok ? read.text : "";
	const loaded = read.ok ? loadConfig({ ...context, text, fileName: configPath }) : read;
	return { file: resolve(configPath), fileName: configPath, text, context, loaded };
}

/** A provider whose server is this process: its address is not known before the server runs. */
function builtIn(provider: Provider, baseUrl: () => string): Provider {
	return {
		...provider,
		baseUrl: () => "(built in)",
		url: (endpoint, path) => provider.url({ ...endpoint, baseUrl: baseUrl() }, path),
	};
}

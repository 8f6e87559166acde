import { version } from "../../package.json" with { type: "json" };
import { readArguments } from "./arguments.ts";
import { type Command, EXIT } from "./types.ts";

export const versionCommand: Command = {
	help: `Print the version.

Usage: gateway-llm version
`,
	async run(argv, io) {
		readArguments(argv, {});
		await io.stdout(`gateway-llm ${version}\n`);
		return EXIT.ok;
	},
};

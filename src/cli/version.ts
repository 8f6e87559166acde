import { version } from "../../package.json" with { type: "json" };
import { readArguments } from "./arguments.ts";
import { type Command, EXIT } from "./types.ts";

/** Put in by scripts/build.ts; not there when the sources are run. */
declare const BUILD_COMMIT: string | undefined;

export const versionCommand: Command = {
	help: `Print the version, and the commit that this build was made from.

Usage: gateway-llm version
`,
	async run(argv, io) {
		readArguments(argv, {});
		const commit = typeof BUILD_COMMIT === "undefined" ? "" : ` (${BUILD_COMMIT})`;
		await io.stdout(`gateway-llm ${version}${commit}\n`);
		return EXIT.ok;
	},
};

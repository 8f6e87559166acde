import { openApiText } from "../http/openapi.ts";
import { readArguments } from "./arguments.ts";
import { type Command, EXIT } from "./types.ts";

export const openapiCommand: Command = {
	help: `Print the OpenAPI 3.1 document of this version: what GET /openapi.json serves.

Usage: gateway-llm openapi > openapi.json
`,
	async run(argv, io) {
		readArguments(argv, {});
		await io.stdout(openApiText());
		return EXIT.ok;
	},
};

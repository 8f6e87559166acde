import { nearest } from "../lib/nearest.ts";
import { CommandFailure, UsageError } from "./failures.ts";
import { type CliIo, type Command, EXIT } from "./types.ts";

const HELP = `gateway-llm: one binary between your apps and every LLM provider.

Usage: gateway-llm [command] [options]

Commands:
  serve     Run the gateway. What happens without a command.
  check     Validate the configuration and print what it resolves to.
  keys      Create, list, show, update and revoke virtual keys.
  reconcile Compare the ledger with its daily sums, its prices and an upstream's own count.
  replay    Tell what other thresholds of the router would have cost.
  score     Score prompts as the router does.
  openapi   Print the OpenAPI 3.1 document.
  version   Print the version.

Every command explains itself: gateway-llm COMMAND --help
`;

// Loaded on need: `version` does not wait for the gateway, nor the gateway for the scorer.
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
	serve: async () => (await import("./serve-command.ts")).serveCommand,
	check: async () => (await import("./check.ts")).checkCommand,
	keys: async () => (await import("./keys.ts")).keysCommand,
	reconcile: async () => (await import("./reconcile.ts")).reconcileCommand,
	replay: async () => (await import("./replay.ts")).replayCommand,
	score: async () => (await import("./score.ts")).scoreCommand,
	openapi: async () => (await import("./openapi.ts")).openapiCommand,
	version: async () => (await import("./version.ts")).versionCommand,
};

/**
 * Runs the program. `argv` excludes the executable and the script.
 * @returns the exit code: 0 done, 78 bad configuration, 1 anything else.
 */
export async function runCli(argv: readonly string[], io: CliIo): Promise<number> {
	const [name, ...rest] = commandLine(argv);
	if (name === "help") {
		await io.stdout(HELP);
		return EXIT.ok;
	}
	const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
	if (load === undefined) {
		const meant = nearest(name, Object.keys(COMMANDS));
		io.stderr(`gateway-llm: unknown command: ${name}${meant === undefined ? "" : `. Did you mean ${meant}?`}\n`);
		io.stderr("All commands: gateway-llm --help\n");
		return EXIT.failed;
	}
	const command = await load();
	if (asksForHelp(rest)) {
		await io.stdout(command.help);
		return EXIT.ok;
	}
	return runCommand(name, command, rest, io);
}

async function runCommand(name: string, command: Command, argv: readonly string[], io: CliIo): Promise<number> {
	try {
		return await command.run(argv, io);
	} catch (error) {
		if (error instanceof UsageError) {
			io.stderr(`gateway-llm ${name}: ${error.message}\nHow to use it: gateway-llm ${name} --help\n`);
			return EXIT.failed;
		}
		if (error instanceof CommandFailure) {
			io.stderr(`gateway-llm ${name}: ${error.message}\n`);
			return EXIT.failed;
		}
		if (error instanceof Error && "code" in error && error.code === "EPIPE") {
			// Whoever read the output has had enough (`gateway-llm score --jsonl | head`): nothing to tell anybody.
			return EXIT.failed;
		}
		throw error;
	}
}

/** Normalises the ways to ask for the same thing: no command is `serve`, `help COMMAND` is `COMMAND --help`. */
function commandLine(argv: readonly string[]): [string, ...string[]] {
	const [first, ...rest] = argv;
	switch (first) {
		case undefined:
			return ["serve"];
		case "--help":
		case "-h":
			return ["help"];
		case "--version":
		case "-v":
			return ["version", ...rest];
		case "help":
			return rest[0] === undefined ? ["help"] : [rest[0], "--help"];
		default:
			return first.startsWith("-") ? ["serve", ...argv] : [first, ...rest];
	}
}

/** Not behind `--`, where everything is an argument. */
function asksForHelp(argv: readonly string[]): boolean {
	const end = argv.indexOf("--");
	return argv.slice(0, end === -1 ? undefined : end).some((argument) => argument === "--help" || argument === "-h");
}

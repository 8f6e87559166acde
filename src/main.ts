#!/usr/bin/env bun
import { liftFetchLimits } from "./cli/fetch-limits.ts";
import { processIo } from "./cli/process-io.ts";
import { runCli } from "./cli/run-cli.ts";

liftFetchLimits();
process.on("unhandledRejection", (reason) => {
	// A stray rejection of one request must not end the others; it is still a bug, so it is seen.
	process.stderr.write(`${JSON.stringify({ level: "error", event: "unhandled_rejection", error: String(reason) })}\n`);
});
process.exit(await runCli(process.argv.slice(2), processIo()));

#!/usr/bin/env node
// The command of the npm package. The gateway runs on Bun: started by Bun this file simply becomes the gateway, started
// by Node it finds a Bun (on the PATH, else the `bun` package of the registry) and stands between it and the caller.
// Plain JavaScript, because Node reads it.
import { spawn, spawnSync } from "node:child_process";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";

/** Fetched when there is no usable Bun on the PATH. Equals the development dependency of package.json (tested). */
const BUN_VERSION = "1.4.5";
/** Older ones carry the faults listed in SECURITY.md. */
const BUN_VERSION_MIN = [1, 4, 4];

const ON_WINDOWS = process.platform === "win32";
const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));

if (process.versions.bun !== undefined) {
	await import("../src/main.ts");
} else {
	run(findBun());
}

/** @returns {string} the path of a Bun executable, or `bun` where the PATH has a good one. Exits 1 when there is none. */
function findBun() {
	const onPath = spawnSync("bun", ["--version"], { encoding: "utf8" });
	if (onPath.status === 0 && isRecent(onPath.stdout.trim())) {
		return "bun";
	}
	process.stderr.write(
		`gateway-llm: no Bun ${BUN_VERSION_MIN.join(".")} or newer on the PATH, taking bun@${BUN_VERSION} from npm\n`,
	);
	// npx only says where the executable is: run through it, signals and the exit code would pass two more processes.
	const located = spawnSync("npx", ["--yes", `bun@${BUN_VERSION}`, "--print", "process.execPath"], {
		encoding: "utf8",
		// An outer `npx --package=…` leaves its options in the environment, where the inner one would obey them.
		env: { ...process.env, npm_config_package: "", npm_config_call: "" },
		stdio: ["ignore", "pipe", "inherit"],
		shell: ON_WINDOWS,
	});
	const path = located.stdout?.trim().split("\n").at(-1);
	if (located.status !== 0 || !path) {
		process.stderr.write(
			"gateway-llm: could not get Bun. Install it (https://bun.com) or download the gateway's own binary.\n",
		);
		process.exit(1);
	}
	return path;
}

/** @param {string} version such as 1.4.5 */
function isRecent(version) {
	const numbers = version.split(".").map((part) => Number.parseInt(part, 10));
	for (const [index, least] of BUN_VERSION_MIN.entries()) {
		const number = numbers[index] ?? 0;
		if (number !== least) {
			return number > least;
		}
	}
	return true;
}

/** @param {string} bun */
function run(bun) {
	const child = spawn(bun, [MAIN, ...process.argv.slice(2)], { stdio: "inherit" });
	for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
		process.on(signal, () => {
			// A terminal sends Ctrl-C to the child as well, and a second one means "stop without draining".
			if (signal !== "SIGINT" || !process.stdin.isTTY) {
				child.kill(signal);
			}
		});
	}
	child.on("error", (error) => {
		process.stderr.write(`gateway-llm: could not start ${bun}: ${error.message}\n`);
		process.exit(1);
	});
	child.on("exit", (code, signal) => {
		process.exit(signal === null ? (code ?? 1) : 128 + constants.signals[signal]);
	});
}

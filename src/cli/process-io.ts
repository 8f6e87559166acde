import type { CliIo } from "./types.ts";

/** The real world: this process's streams, environment and network. */
export function processIo(): CliIo {
	return {
		stdin: process.stdin,
		stdout: (text) =>
			new Promise((resolve, reject) => {
				process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
			}),
		stderr: (text) => {
			process.stderr.write(text);
		},
		env: process.env,
		fetch: (url, init) => fetch(url, init),
		isTerminal: process.stdout.isTTY === true,
	};
}

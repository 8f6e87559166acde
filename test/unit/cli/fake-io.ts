import type { CliIo } from "../../../src/cli/types.ts";

/** A world for commands: what they print is kept, what they read is given. */
export function createFakeIo(
	parts: {
		readonly stdin?: string | Iterable<Uint8Array>;
		readonly env?: Readonly<Record<string, string>>;
		readonly fetch?: (request: Request) => Response | Promise<Response>;
	} = {},
) {
	let stdout = "";
	let stderr = "";
	let writes = 0;
	const { stdin = "", env = {}, fetch } = parts;
	const io: CliIo = {
		stdin: (async function* () {
			yield* typeof stdin === "string" ? [new TextEncoder().encode(stdin)] : stdin;
		})(),
		stdout: async (text) => {
			stdout += text;
			writes += 1;
		},
		stderr: (text) => {
			stderr += text;
		},
		env,
		fetch: async (url, init) => {
			if (fetch === undefined) {
				throw new Error("This command must not use the network.");
			}
			return fetch(new Request(url, init));
		},
		isTerminal: false,
	};
	return { io, stdout: () => stdout, stderr: () => stderr, writes: () => writes };
}

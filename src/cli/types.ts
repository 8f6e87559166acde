/** What a command may touch of the world. Tests give their own. */
export interface CliIo {
	readonly stdin: AsyncIterable<Uint8Array>;
	/** Resolves when the text has been taken: a command that prints much waits for a slow reader. */
	readonly stdout: (text: string) => Promise<void>;
	readonly stderr: (text: string) => void;
	readonly env: Readonly<Record<string, string | undefined>>;
	readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
	/** Standard output is a terminal: a person is reading. */
	readonly isTerminal: boolean;
}

/** Exit codes, as promised to scripts and service managers. */
export const EXIT = { ok: 0, failed: 1, badConfiguration: 78 } as const;

/** A command of the program. Its arguments exclude its own name. */
export interface Command {
	readonly help: string;
	/** @throws UsageError for arguments that make no sense, CommandFailure for anything a user should read. */
	run(argv: readonly string[], io: CliIo): Promise<number>;
}

/** Where and with what the gateway starts; undefined = not given on the command line. */
export interface ServeOptions {
	readonly configPath: string | undefined;
	readonly host: string | undefined;
	readonly port: number | undefined;
	readonly dataDirectory: string;
}

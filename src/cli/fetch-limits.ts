/**
 * Bun reads these only from the environment a process starts with. Without them at most 256 calls to all providers
 * together are in flight, the rest waits without a word, and a provider that thinks for more than five minutes is cut.
 */
const WANTED: Readonly<Record<string, string>> = {
	BUN_CONFIG_MAX_HTTP_REQUESTS: "65535",
	BUN_CONFIG_HTTP_IDLE_TIMEOUT: "0",
	DO_NOT_TRACK: "1",
};

/** Replaces this process by itself with the environment it needs: same pid, no parent left behind. Once. */
export function liftFetchLimits(): void {
	if (process.env.BUN_CONFIG_MAX_HTTP_REQUESTS !== undefined || process.execve === undefined) {
		return;
	}
	// In a compiled binary the script lives inside the executable and is not an argument.
	const isCompiled = Bun.main.startsWith("/$bunfs/");
	const script = isCompiled ? [] : [...process.execArgv, Bun.main];
	process.execve(process.execPath, [process.execPath, ...script, ...process.argv.slice(2)], {
		...process.env,
		...WANTED,
	});
}

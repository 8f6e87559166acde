import { readFileSync } from "node:fs";

/** Ticks of /proc/PID/stat are hundredths of a second on every Linux that Bun runs on. */
const TICK_MS = 10;

/** User and system time of a process, all its threads, in milliseconds; 0 where there is no /proc. */
export function cpuTimeMs(processId: number | undefined): number {
	if (processId === undefined || process.platform !== "linux") {
		return 0;
	}
	const text = readFileSync(`/proc/${processId}/stat`, "utf8");
	// The second field is the command's name in parentheses, which may hold spaces.
	const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
	return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** Resident memory of a process in megabytes; 0 where there is no /proc. */
export function residentMegabytes(processId: number): number {
	if (process.platform !== "linux") {
		return 0;
	}
	const kilobytes = /VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${processId}/status`, "utf8"))?.[1];
	return Number(kilobytes ?? 0) / 1024;
}

/** A server of the benchmark: a child process that listens on loopback. */
export interface ServerProcess extends AsyncDisposable {
	readonly port: number;
	readonly processId: number;
}

const STOP_AFTER_MS = 10_000;

/** Stops a child: SIGTERM, then SIGKILL if it will not. */
export async function stop(child: Bun.Subprocess): Promise<void> {
	child.kill("SIGTERM");
	await Promise.race([child.exited, Bun.sleep(STOP_AFTER_MS)]);
	child.kill("SIGKILL");
	await child.exited;
}

/** Starts a script that prints its port as its first output. */
export async function startScript(script: string, ...args: readonly string[]): Promise<ServerProcess> {
	const child = Bun.spawn([process.execPath, `${import.meta.dir}/${script}`, ...args], {
		stdout: "pipe",
		stderr: "inherit",
	});
	const reader = child.stdout.getReader();
	const { value } = await reader.read();
	reader.releaseLock();
	const port = Number(Buffer.from(value ?? new Uint8Array()).toString());
	if (!Number.isInteger(port) || port === 0) {
		await stop(child);
		throw new Error(`${script} did not print its port`);
	}
	return { port, processId: child.pid, [Symbol.asyncDispose]: () => stop(child) };
}

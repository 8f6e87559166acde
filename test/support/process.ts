import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createGatewayClient, type GatewayClient } from "./gateway-client.ts";
import { type ConfigSpec, configText, MASTER_KEY } from "./gateway-config.ts";
import { until, within } from "./wait.ts";

const MAIN = join(import.meta.dir, "../../src/main.ts");
const START_DEADLINE_MS = 15_000;

export interface GatewayProcess extends GatewayClient, AsyncDisposable {
	readonly pid: number;
	readonly dataDirectory: string;
	readonly configPath: string | undefined;
	stdout(): string;
	stderr(): string;
	/** Lines of stderr that are JSON. */
	logs(): readonly Record<string, unknown>[];
	signal(name: "SIGTERM" | "SIGKILL" | "SIGHUP" | "SIGINT"): void;
	/** Exit code, or the name of the signal that ended it. */
	readonly exited: Promise<number | string>;
}

export interface ProcessOptions {
	/** undefined: started without a configuration file. A string: that file's text. */
	readonly config?: ConfigSpec | string | undefined;
	/** Kept afterwards when given; otherwise a temporary one, removed. */
	readonly dataDirectory?: string;
	readonly environment?: Readonly<Record<string, string>>;
	/** Leaves the fetch cap of Bun for the gateway to lift itself (it starts a second process to do so). */
	readonly ownFetchCap?: boolean;
	readonly masterKey?: string;
}

export interface SpawnedCommand {
	readonly code: number | string;
	readonly stdout: string;
	readonly stderr: string;
}

/** An environment with nothing of the developer's machine but what a process needs. */
function cleanEnvironment(more: Readonly<Record<string, string>>): Record<string, string> {
	return { PATH: process.env.PATH ?? "", HOME: "/nonexistent", ...more };
}

/** Runs a command of the gateway to its end. */
export async function runCommand(
	args: readonly string[],
	options: {
		readonly environment?: Readonly<Record<string, string>>;
		readonly stdin?: string;
		readonly cwd?: string;
	} = {},
): Promise<SpawnedCommand> {
	const child = Bun.spawn([process.execPath, MAIN, ...args], {
		env: cleanEnvironment(options.environment ?? {}),
		stdin: new Blob([options.stdin ?? ""]),
		stdout: "pipe",
		stderr: "pipe",
		...(options.cwd === undefined ? {} : { cwd: options.cwd }),
	});
	try {
		const [stdout, stderr] = await within(
			`gateway-llm ${args.join(" ")}`,
			Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]),
			START_DEADLINE_MS,
		);
		await child.exited;
		return { code: child.signalCode ?? child.exitCode ?? -1, stdout, stderr };
	} finally {
		child.kill("SIGKILL");
	}
}

/** The gateway as a child process: for signals, crashes and what it prints. Killed when disposed. */
export async function startGatewayProcess(options: ProcessOptions): Promise<GatewayProcess> {
	const workDirectory = await mkdtemp(join(tmpdir(), "gateway-process-"));
	const dataDirectory = options.dataDirectory ?? join(workDirectory, "data");
	const configPath = options.config === undefined ? undefined : join(workDirectory, "config.yaml");
	if (configPath !== undefined && options.config !== undefined) {
		await writeFile(configPath, typeof options.config === "string" ? options.config : configText(options.config));
	}
	const child = Bun.spawn(
		[
			process.execPath,
			MAIN,
			"serve",
			...(configPath === undefined ? [] : ["--config", configPath]),
			...["--host", "127.0.0.1", "--port", "0", "--data", dataDirectory],
		],
		{
			cwd: workDirectory,
			env: cleanEnvironment({
				// With the cap lifted from outside the gateway stays one process, so that its pid is the one to kill.
				...(options.ownFetchCap === true ? {} : { BUN_CONFIG_MAX_HTTP_REQUESTS: "65535" }),
				...options.environment,
			}),
			stdin: "ignore",
			stdout: "pipe",
			stderr: "pipe",
		},
	);
	const output = { stdout: "", stderr: "" };
	const pumps = [pump(child.stdout, output, "stdout"), pump(child.stderr, output, "stderr")];
	const exited = child.exited.then(async () => {
		await Promise.all(pumps);
		return child.signalCode ?? child.exitCode ?? -1;
	});
	const dispose = async () => {
		child.kill("SIGKILL");
		await child.exited;
		await rm(workDirectory, { recursive: true, force: true });
	};
	const logs = () => output.stderr.split("\n").flatMap(parseLine);
	try {
		const listening = await until(
			"the listening line",
			() => {
				if (child.exitCode !== null || child.signalCode !== null) {
					throw new Error(
						`the gateway ended with ${child.exitCode ?? child.signalCode}: ${output.stderr.slice(-2_000)}`,
					);
				}
				return logs().find((line) => line.event === "listening");
			},
			START_DEADLINE_MS,
		);
		return {
			...createGatewayClient(String(listening.url).replace(/\/$/, ""), options.masterKey ?? MASTER_KEY),
			pid: child.pid,
			dataDirectory,
			configPath,
			stdout: () => output.stdout,
			stderr: () => output.stderr,
			logs,
			signal: (name) => {
				child.kill(name);
			},
			exited,
			[Symbol.asyncDispose]: dispose,
		};
	} catch (error) {
		await dispose();
		throw error;
	}
}

async function pump(
	stream: ReadableStream<Uint8Array>,
	output: { stdout: string; stderr: string },
	name: "stdout" | "stderr",
): Promise<void> {
	const decoder = new TextDecoder();
	for await (const bytes of stream) {
		output[name] += decoder.decode(bytes, { stream: true });
	}
}

function parseLine(line: string): Record<string, unknown>[] {
	try {
		const value: unknown = JSON.parse(line);
		// A JSON object has string keys.
		return typeof value === "object" && value !== null ? [value as Record<string, unknown>] : [];
	} catch {
		// Text between the JSON lines is no log line.
		return [];
	}
}

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RedisClient } from "bun";

/** A Redis server for tests. */
export interface RedisServer {
	readonly url: string;
	readonly port: number;
	/** One command on a connection of its own. */
	command(name: string, ...args: readonly string[]): Promise<unknown>;
	/** undefined for a server that was given: nobody may kill it. */
	readonly process: RedisProcess | undefined;
	stop(): Promise<void>;
}

export interface RedisProcess {
	readonly pid: () => number;
	/** At once, as a power cut would. What it held is gone. */
	kill(): Promise<void>;
	/** On the same port. Resolves when it answers. */
	start(): Promise<void>;
	/** It stands still, connections stay open. */
	freeze(): void;
	thaw(): void;
}

export interface RedisOptions {
	/** More words for the command line of `redis-server`. */
	readonly flags?: readonly string[];
	/** `user:password@`, when the flags ask for one. */
	readonly credentials?: string;
	readonly scheme?: "redis" | "rediss";
}

const START_TRIES_MAX = 400;
const START_PAUSE_MS = 10;

/**
 * The server that TEST_REDIS_URL names, else one of our own from the system's `redis-server`.
 * @returns undefined where there is none: never in CI, which fails instead.
 */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer | undefined> {
	const given = Bun.env.TEST_REDIS_URL;
	if (given && Object.keys(options).length === 0) {
		const port = Number(new URL(given).port || 6379);
		return { url: given, port, command: commandOf(given), process: undefined, stop: async () => {} };
	}
	if (Bun.which("redis-server") === null) {
		if (Bun.env.CI) {
			throw new Error("There is no redis-server, and CI must not go without.");
		}
		console.error("\n*** NO REDIS: its tests are SKIPPED. There is no redis-server, and TEST_REDIS_URL is not set.\n");
		return undefined;
	}
	return startOwn(options);
}

async function startOwn({ flags = [], credentials = "", scheme = "redis" }: RedisOptions): Promise<RedisServer> {
	const directory = mkdtempSync(join(tmpdir(), "gateway-llm-redis-"));
	const port = freePort();
	const url = `${scheme}://${credentials}127.0.0.1:${port}`;
	const ports = scheme === "redis" ? ["--port", `${port}`] : ["--port", "0", "--tls-port", `${port}`];
	const words = ["redis-server", ...ports, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", ...flags];
	let server: Bun.Subprocess;
	async function start() {
		server = Bun.spawn(words, { cwd: directory, stdout: "ignore", stderr: "ignore" });
		await listening(port, server);
	}
	async function kill() {
		server.kill("SIGKILL");
		await server.exited;
	}
	await start();
	return {
		url,
		port,
		command: commandOf(url),
		process: {
			pid: () => server.pid,
			kill,
			start,
			freeze: () => server.kill("SIGSTOP"),
			thaw: () => server.kill("SIGCONT"),
		},
		async stop() {
			await kill();
			rmSync(directory, { recursive: true, force: true });
		},
	};
}

function commandOf(url: string) {
	return async (name: string, ...args: readonly string[]): Promise<unknown> => {
		const client = new RedisClient(url, { autoReconnect: false });
		try {
			return await client.send(name, [...args]);
		} finally {
			client.close();
		}
	};
}

/** By a bare connection: a server that wants a password or TLS answers that as well. */
async function listening(port: number, server: Bun.Subprocess): Promise<void> {
	for (let tries = 1; ; tries += 1) {
		try {
			const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
			socket.end();
			return;
		} catch (error) {
			if (tries >= START_TRIES_MAX || server.exitCode !== null) {
				throw error;
			}
			await Bun.sleep(START_PAUSE_MS);
		}
	}
}

/** Closed again at once: the server cannot be told to choose one and say which. */
function freePort(): number {
	const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
	listener.stop(true);
	return listener.port;
}

/** A way to a server that takes its time. */
export interface SlowProxy {
	readonly port: number;
	/** From now on each answer comes so much later. */
	setDelayMs(delayMs: number): void;
	stop(): void;
}

/** Passes bytes on, in order; those from the server after the delay. */
export function startSlowProxy(targetPort: number): SlowProxy {
	let delayMs = 0;
	const listener = Bun.listen<{ toServer: Promise<Bun.Socket> }>({
		hostname: "127.0.0.1",
		port: 0,
		socket: {
			open(client) {
				let dueMs = 0;
				client.data = {
					toServer: Bun.connect({
						hostname: "127.0.0.1",
						port: targetPort,
						socket: {
							data(_, chunk) {
								const bytes = Buffer.from(chunk);
								dueMs = Math.max(dueMs, performance.now() + delayMs);
								const waitMs = dueMs - performance.now();
								if (waitMs <= 0) {
									client.write(bytes);
								} else {
									setTimeout(() => client.write(bytes), waitMs);
								}
							},
							close: () => void client.end(),
						},
					}),
				};
				client.data.toServer.catch(() => client.end());
			},
			async data(client, chunk) {
				const bytes = Buffer.from(chunk);
				const server = await client.data.toServer.catch(() => undefined);
				server?.write(bytes);
			},
			async close(client) {
				const server = await client.data.toServer.catch(() => undefined);
				server?.end();
			},
		},
	});
	return {
		port: listener.port,
		setDelayMs(wantedMs) {
			delayMs = wantedMs;
		},
		stop: () => listener.stop(true),
	};
}

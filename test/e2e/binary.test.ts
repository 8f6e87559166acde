import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { until } from "../support/wait.ts";

const ROOT = join(import.meta.dir, "../..");
const COMPILE_DEADLINE_MS = 60_000;
const START_DEADLINE_MS = 15_000;

let folder = "";
let binary = "";

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "gateway-binary-"));
	binary = join(folder, "gateway-llm");
	const build = Bun.spawn([process.execPath, join(ROOT, "scripts/build.ts"), "--out", folder], {
		cwd: ROOT,
		stdout: "ignore",
		stderr: "pipe",
	});
	expect({ code: await build.exited, stderr: await build.stderr.text() }).toMatchObject({ code: 0 });
}, COMPILE_DEADLINE_MS);

afterAll(async () => {
	await rm(folder, { recursive: true, force: true });
});

/** A folder that holds what a stranger might leave there for a Bun program to trip over. */
async function trappedFolder(): Promise<string> {
	const trapped = join(folder, crypto.randomUUID());
	await mkdir(trapped);
	await Bun.write(join(trapped, ".env"), "GATEWAY_LLM_MASTER_KEY=changeme\nOPENAI_API_KEY=sk-from-a-stranger\n");
	await Bun.write(join(trapped, "bunfig.toml"), 'preload = ["./trap.js"]\n');
	await Bun.write(join(trapped, "trap.js"), "process.exit(99);\n");
	return trapped;
}

describe("the compiled binary, in a folder with no project in it", () => {
	test("is one file, without a source map beside it", async () => {
		const files = await Array.fromAsync(new Bun.Glob("*").scan({ cwd: folder, onlyFiles: true }));
		expect(files).toEqual(["gateway-llm"]);
	});

	test("tells its version", async () => {
		const child = Bun.spawn([binary, "version"], { cwd: await trappedFolder(), env: {}, stdout: "pipe" });
		const [name, version, commit] = (await child.stdout.text()).trim().split(" ");
		expect([name, version]).toEqual(["gateway-llm", manifest.version]);
		// None where the sources are no clone.
		expect(commit ?? "(0000000)").toMatch(/^\([0-9a-f]{7,}(-dirty)?\)$/);
		expect(await child.exited).toBe(0);
	});

	test("starts, ignores .env and bunfig.toml, answers the request its banner prints, serves /docs, stops with 0", async () => {
		const cwd = await trappedFolder();
		const child = Bun.spawn([binary, "serve", "--port", "0"], {
			cwd,
			env: {},
			stdout: Bun.file(join(cwd, "stdout")),
			stderr: Bun.file(join(cwd, "stderr")),
		});
		try {
			const banner = await until(
				"the banner",
				async () => {
					if (child.exitCode !== null) {
						throw new Error(`ended with ${child.exitCode}: ${await Bun.file(join(cwd, "stderr")).text()}`);
					}
					return /curl (\S+) -H '(Authorization): ([^']+)' -H '[^']+' -d '([^']+)'/.exec(
						await Bun.file(join(cwd, "stdout")).text(),
					);
				},
				START_DEADLINE_MS,
			);
			const [, url = "", , authorization = "", body = ""] = banner;
			const answer = await fetch(url, {
				method: "POST",
				headers: { authorization, "content-type": "application/json" },
				body,
			});
			expect({ status: answer.status, body: await answer.json() }).toMatchObject({
				status: 200,
				body: { choices: [{ message: { content: "Hello!" } }] },
			});

			const models = await fetch(new URL("/v1/models", url), { headers: { authorization } });
			expect(await models.json()).toMatchObject({ data: [{ id: "mock" }] });
			for (const path of ["/docs", "/docs/swagger-ui.js", "/openapi.json"]) {
				expect({ path, status: (await fetch(new URL(path, url))).status }).toEqual({ path, status: 200 });
			}

			child.kill("SIGTERM");
			expect(await child.exited).toBe(0);
		} finally {
			child.kill("SIGKILL");
			await child.exited;
		}
	});
});

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCli } from "../../../src/cli/run-cli.ts";
import { createFakeIo } from "./fake-io.ts";

let folder = "";

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "gateway-check-"));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function check(text: string, env: Record<string, string> = {}) {
	const path = join(folder, `${crypto.randomUUID()}.yaml`);
	await Bun.write(path, text);
	const world = createFakeIo({ env });
	const code = await runCli(["check", "--config", path], world.io);
	return { code, path, stdout: world.stdout(), stderr: world.stderr() };
}

const CANARY = "sk-canary-0123456789";

describe("check", () => {
	test("prints what a good configuration resolves to, and no key", async () => {
		const { code, stdout, stderr } = await check(
			`model_list:
  - model_alias: fast
    deployments:
      - { provider: openai, model: gpt-4o-mini, api_key_env: OPENAI_API_KEY }
      - { provider: mock, model: echo }
`,
			{ OPENAI_API_KEY: CANARY },
		);
		expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
		expect(stdout).toMatch(/1 alias, 2 deployments/);
		expect(stdout).toMatch(/dep_\w{26} .*openai\/gpt-4o-mini .*\$0\.15 in \/ \$0\.60 out/);
		expect(stdout).toContain("mock/echo");
		expect(stdout).not.toContain(CANARY);
	});

	test("warns of a model name that its provider is known not to understand", async () => {
		const { code, stdout } = await check(`model_list:
  - model_alias: fast
    deployments:
      - { provider: mock, model: ecko }
      - { provider: mock, model: echo+delay-5 }
`);
		expect(code).toBe(0);
		expect(stdout).toMatch(
			/\nWarnings:\n {2}deployment dep_\w{26} \(fast: mock\/ecko\): "ecko" is not one of echo, .*\n\n?/,
		);
		expect(stdout.match(/is not one of/g)).toHaveLength(1);
	});

	test("exits 78 for a bad one, naming file, line, column, key and the nearest name", async () => {
		const { code, path, stdout, stderr } = await check(`model_list:
  - model_alias: fast
    deployments:
      - provider: opnai
        model: gpt-4o
        api_key_env: NOT_SET
`);
		expect({ code, stdout }).toEqual({ code: 78, stdout: "" });
		expect(stderr).toContain(`${path}:4:19 model_list[0].deployments[0].provider`);
		expect(stderr).toContain('did you mean "openai"?');
	});

	test("names the environment variables that are missing", async () => {
		const { code, stderr } = await check(`model_list:
  - model_alias: fast
    deployments: [{ provider: openai, model: gpt-4o, api_key_env: OPENAI_API_KEY }]
`);
		expect(code).toBe(78);
		expect(stderr).toContain("Environment variables to set: OPENAI_API_KEY");
	});

	test("exits 78 for a file that is not there", async () => {
		const world = createFakeIo();
		expect(await runCli(["check", "--config", join(folder, "none.yaml")], world.io)).toBe(78);
		expect(world.stderr()).toContain("does not exist");
	});

	test("a weak master key is no configuration", async () => {
		const { code, stderr } = await check(
			"auth: { master_key: changeme }\nmodel_list: [{ model_alias: m, deployments: [{ provider: mock, model: echo }] }]\n",
		);
		expect(code).toBe(78);
		expect(stderr).toContain("auth.master_key");
		expect(stderr).not.toContain("changeme");
	});
});

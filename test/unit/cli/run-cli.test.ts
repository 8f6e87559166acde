import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { version } from "../../../package.json" with { type: "json" };
import { runCli } from "../../../src/cli/run-cli.ts";
import { openApiText } from "../../../src/http/openapi.ts";
import { createFakeIo } from "./fake-io.ts";

async function run(...argv: string[]) {
	const world = createFakeIo();
	const code = await runCli(argv, world.io);
	return { code, stdout: world.stdout(), stderr: world.stderr() };
}

describe("the command line", () => {
	test.each([["--help"], ["-h"], ["help"]])("%s lists every command", async (argument) => {
		const { code, stdout, stderr } = await run(argument);
		expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
		for (const command of ["serve", "check", "keys", "score", "openapi", "version"]) {
			expect(stdout).toMatch(new RegExp(`^  ${command} `, "m"));
		}
	});

	test.each(["serve", "check", "keys", "score", "openapi", "version"])(
		"%s explains itself in every way",
		async (name) => {
			const help = await run(name, "--help");
			expect({ code: help.code, stderr: help.stderr }).toEqual({ code: 0, stderr: "" });
			expect(help.stdout).toContain(`gateway-llm ${name === "serve" ? "[serve]" : name}`);
			expect(help.stdout.split("\n").every((line) => line.length <= 115)).toBe(true);
			expect((await run(name, "-h")).stdout).toBe(help.stdout);
			expect((await run("help", name)).stdout).toBe(help.stdout);
		},
	);

	test("help of an action is its command's", async () => {
		expect((await run("keys", "create", "--help")).stdout).toBe((await run("keys", "--help")).stdout);
	});

	test.each([["version"], ["--version"], ["-v"]])("%s prints the version", async (argument) => {
		expect(await run(argument)).toEqual({ code: 0, stdout: `gateway-llm ${version}\n`, stderr: "" });
	});

	test("a build tells the commit that it was made from", async () => {
		const main = join(import.meta.dir, "../../../src/main.ts");
		await using child = Bun.spawn({
			cmd: [process.execPath, "--define", 'BUILD_COMMIT="abc1234"', main, "version"],
			stdout: "pipe",
			stderr: "pipe",
		});
		expect([await child.stdout.text(), await child.stderr.text()]).toEqual([`gateway-llm ${version} (abc1234)\n`, ""]);
	});

	test("openapi prints the document that is served", async () => {
		expect(await run("openapi")).toEqual({ code: 0, stdout: openApiText(), stderr: "" });
	});

	test.each([
		[["servе"], /unknown command/],
		[["chekc"], /Did you mean check\?/],
		[["__proto__"], /unknown command/],
		[["version", "--verbose"], /Unknown option: --verbose/],
		[["version", "extra"], /Unexpected argument: extra/],
		[["check", "--confg", "x"], /Did you mean --config\?/],
		[["check", "--config"], /--config needs a value/],
		[["check", "--config", "a", "--config", "b"], /given twice/],
		[["score", "--jsonl=yes"], /--jsonl takes no value/],
		[["serve", "--port", "http"], /--port must be a number from 0 to 65535/],
		[["serve", "--port", "65536"], /--port must be a number from 0 to 65535/],
		[["--prot", "1"], /Did you mean --port\?/],
		[["serve", "now"], /Unexpected argument: now/],
		[["keys"], /create, list, show, update or revoke/],
		[["keys", "crate"], /Did you mean create\?/],
		[["keys", "show"], /ID is missing/],
		[["keys", "show", "a", "b"], /Unexpected argument: b/],
		[["keys", "update", "vk_1"], /at least one field/],
		[["keys", "update", "vk_1", "--enable", "--disable"], /contradict/],
		[["keys", "update", "vk_1", "--clear", "rmp"], /Did you mean rpm\?/],
		[["keys", "create", "--rpm", "fast"], /--rpm must be a whole number/],
		[["keys", "create", "--metadata", "[1]"], /--metadata must be a JSON object/],
		[["keys", "list", "--url", "localhost:8080"], /--url must be an address/],
		[["keys", "list", "--url", "ftp://x"], /--url must be an address/],
	])("%j is refused with a reason, exit 1", async (argv, reason) => {
		const world = createFakeIo({ env: { GATEWAY_LLM_MASTER_KEY: "0123456789abcdefXYZ" } });
		expect(await runCli(argv, world.io)).toBe(1);
		expect(world.stdout()).toBe("");
		expect(world.stderr()).toMatch(reason);
		expect(world.stderr()).toContain("--help");
	});

	test("a reader that has had enough ends the command without a word", async () => {
		const world = createFakeIo();
		const closed = async () => {
			throw Object.assign(new Error("broken pipe"), { code: "EPIPE" });
		};
		expect(await runCli(["openapi"], { ...world.io, stdout: closed })).toBe(1);
		expect(world.stderr()).toBe("");
	});
});

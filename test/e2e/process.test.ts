import { describe, expect, test } from "bun:test";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chatBody } from "../support/gateway-client.ts";
import { configText, MASTER_KEY, PROVIDER_KEY } from "../support/gateway-config.ts";
import { chatChunk, chatFor, chatReply, ROLE_CHUNK, STOP_CHUNK } from "../support/openai-answers.ts";
import { runCommand, startGatewayProcess } from "../support/process.ts";
import { openRaw, requestBytes } from "../support/raw.ts";
import { fault, gatedSse } from "../support/replies.ts";
import { startUpstream } from "../support/upstream.ts";
import { gate, until, within } from "../support/wait.ts";

const CHAT = "/v1/chat/completions";

function streamRequest(key: string, alias = "chat"): Buffer {
	return requestBytes({
		method: "POST",
		target: CHAT,
		headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
		body: JSON.stringify(chatBody(alias, { stream: true })),
	});
}

/** A stream of one token that waits for a door before it ends. */
function heldStream(opened: Promise<void>) {
	return gatedSse([{ data: ROLE_CHUNK }, { data: chatChunk({ content: "one" }) }, { data: STOP_CHUNK, after: opened }]);
}

describe("start", () => {
	test("without a configuration: the printed curl works when pasted into a shell", async () => {
		await using gateway = await startGatewayProcess({});
		await until("the banner", () => gateway.stdout().includes("curl "));
		const line =
			gateway
				.stdout()
				.split("\n")
				.find((text) => text.trimStart().startsWith("curl ")) ?? "";
		const shell = Bun.spawn(["sh", "-c", line], { stdout: "pipe", stderr: "ignore" });
		const body = JSON.parse(await within("curl", new Response(shell.stdout).text()));
		expect(body).toMatchObject({
			object: "chat.completion",
			choices: [{ message: { role: "assistant", content: expect.any(String) } }],
		});
	}, 30_000);

	test("a second start keeps the master key, mints nothing and prints no secret", async () => {
		const first = await startGatewayProcess({});
		const key = /gw_virt_\w+/.exec((await until("the banner", () => gatewayBanner(first.stdout()))) ?? "")?.[0] ?? "";
		first.signal("SIGTERM");
		expect(await within("a clean stop", first.exited, 15_000)).toBe(0);
		await using second = await startGatewayProcess({ dataDirectory: first.dataDirectory });
		expect(second.stdout()).not.toContain("gw_virt_");
		expect((await second.post(CHAT, key, chatBody("mock"))).status).toBe(200);
		await first[Symbol.asyncDispose]();
	}, 40_000);

	test("SIGTERM in mid-start is a clean stop like any other", async () => {
		const directory = await mkdtemp(join(tmpdir(), "gateway-early-stop-"));
		const main = join(import.meta.dir, "../../src/main.ts");
		const child = Bun.spawn([process.execPath, main, "serve", "--port", "0", "--data", join(directory, "data")], {
			cwd: directory,
			env: { PATH: process.env.PATH ?? "" },
			stdout: "ignore",
			stderr: "ignore",
		});
		try {
			// The master key is the first thing that a start leaves behind, long before anything listens.
			await until("the start to have begun", () => Bun.file(join(directory, "data/master-key")).exists());
			child.kill("SIGTERM");
			await within("a clean stop", child.exited, 15_000);
			expect([child.signalCode, child.exitCode]).toEqual([null, 0]);
		} finally {
			child.kill("SIGKILL");
			await rm(directory, { recursive: true, force: true });
		}
	}, 40_000);

	test("what it keeps is for its owner alone", async () => {
		await using gateway = await startGatewayProcess({});
		const names = await readdir(gateway.dataDirectory);
		expect(names.length).toBeGreaterThan(0);
		for (const name of names) {
			const { mode } = await stat(join(gateway.dataDirectory, name));
			expect({ name, mode: (mode & 0o777).toString(8) }).toEqual({ name, mode: "600" });
		}
		const { mode } = await stat(gateway.dataDirectory);
		expect(mode & 0o077).toBe(0);
	}, 30_000);

	const weak = ["sk-1234", "changeme", "short", "admin", "password12345"];
	test.each(weak)(
		"the master key %s is refused: 78",
		async (masterKey) => {
			const { code, stderr } = await serveWith(
				configText({ aliases: { chat: { upstream: "http://127.0.0.1:1" } }, masterKey }),
			);
			expect(stderr).toMatch(/master_key/);
			expect(stderr).not.toContain(`"${masterKey}"`);
			expect(code).toBe(78);
		},
		20_000,
	);

	test("a bad configuration is 78 and names file, line, column, key and the nearest known one", async () => {
		const text =
			"server:\n  prot: 8080\nauth:\n  master_key: a-master-key-that-is-long\nmodel_list:\n  - model_alias: a\n    deployments:\n      - {provider: mock, model: echo}\n";
		const { code, stderr } = await serveWith(text);
		expect(stderr).toMatch(/config\.yaml:2:3\b/);
		expect(stderr).toContain("prot");
		expect(stderr).toContain("port");
		expect(stderr).not.toMatch(/\n\s+at /);
		expect(code).toBe(78);
	}, 20_000);

	test("a file that is not there is 78, a port in use is 1", async () => {
		const missing = await runCommand([
			"serve",
			"--config",
			"/nonexistent/config.yaml",
			"--port",
			"0",
			"--data",
			"/tmp",
		]);
		expect(missing.stderr).toContain("/nonexistent/config.yaml");
		expect(missing.code).toBe(78);
		await using upstream = await startUpstream(() => chatReply());
		const { port } = new URL(upstream.url);
		const taken = await serveWith(configText({ aliases: { chat: { upstream } } }), ["--port", port]);
		expect(taken.stderr).toContain(port);
		expect(taken.code).toBe(1);
	}, 30_000);
});

function gatewayBanner(text: string): string | undefined {
	return text.includes("gw_virt_") ? text : undefined;
}

async function serveWith(config: string, more: readonly string[] = ["--port", "0"]) {
	const directory = await within(
		"mkdtemp",
		(async () => (await import("node:fs/promises")).mkdtemp("/tmp/gateway-bad-"))(),
	);
	try {
		const file = join(directory, "config.yaml");
		await writeFile(file, config);
		return await runCommand([
			"serve",
			"--config",
			file,
			"--host",
			"127.0.0.1",
			"--data",
			join(directory, "data"),
			...more,
		]);
	} finally {
		await rm(directory, { recursive: true, force: true });
	}
}

describe("reload", () => {
	test("by SIGHUP and by the file's change; a bad file keeps the old one and says so", async () => {
		await using upstream = await startUpstream((request) => chatFor(request));
		const aliases = (...names: string[]) => ({
			aliases: Object.fromEntries(names.map((name) => [name, { upstream }])),
		});
		await using gateway = await startGatewayProcess({ config: aliases("one") });
		const { key } = await gateway.mint();
		const serves = async (alias: string) => (await gateway.post(CHAT, key, chatBody(alias))).status === 200;
		expect([await serves("one"), await serves("two")]).toEqual([true, false]);

		await writeFile(gateway.configPath ?? "", configText(aliases("one", "two")));
		gateway.signal("SIGHUP");
		await until("the second alias, by SIGHUP", () => serves("two"));

		await writeFile(gateway.configPath ?? "", configText(aliases("one", "two", "three")));
		await until("the third alias, by the file's change", () => serves("three"));

		await writeFile(gateway.configPath ?? "", "model_list: [{model_alias: broken, deploymnts: []}]");
		gateway.signal("SIGHUP");
		await until("the complaint", () => gateway.stderr().includes("deploymnts"));
		expect([await serves("one"), await serves("three")]).toEqual([true, true]);
	}, 40_000);

	test("requests in flight finish on the configuration they began with", async () => {
		const door = gate();
		await using upstream = await startUpstream(() => heldStream(door.opened));
		await using gateway = await startGatewayProcess({ config: { aliases: { chat: { upstream } } } });
		const { key } = await gateway.mint();
		await using client = await openRaw(gateway.url);
		await client.write(streamRequest(key));
		await client.bodyUntil("a token", (text) => text.includes("one"));
		await writeFile(gateway.configPath ?? "", configText({ aliases: { another: { upstream } } }));
		gateway.signal("SIGHUP");
		await until("the alias to be gone", async () => (await gateway.get("/v1/models/chat", key)).status === 404);
		door.open();
		await client.bodyUntil("the end", (text) => text.includes("[DONE]"));
	}, 30_000);
});

describe("stop", () => {
	test("SIGTERM lets a running stream finish, refuses new work, settles, exits 0", async () => {
		const door = gate();
		await using upstream = await startUpstream(() => heldStream(door.opened));
		await using gateway = await startGatewayProcess({ config: { aliases: { chat: { upstream } } } });
		const { key } = await gateway.mint();
		await using client = await openRaw(gateway.url);
		await client.write(streamRequest(key));
		await client.bodyUntil("a token", (text) => text.includes("one"));
		gateway.signal("SIGTERM");
		const ready = () => fetch(`${gateway.url}/health/ready`).then((response) => response.status);
		await until("a load balancer to be told", async () => (await ready()) === 503);
		const refused = await gateway.post("/v1/chat/completions", key, chatBody("chat"));
		expect([refused.status, refused.error()?.kind]).toEqual([503, "draining"]);
		door.open();
		await client.bodyUntil("the end", (text) => text.includes("[DONE]"));
		expect(await within("the exit", gateway.exited)).toBe(0);
		expect(upstream.requests[0]?.aborted()).toBe(false);
		await using again = await startGatewayProcess({
			config: { aliases: { chat: { upstream } } },
			dataDirectory: gateway.dataDirectory,
		});
		const { total } = (await again.admin("GET", "/spend")).json<{ total: Record<string, unknown> }>();
		expect(total).toMatchObject({ requests: 1, errors: 0 });
	}, 40_000);

	test("what outlives the drain time is cut in words and settled", async () => {
		await using upstream = await startUpstream(() => heldStream(new Promise(() => {})));
		const config = { aliases: { chat: { upstream } }, server: { graceful_shutdown_timeout: "300ms" } };
		await using gateway = await startGatewayProcess({ config });
		const { key } = await gateway.mint();
		await using client = await openRaw(gateway.url);
		await client.write(streamRequest(key));
		await client.bodyUntil("a token", (text) => text.includes("one"));
		gateway.signal("SIGTERM");
		expect(await within("the exit", gateway.exited)).toBe(0);
		await until("the connection to close", () => client.state().closed);
		expect(client.response()?.text()).toContain('"error"');
		expect(client.response()?.text()).not.toContain("[DONE]");
	}, 30_000);

	test("a second SIGTERM ends it at once", async () => {
		await using upstream = await startUpstream(() => fault.silent());
		await using gateway = await startGatewayProcess({ config: { aliases: { chat: { upstream } } } });
		const { key } = await gateway.mint();
		await using client = await openRaw(gateway.url);
		await client.write(streamRequest(key));
		await upstream.waitForRequests(1);
		gateway.signal("SIGTERM");
		await until("the draining", () => gateway.stderr().includes("draining"));
		gateway.signal("SIGTERM");
		await within("the exit", gateway.exited, 2_500);
	}, 30_000);
});

describe("secrets", () => {
	test("are in no log, no answer and no file", async () => {
		await using upstream = await startUpstream((request, index) =>
			index % 3 === 0 ? fault.reset() : chatFor(request),
		);
		await using gateway = await startGatewayProcess({
			config: { aliases: { chat: { upstream } } },
			environment: { GATEWAY_LLM_LOG_LEVEL: "debug" },
		});
		const { key } = await gateway.mint({ name: "canary" });
		const answers: string[] = [];
		for (const more of [{}, { stream: true }, { max_tokens: -1 }, {}, { model: "nope" }]) {
			const answer = await gateway.post(CHAT, key, chatBody("chat", { ...more, user: "prompt-canary" }));
			answers.push(answer.text, JSON.stringify([...answer.headers]));
		}
		for (const path of ["/keys", "/deployments", "/spend"]) {
			answers.push((await gateway.admin("GET", path)).text);
		}
		gateway.signal("SIGTERM");
		await within("the exit", gateway.exited);
		const files = await Promise.all(
			(await readdir(gateway.dataDirectory)).map((name) => readFile(join(gateway.dataDirectory, name), "latin1")),
		);
		const places = { answers: answers.join("\n"), logs: gateway.stdout() + gateway.stderr(), files: files.join("\n") };
		for (const [place, text] of Object.entries(places)) {
			for (const secret of [PROVIDER_KEY, MASTER_KEY, key]) {
				for (const form of [secret, Buffer.from(secret).toString("base64").slice(0, 30), encodeURIComponent(secret)]) {
					expect({ place, found: text.includes(form) }).toEqual({ place, found: false });
				}
			}
		}
		expect(places.logs + places.files).not.toContain("Say hello");
	}, 30_000);
});

import { describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Elysia } from "elysia";
import { docsController } from "../../../src/http/docs.ts";
import { openApiText } from "../../../src/http/openapi.ts";

// As the gateway mounts it.
const app = new Elysia({ strictPath: true }).use(docsController());

async function get(path: string) {
	const answer = await app.handle(new Request(`http://localhost${path}`));
	return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

describe("the documentation page", () => {
	test("serves the document as it is", async () => {
		const { status, headers, text } = await get("/openapi.json");
		expect(status).toBe(200);
		expect(headers.get("content-type")).toBe("application/json");
		expect(text).toBe(openApiText());
	});

	test("loads only what the gateway itself serves, from relative addresses", async () => {
		const { status, headers, text } = await get("/docs");
		expect(status).toBe(200);
		expect(headers.get("content-type")).toBe("text/html; charset=utf-8");
		const addresses = [...text.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => address ?? "");
		expect(addresses).toHaveLength(4);
		for (const address of addresses) {
			expect(address).toMatch(/^docs\//);
			const asset = await get(`/${address}`);
			expect({ address, status: asset.status }).toEqual({ address, status: 200 });
			expect(asset.headers.get("x-content-type-options")).toBe("nosniff");
			expect(asset.text.length).toBeGreaterThan(100);
		}
	});

	test("is found with a slash at the end, also below the path prefix of a proxy", async () => {
		const { status, headers } = await get("/docs/");
		expect(status).toBe(308);
		const location = headers.get("location") ?? "";
		expect(new URL(location, "http://localhost/docs/").href).toBe("http://localhost/docs");
		expect(new URL(location, "https://proxy.example/llm/docs/").href).toBe("https://proxy.example/llm/docs");
	});

	test("has a policy under which nothing leaves the gateway and no inline script runs", async () => {
		const { headers, text } = await get("/docs");
		const policy = headers.get("content-security-policy") ?? "";
		expect(policy).toStartWith("default-src 'none';");
		expect(policy).not.toMatch(/unsafe|https?:|\*/);
		expect(text).not.toMatch(/<script(?![^>]*\bsrc=)/);
		expect(text).not.toMatch(/<style|style=|\bon\w+=/);
	});

	test("turns off the validator that would be told of the document", async () => {
		const { text } = await get("/docs/start.js");
		expect(text).toContain('validatorUrl: "none"');
		expect(text).not.toMatch(/https?:/);
	});

	test("works in a compiled binary, from an empty folder", async () => {
		const folder = await mkdtemp(join(tmpdir(), "gateway-docs-"));
		try {
			const entry = join(folder, "entry.ts");
			const docs = JSON.stringify(Bun.resolveSync("../../../src/http/docs.ts", import.meta.dir));
			await Bun.write(
				entry,
				`import { docsController } from ${docs};
const app = docsController();
for (const path of ["/docs", "/docs/swagger-ui.js", "/docs/swagger-ui.css", "/docs/icon.png", "/openapi.json"]) {
	const answer = await app.handle(new Request("http://localhost" + path));
	console.log(path, answer.status, (await answer.arrayBuffer()).byteLength);
}`,
			);
			const build = await Bun.build({ entrypoints: [entry], compile: { outfile: join(folder, "docs") } });
			expect(build.success).toBe(true);
			await rm(entry);
			const { stdout } = Bun.spawnSync([join(folder, "docs")], { cwd: folder, env: {} });
			const sizes = stdout
				.toString()
				.trim()
				.split("\n")
				.map((line) => line.split(" "));
			expect(sizes.map(([path, status]) => [path, status])).toEqual([
				["/docs", "200"],
				["/docs/swagger-ui.js", "200"],
				["/docs/swagger-ui.css", "200"],
				["/docs/icon.png", "200"],
				["/openapi.json", "200"],
			]);
			expect(sizes.every(([, , size]) => Number(size) > 300)).toBe(true);
		} finally {
			await rm(folder, { recursive: true, force: true });
		}
	});
});

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { readLines } from "../../../src/cli/read-lines.ts";
import { runCli } from "../../../src/cli/run-cli.ts";
import { createFakeIo } from "./fake-io.ts";

async function score(argv: readonly string[], stdin: string) {
	const world = createFakeIo({ stdin });
	const code = await runCli(["score", ...argv], world.io);
	return { code, stdout: world.stdout(), stderr: world.stderr() };
}

async function scoreLines(...lines: readonly unknown[]) {
	const stdin = lines.map((line) => `${typeof line === "string" ? line : JSON.stringify(line)}\n`).join("");
	const { code, stdout } = await score(["--jsonl"], stdin);
	return {
		code,
		results: stdout
			.trimEnd()
			.split("\n")
			.map((line) => JSON.parse(line)),
	};
}

const EASY = "What is the capital of France?";
const HARD =
	"Prove that every finite integral domain is a field, then derive step by step why $\\mathbb{Z}/p\\mathbb{Z}$ is one, " +
	"and implement the extended Euclidean algorithm in Rust with tests for p = 2, 3, 5, 7 and 1000003.";

describe("score --jsonl", () => {
	test("gives one result a line, in order, with the id it came with", async () => {
		const { code, results } = await scoreLines(
			{ id: "a", prompt: EASY },
			{ id: 7, messages: [{ role: "user", content: HARD }] },
			{ messages: [{ role: "user", content: [{ type: "text", text: EASY }] }] },
		);
		expect(code).toBe(0);
		expect(results.map(Object.keys)).toEqual([
			["id", "score", "bucket"],
			["id", "score", "bucket"],
			["score", "bucket"],
		]);
		expect(results.map(({ id }) => id)).toEqual(["a", 7, undefined]);
		expect(results[0].score).toBe(results[2].score);
		expect(results[1].score).toBeGreaterThan(results[0].score);
		for (const { score: value, bucket } of results) {
			expect(bucket).toBe(value < 0.33 ? "simple" : value < 0.66 ? "medium" : "complex");
		}
	});

	test("a prompt scores as the same text in one user message", async () => {
		const tools = [{ type: "function", function: { name: "f", parameters: {} } }];
		const { results } = await scoreLines(
			{ prompt: HARD, tools },
			{ messages: [{ role: "user", content: HARD }], tools, response_format: { type: "text" } },
		);
		expect(results[0]).toEqual(results[1]);
	});

	test("a line that is no request gives an error in its place, and exit 1 at the end", async () => {
		const { code, results } = await scoreLines(
			{ id: 1, prompt: EASY },
			"{not json",
			"[1]",
			"null",
			{ id: 2 },
			{ id: 3, messages: [] },
			{ id: 4, messages: "hello" },
			{ id: 5, messages: [{ content: "no role" }] },
			{ id: 6, prompt: 5 },
			{ id: null, prompt: "x", messages: [] },
			{ id: 8, prompt: EASY },
		);
		expect(code).toBe(1);
		const shapes = results.map((result) => [result.id, typeof result.error, typeof result.score]);
		expect(shapes).toEqual([
			[1, "undefined", "number"],
			[undefined, "string", "undefined"],
			[undefined, "string", "undefined"],
			[undefined, "string", "undefined"],
			[2, "string", "undefined"],
			[3, "string", "undefined"],
			[4, "string", "undefined"],
			[5, "string", "undefined"],
			[6, "string", "undefined"],
			[null, "string", "undefined"],
			[8, "undefined", "number"],
		]);
	});

	test("--explain tells the signals", async () => {
		const { stdout } = await score(["--jsonl", "--explain"], `${JSON.stringify({ prompt: HARD })}\n`);
		const [signal] = JSON.parse(stdout).signals;
		expect(signal).toEqual({ name: expect.any(String), contribution: expect.any(Number) });
	});

	test("needs no line end at the end, skips empty lines, and takes those of Windows", async () => {
		const { code, stdout } = await score(["--jsonl"], `{"prompt":"a"}\r\n\r\n\n{"prompt":"b"}`);
		expect(code).toBe(0);
		expect(stdout.trimEnd().split("\n")).toHaveLength(2);
		expect(await score(["--jsonl"], "")).toEqual({ code: 0, stdout: "", stderr: "" });
	});

	test("20,000 lines are written in few pieces", async () => {
		const lines = Array.from({ length: 20_000 }, (_, id) => `${JSON.stringify({ id, prompt: `${EASY} ${id}` })}\n`);
		const world = createFakeIo({ stdin: lines.join("") });
		expect(await runCli(["score", "--jsonl"], world.io)).toBe(0);
		const ids = world
			.stdout()
			.trimEnd()
			.split("\n")
			.map((line) => JSON.parse(line).id);
		expect(ids).toEqual(lines.map((_, id) => id));
		expect(world.writes()).toBeLessThan(100);
	});
});

describe("score", () => {
	test("takes all of standard input as one prompt", async () => {
		const { code, stdout } = await score([], `${EASY}\nAnswer in one word.\n`);
		expect(code).toBe(0);
		expect(stdout).toMatch(/^0\.\d\d simple\n$/);
	});

	test("--explain prints what moved the score, largest first", async () => {
		const { stdout } = await score(["--explain"], HARD);
		expect(stdout).toMatch(/^[01]\.\d\d (simple|medium|complex)\n\nSIGNAL +CONTRIBUTION\n/);
		expect(stdout).toMatch(/\+0\.\d{3}\n/);
	});

	test("of nothing is an error", async () => {
		expect(await score([], " \n")).toMatchObject({ code: 1, stdout: "" });
	});
});

describe("reading lines", () => {
	async function collect(chunks: readonly Uint8Array[], charactersMax = 1_000) {
		const lines: (string | undefined)[] = [];
		const stream = (async function* () {
			yield* chunks;
		})();
		for await (const line of readLines(stream, { charactersMax })) {
			lines.push(line);
		}
		return lines;
	}

	test("is the same however the bytes arrive", async () => {
		await fc.assert(
			fc.asyncProperty(
				fc.array(fc.string({ unit: fc.constantFrom("a", "é", "模", "🙂", " ", "{") }), { maxLength: 6 }),
				fc.array(fc.nat(40), { maxLength: 8 }),
				async (lines, cuts) => {
					const bytes = new TextEncoder().encode(lines.map((line) => `${line}\n`).join(""));
					const points = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length];
					const chunks = points.slice(1).map((point, index) => bytes.slice(points[index], point));
					expect(await collect(chunks)).toEqual(lines);
				},
			),
			{ numRuns: 200 },
		);
	});

	test("an endless line is reported, kept out of memory, and does not hurt its neighbours", async () => {
		const chunk = new TextEncoder().encode("x".repeat(10));
		const text = (value: string) => new TextEncoder().encode(value);
		const chunks = [text("a\n"), ...Array.from({ length: 5 }, () => chunk), text("\nb\n"), ...Array(5).fill(chunk)];
		expect(await collect(chunks, 25)).toEqual(["a", undefined, "b", undefined]);
	});
});

import { expect, test } from "bun:test";
import fc from "fast-check";
import type { LoadResult } from "../../../src/config/load.ts";
import { ENVIRONMENT, load, ownerExample } from "./config-fixtures.ts";

function expectAnswered(result: LoadResult): void {
	if (result.ok) {
		expect(result.settings.aliases.length).toBeGreaterThan(0);
		return;
	}
	expect(result.problems.length).toBeGreaterThan(0);
	for (const { line, column, message } of result.problems) {
		expect(line).toBeGreaterThanOrEqual(1);
		expect(column).toBeGreaterThanOrEqual(1);
		expect(message).not.toBe("");
	}
}

const SCRAPS = [
	"&a ",
	"*a",
	"<<: *a",
	"${",
	"${X}",
	"${OPENAI_API_KEY}",
	"[",
	"]",
	"{",
	"}",
	": ",
	"- ",
	"!!str ",
	"!x ",
	"|\n",
	"? ",
	"---\n",
	"\t",
	"\u0000",
	"null",
	"-1",
	".nan",
	"1e999",
	"__proto__: ",
	"constructor: ",
	"'",
	'"',
	"#",
	"\r",
	"\ufeff",
	"\ud800",
	"🦙",
];

test("any text either loads or is answered with places", () => {
	const text = fc.oneof(
		fc.string(),
		fc.string({ unit: "binary" }),
		fc.array(fc.constantFrom(...SCRAPS), { maxLength: 30 }).map((parts) => parts.join("")),
	);
	fc.assert(
		fc.property(text, (anything) => expectAnswered(load(anything))),
		{ numRuns: 200 },
	);
});

test("any change to the owner's example either loads or is answered with places", async () => {
	const example = await ownerExample();
	const change = fc.record({
		at: fc.nat({ max: example.length }),
		removed: fc.nat({ max: 12 }),
		inserted: fc.oneof(fc.constantFrom(...SCRAPS, "\n", " ", "  "), fc.string({ maxLength: 4 })),
	});
	fc.assert(
		fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
			const changed = changes.reduce(
				(text, { at, removed, inserted }) => text.slice(0, at) + inserted + text.slice(at + removed),
				example,
			);
			expectAnswered(load(changed));
		}),
		{ numRuns: 200 },
	);
});

test("any JSON in place of the file either loads or is answered with places", () => {
	const keys = fc.constantFrom(
		"server",
		"model_list",
		"model_alias",
		"deployments",
		"provider",
		"model",
		"price",
		"headers",
		"router",
		"url",
		"x",
		"__proto__",
	);
	const { tree } = fc.letrec((tie) => ({
		tree: fc.oneof(
			{ depthSize: "small" },
			fc.constantFrom("openai", "mock", "${X:-}", 1, -0, null, true),
			tie("list"),
			tie("object"),
		),
		list: fc.array(tie("tree"), { maxLength: 3 }),
		object: fc.dictionary(keys, tie("tree"), { maxKeys: 4 }),
	}));
	fc.assert(
		fc.property(tree, (value) => expectAnswered(load(JSON.stringify(value)))),
		{ numRuns: 200 },
	);
});

test.each([
	[
		"aliases of aliases",
		`a: &a [x,x,x,x,x,x,x,x,x]\n${"bcdefghij"
			.split("")
			.map((name, index) => `${name}: &${name} [${Array(9).fill(`*${"abcdefghi"[index]}`).join(",")}]`)
			.join("\n")}\n`,
	],
	["an alias that contains itself", "server: &s\n  port: *s\n"],
	["deep nesting", "[".repeat(2_000)],
	["deep block nesting", "- ".repeat(2_000)],
	["a list of twenty thousand numbers", `model_list: [${"1,".repeat(20_000)}]`],
	["ten thousand unknown keys", Array.from({ length: 10_000 }, (_, index) => `k${index}: 1`).join("\n")],
])("a text made to exhaust is answered: %s", (_name, text) => {
	const result = load(text, ENVIRONMENT);
	expect(result.ok).toBe(false);
	expectAnswered(result);
	expect(result.ok ? 0 : result.problems.length).toBeLessThanOrEqual(200);
});

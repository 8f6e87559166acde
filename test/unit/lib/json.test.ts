import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { GatewayError } from "../../../src/lib/errors.ts";
import { decodeUtf8, parseJsonBody, scanObject, spliceTopLevel } from "../../../src/lib/json.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

function refusalOf(body: Uint8Array | string): GatewayError {
	try {
		parseJsonBody(typeof body === "string" ? utf8(body) : body);
	} catch (error) {
		if (error instanceof GatewayError) {
			return error;
		}
		throw error;
	}
	throw new Error("The body was accepted.");
}

describe("a body that is refused", () => {
	test.each([
		["B1 empty", "", "json_invalid"],
		["B2 cut", '{"a":', "json_invalid"],
		["B2 cut in a string", '{"a":"b', "json_invalid"],
		["B2 cut in an escape", '{"a":"b\\', "json_invalid"],
		["B3 trailing comma", '{"a":1,}', "json_invalid"],
		["B4 NaN", '{"a":NaN}', "json_invalid"],
		["B4 Infinity", '{"a":Infinity}', "json_invalid"],
		["B5 comment", '{"a":1 /* x */}', "json_invalid"],
		["B18 null", "null", "json_not_object"],
		["B18 list", "[]", "json_not_object"],
		["B18 text", '"x"', "json_not_object"],
		["B18 number", "1", "json_not_object"],
		["no JSON at all", "model=gpt-4o", "json_invalid"],
		["two documents", '{"a":1}{"b":2}', "json_invalid"],
		["B17 depth 129", `{"a":${"[".repeat(128)}${"]".repeat(128)}}`, "json_too_deep"],
		["B17 depth 100,000", '{"a":'.repeat(100_000), "json_too_deep"],
		["B17 depth 5,000,000", "[".repeat(5_000_000), "json_too_deep"],
		["B23 key of 1 MB", `{"a":{"${"k".repeat(1_000_000)}":1}}`, "json_too_large"],
		["3,000,000 empty lists", `{"a":[${"[],".repeat(3_000_000)}[]]}`, "json_too_large"],
		["B11 raw NUL in text", '{"a":"\0"}', "json_invalid_utf8"],
		["B11 raw NUL outside text", '{"a":1}\0', "json_invalid_utf8"],
	])("%s", (_name, body, code) => {
		expect(refusalOf(body)).toMatchObject({ status: 400, type: "invalid_request_error", code });
	});

	test.each([
		["B7 UTF-16, little end first", Buffer.from('\ufeff{"a":1}', "utf16le")],
		["B7 UTF-16 without a mark", Buffer.from('{"a":1}', "utf16le")],
		["B8 a stray 0xff", Buffer.concat([utf8('{"a":"'), Buffer.from([0xff]), utf8('"}')])],
		["B9 an overlong slash", Buffer.concat([utf8('{"a":"'), Buffer.from([0xc0, 0xaf]), utf8('"}')])],
		["an encoded surrogate", Buffer.concat([utf8('{"a":"'), Buffer.from([0xed, 0xa0, 0x80]), utf8('"}')])],
	])("%s", (_name, bytes) => {
		expect(decodeUtf8(bytes)).toBeUndefined();
		expect(refusalOf(bytes)).toMatchObject({ status: 400, code: "json_invalid_utf8" });
	});

	test("B20 a million keys", () => {
		const keys = Array.from({ length: 1_000_000 }, (_, index) => `"k${index}":1`).join(",");
		expect(refusalOf(`{${keys}}`)).toMatchObject({ status: 400, code: "json_too_large" });
	});

	test.each([
		["B13", '{"model":"a","x":1,"model":"b"}', "model"],
		["B14", '{"max_tokens":1,"max_tokens":2}', "max_tokens"],
		["one of them spelled with an escape", '{"model":"a","mod\\u0065l":"b"}', "model"],
		["the same value twice", '{"stream":true, "stream" : true}', "stream"],
	])("a key twice at the top: %s", (_name, body, param) => {
		expect(refusalOf(body)).toMatchObject({ status: 400, code: "duplicate_key", param });
	});

	test("no message quotes the body", () => {
		const secret = "sk-very-secret";
		for (const body of [`{"${secret}":}`, `${secret}`, `{"a":"${secret}`, `{"${secret}":1,"${secret}":1}`]) {
			expect(refusalOf(body).message).not.toContain(secret);
		}
	});
});

describe("a body that is accepted", () => {
	test.each([
		["B6 a byte order mark, dropped", '\ufeff{"a":1}', { a: 1 }],
		["B10 a lone surrogate, escaped", '{"a":"\\ud800"}', { a: "\ud800" }],
		["B12 an escaped NUL", '{"a":"\\u0000"}', { a: "\0" }],
		["128 levels", `{"a":${"[".repeat(127)}${"]".repeat(127)}}`, undefined],
		["the same key twice further down", '{"a":{"b":1,"b":2}}', { a: { b: 2 } }],
		["keys that look like code", '{"constructor":{"prototype":{"x":1}}}', { constructor: { prototype: { x: 1 } } }],
		["white space of every kind", ' \t\r\n{ "a" :\n[ ] } \n', { a: [] }],
	])("%s", (_name, body, json) => {
		const parsed = parseJsonBody(utf8(body));
		expect(parsed.text).toBe(body.replace("\ufeff", ""));
		expect(parsed.json).toEqual(json ?? parsed.json);
	});

	test("B15 and B16 pollute nothing", () => {
		expect(refusalOf('{"__proto__":{"polluted":1}}')).toMatchObject({ status: 400, param: "__proto__" });
		parseJsonBody(utf8('{"a":{"__proto__":{"polluted":1}},"constructor":{"prototype":{"polluted":1}}}'));
		expect({}).not.toHaveProperty("polluted");
	});
});

describe("the scan", () => {
	const spelled = (text: string) =>
		Object.fromEntries([...scanObject(text).spans].map(([key, { start, end }]) => [key, text.slice(start, end)]));

	test.each([
		['{"a":1,"b":"x"}', { a: "1", b: '"x"' }],
		['{ "a" : [1, {"b": 2}] , "c":{"d":"}"} }', { a: '[1, {"b": 2}]', c: '{"d":"}"}' }],
		['{"a":"\\\\","b":"\\"","c":"\\\\\\"x"}', { a: '"\\\\"', b: '"\\""', c: '"\\\\\\"x"' }],
		['{"":null," ":true}', { "": "null", " ": "true" }],
		["{}", {}],
		['{"\\u00e9":1,"\\"q\\"":2}', { é: "1", '"q"': "2" }],
	])("finds the values of %s", (text, spans) => {
		expect(spelled(text)).toEqual(spans);
	});

	test("a string full of backslashes costs linear time", () => {
		const text = `{"a":"${'\\\\\\"'.repeat(500_000)}","b":1}`;
		expect(scanObject(text).spans.get("b")).toEqual({ start: text.length - 2, end: text.length - 1 });
	});
});

describe("the splice", () => {
	// Keys that a plain splice could get wrong: escapes, quotes, one a prefix of the other, a name every object has.
	const key = fc.oneof(
		fc.constantFrom("model", "mode", "stream", "a\\b", 'q"uote', "\u2028", "é", "constructor", "toString", ""),
		fc.string(),
	);
	const body = fc.dictionary(
		key.filter((name) => name !== "__proto__"),
		fc.jsonValue({ maxDepth: 3 }),
		{ maxKeys: 8, noNullPrototype: true },
	);
	const edits = fc.dictionary(
		key.filter((name) => name !== "__proto__"),
		fc.jsonValue({ maxDepth: 1 }),
		{ maxKeys: 4, noNullPrototype: true },
	);

	/** The same document in another spelling: escaped letters in keys and texts, white space around every mark. */
	function respelled(value: unknown, spell: (text: string) => string, space: string): string {
		const write = (item: unknown): string => {
			if (typeof item === "string") {
				return spell(item);
			}
			if (Array.isArray(item)) {
				return `[${space}${item.map(write).join(`${space},`)}]`;
			}
			if (typeof item === "object" && item !== null) {
				const fields = Object.entries(item).map(([name, inner]) => `${spell(name)}${space}:${space}${write(inner)}`);
				return `{${fields.join(`${space},${space}`)}${space}}`;
			}
			return JSON.stringify(item);
		};
		return write(value);
	}
	const escaped = (text: string): string =>
		`"${Array.from({ length: text.length }, (_, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, "0")}`).join("")}"`;
	const spelling = fc.constantFrom((text: string) => JSON.stringify(text), escaped);

	test("equals parsing, setting and writing, whatever the spelling", () => {
		fc.assert(
			fc.property(body, edits, spelling, fc.constantFrom("", " ", "\n\t"), (json, changes, spell, space) => {
				const text = respelled(json, spell, space);
				const written = Object.fromEntries(
					Object.entries(changes).map(([name, value]) => [name, JSON.stringify(value)]),
				);
				const spliced = spliceTopLevel(text, scanObject(text), written);
				expect(JSON.parse(spliced)).toEqual(JSON.parse(JSON.stringify({ ...json, ...changes })));
			}),
			{ numRuns: 500 },
		);
	});

	test("touches nothing but the values named", () => {
		const text = '{ "seed": 12345678901234567890, "mod\\u0065l" : "a" ,"x": 1.0e2, "model_hint":"a" }\n';
		const spliced = spliceTopLevel(text, scanObject(text), {
			model: '"b"',
			stream_options: '{"include_usage":true}',
			user: undefined,
		});
		expect(spliced).toBe(
			'{ "seed": 12345678901234567890, "mod\\u0065l" : "b" ,"x": 1.0e2, "model_hint":"a" ,"stream_options":{"include_usage":true}}\n',
		);
	});

	test("adds to an empty object, and changes nothing when told nothing", () => {
		expect(spliceTopLevel("{ }", scanObject("{ }"), { a: "1", b: "2" })).toBe('{ "a":1,"b":2}');
		expect(spliceTopLevel('{"a":1}', scanObject('{"a":1}'), { a: undefined })).toBe('{"a":1}');
	});
});

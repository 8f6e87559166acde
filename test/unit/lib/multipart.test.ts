import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { fieldText, parseMultipart, spliceField } from "../../../src/lib/multipart.ts";

const TYPE = "multipart/form-data; boundary=b0und";

function bytes(text: string): Uint8Array<ArrayBuffer> {
	return new Uint8Array(Buffer.from(text, "latin1"));
}

/** A form as clients write it. */
function form(...parts: readonly (readonly [disposition: string, value: string, type?: string])[]): string {
	const written = parts.map(
		([disposition, value, type]) =>
			`--b0und\r\nContent-Disposition: form-data; ${disposition}\r\n${type === undefined ? "" : `Content-Type: ${type}\r\n`}\r\n${value}\r\n`,
	);
	return `${written.join("")}--b0und--\r\n`;
}

const AUDIO = form(['name="model"', "whisper-1"], ['name="file"; filename="a.wav"', "RIFF\r\n--b0un\0", "audio/wav"]);

describe("a form", () => {
	test("is read as offsets into its own bytes", () => {
		const read = parseMultipart(bytes(AUDIO), TYPE);
		expect(read.parts.map(({ name, filename, contentType }) => ({ name, filename, contentType }))).toEqual([
			{ name: "model", filename: undefined, contentType: undefined },
			{ name: "file", filename: "a.wav", contentType: "audio/wav" },
		]);
		const [, file] = read.parts;
		expect(Buffer.from(read.bytes.subarray(file?.start, file?.end)).toString("latin1")).toBe("RIFF\r\n--b0un\0");
		expect(fieldText(read, "model")).toBe("whisper-1");
		expect(fieldText(read, "prompt")).toBeUndefined();
	});

	test("made by the platform's own FormData is read", async () => {
		const data = new FormData();
		data.set("model", "gpt-4o-transcribe");
		data.set("prompt", "Ünïcödé ☃\r\nline");
		data.set("file", new File([new Uint8Array([0, 1, 2, 13, 10, 45, 45])], 'we"ird\n.mp3', { type: "audio/mpeg" }));
		const request = new Request("http://localhost/", { method: "POST", body: data });
		const header = request.headers.get("content-type") ?? "";
		const read = parseMultipart(new Uint8Array(await request.arrayBuffer()), header);
		expect(fieldText(read, "prompt")).toBe("Ünïcödé ☃\r\nline");
		const file = read.parts.find((part) => part.name === "file");
		expect([...read.bytes.subarray(file?.start, file?.end)]).toEqual([0, 1, 2, 13, 10, 45, 45]);
	});

	test.each([
		["a quoted boundary", 'multipart/form-data; charset=utf-8; boundary="b0und"', AUDIO],
		[
			"upper case names",
			"Multipart/Form-Data; BOUNDARY=b0und",
			AUDIO.replaceAll("Content-Disposition", "CONTENT-DISPOSITION"),
		],
		["a line end before the first boundary", TYPE, `\r\n${AUDIO}`],
		["no line end after the last", TYPE, AUDIO.slice(0, -2)],
		["padding after a boundary", TYPE, AUDIO.replace("--b0und\r\n", "--b0und \t\r\n")],
		["no parts at all", TYPE, "--b0und--\r\n"],
		["an empty value", TYPE, form(['name="a"', ""])],
		["a quote in a name", TYPE, form(['name="a\\"b"', "1"])],
		["64 parts", TYPE, form(...Array.from({ length: 64 }, (_, at) => [`name="p${at}"`, "1"] as const))],
		["a filename that climbs", TYPE, form(['name="file"; filename="../../etc/passwd"', "x"])],
		["a filename in two spellings", TYPE, form([`name="file"; filename="a.wav"; filename*=UTF-8''%c3%a9.wav`, "x"])],
	])("with %s is accepted", (_name, type, text) => {
		expect(parseMultipart(bytes(text), type).parts.length).toBeLessThanOrEqual(64);
	});

	test.each([
		["B117 no boundary", "multipart/form-data", AUDIO],
		["B117 wrong boundary", "multipart/form-data; boundary=other", AUDIO],
		["B117 cut in a value", TYPE, AUDIO.slice(0, -20)],
		["B117 cut in a header", TYPE, AUDIO.slice(0, 30)],
		["B117 cut after a boundary", TYPE, "--b0und"],
		["B117 10,000 parts", TYPE, form(...Array.from({ length: 10_000 }, () => ['name="a"', "1"] as const))],
		["B117 a part header of 64 KB", TYPE, form([`name="${"a".repeat(65_536)}"`, "1"])],
		["no form at all", "application/json; boundary=b0und", AUDIO],
		["an empty body", TYPE, ""],
		["a boundary of 71 characters", `multipart/form-data; boundary=${"b".repeat(71)}`, AUDIO],
		["a boundary with forbidden letters", 'multipart/form-data; boundary="b<0>"', AUDIO],
		["two boundaries", `${TYPE}; boundary=other`, AUDIO],
		["something before the form", TYPE, `preamble\r\n${AUDIO}`],
		["something after the form", TYPE, `${AUDIO}--b0und\r\n`],
		["much after the form", TYPE, `${AUDIO}${" ".repeat(100)}`],
		["a boundary that goes on", TYPE, AUDIO.replace("--b0und\r\n", "--b0undx\r\n")],
		["a part without a name", TYPE, form(['filename="a"', "1"])],
		["a part with an empty name", TYPE, form(['name=""', "1"])],
		["two names", TYPE, form(['name="a"; name="b"', "1"])],
		["two dispositions", TYPE, form(['name="a"\r\nContent-Disposition: form-data; name="b"', "1"])],
		["another disposition", TYPE, AUDIO.replace("form-data; name", "attachment; name")],
		["a header without a colon", TYPE, form(['name="a"\r\nnonsense', "1"])],
		["no headers", TYPE, "--b0und\r\n\r\nvalue\r\n--b0und--\r\n"],
	])("with %s is refused", (_name, type, text) => {
		expect(() => parseMultipart(bytes(text), type)).toThrow(
			expect.objectContaining({ status: 400, code: "multipart_invalid" }),
		);
	});

	test("of ten thousand almost-boundaries is read in linear time", () => {
		const value = "\r\n--b0un".repeat(500_000);
		const read = parseMultipart(bytes(form(['name="file"; filename="x"', value])), TYPE);
		expect(read.parts).toHaveLength(1);
	});
});

describe("a field", () => {
	test.each([
		["given twice", form(['name="model"', "a"], ['name="model"', "b"])],
		["that is a file", form(['name="model"; filename="x"', "a"])],
		["that is not UTF-8", form(['name="model"', "\xff"])],
		["that is too long", form(['name="model"', "a".repeat(1_048_577)])],
	])("%s is refused by name", (_name, text) => {
		const read = parseMultipart(bytes(text), TYPE);
		expect(() => fieldText(read, "model")).toThrow(expect.objectContaining({ status: 400, param: "model" }));
	});

	test("is replaced and nothing else is", () => {
		const read = parseMultipart(bytes(AUDIO), TYPE);
		expect(Buffer.from(spliceField(read, "model", "größer")).toString("latin1")).toBe(
			AUDIO.replace("whisper-1", Buffer.from("größer").toString("latin1")),
		);
	});

	test("that is replaced reads back, whatever stands around it", () => {
		const name = fc.stringMatching(/^[a-z_]{1,12}$/);
		fc.assert(
			fc.property(
				fc.uniqueArray(name, { minLength: 1, maxLength: 6 }),
				fc.uint8Array(),
				fc.string(),
				(names, noise, text) => {
					fc.pre(
						!text.includes("\0") && !text.includes("--b0und") && text.isWellFormed() && !text.startsWith("\ufeff"),
					);
					const value = Buffer.from(noise).toString("latin1").replaceAll("b0und", "");
					const read = parseMultipart(bytes(form(...names.map((each) => [`name="${each}"`, value] as const))), TYPE);
					const target = names[0] ?? "";
					const again = parseMultipart(spliceField(read, target, text), TYPE);
					expect(fieldText(again, target)).toBe(text);
					expect(again.parts.map((part) => part.name)).toEqual(names);
					for (const part of again.parts.slice(1)) {
						expect(Buffer.from(again.bytes.subarray(part.start, part.end)).toString("latin1")).toBe(value);
					}
				},
			),
		);
	});

	test("cannot be replaced by what would end its part, nor when it is absent", () => {
		const read = parseMultipart(bytes(AUDIO), TYPE);
		expect(() => spliceField(read, "model", "x\r\n--b0und--")).toThrow("boundary");
		expect(() => spliceField(read, "prompt", "x")).toThrow("no field");
	});
});

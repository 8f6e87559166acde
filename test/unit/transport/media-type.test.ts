import { describe, expect, test } from "bun:test";
import { isAcceptable, type MediaPlace, typedMedia } from "../../../src/transport/media-type.ts";
import { GIF, JPEG, PDF, PNG, WEBP } from "../../support/media-server.ts";

const ZIP = Buffer.from("PK\x03\x04 a document");
const OLE = Buffer.from("d0cf11e0a1b11ae1", "hex");
const TEXT = Buffer.from("name,age\nAda,36\n");
const DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

/** As `download` asks: first by the header, then by the bytes. */
function typeOf(header: string | null, bytes: Uint8Array, place: MediaPlace, path = "/x"): string | undefined {
	return isAcceptable(header, place) ? typedMedia(bytes, header, place, path)?.mediaType : undefined;
}

describe("a picture is what its first bytes say", () => {
	const PICTURES = [
		["image/png", PNG],
		["image/jpeg", JPEG],
		["image/gif", GIF],
		["image/webp", WEBP],
	] as const;
	const HEADERS = [
		"image/png",
		"IMAGE/PNG; q=1",
		"image/jpg",
		"image/avif",
		"application/octet-stream",
		"binary/octet-stream",
		"",
		null,
	];
	for (const [type, bytes] of PICTURES) {
		test.each(HEADERS)(`${type} under the header %p`, (header) => {
			expect(typeOf(header, bytes, "image")).toBe(type);
			expect(typeOf(header, bytes, "file")).toBe(type);
		});
	}

	test.each([
		["image/svg+xml", Buffer.from("<svg/>")],
		["image/png", TEXT],
		["image/png", Buffer.alloc(0)],
		["image/webp", Buffer.from("RIFF\0\0\0\0WAVE")],
		["text/html", PNG],
		["application/json", PNG],
		["application/pdf", PDF],
		["application/octet-stream", PDF],
		["video/mp4", PNG],
	] as const)("%s with such bytes is no picture", (header, bytes) => {
		expect(typeOf(header, bytes, "image")).toBeUndefined();
	});
});

describe("a file may be more", () => {
	test.each([
		["application/pdf", PDF, "/x", "application/pdf"],
		["application/octet-stream", PDF, "/x", "application/pdf"],
		[null, PDF, "/x", "application/pdf"],
		["text/plain", PDF, "/x.txt", "application/pdf"],
		["application/pdf", Buffer.concat([Buffer.from("junk\n"), PDF]), "/x", "application/pdf"],
		["text/csv; charset=utf-8", TEXT, "/x", "text/csv"],
		["text/markdown", Buffer.from("A file begins with %PDF-1.4"), "/x", "text/markdown"],
		["application/vnd.api+json", Buffer.from("{}"), "/x", "application/json"],
		["application/x-yaml", TEXT, "/x", "application/yaml"],
		["binary/octet-stream", TEXT, "/people.CSV", "text/csv"],
		["binary/octet-stream", ZIP, "/letter.docx", DOCX],
		[DOCX, ZIP, "/x", DOCX],
		["application/msword", OLE, "/x", "application/msword"],
	] as const)("%p with such bytes at %p is a file", (header, bytes, path, type) => {
		expect(typeOf(header, bytes, "file", path)).toBe(type);
	});

	test.each([
		["application/pdf", TEXT, "/x.pdf"],
		["application/pdf", Buffer.from("<html>%PD"), "/x.pdf"],
		["image/png", TEXT, "/x.txt"],
		["text/plain", Buffer.from("MZ\x00\x00"), "/x.txt"],
		["binary/octet-stream", TEXT, "/people"],
		["binary/octet-stream", Buffer.from("a\0b"), "/x.csv"],
		["binary/octet-stream", TEXT, "/letter.docx"],
		[DOCX, TEXT, "/x.docx"],
		["application/zip", ZIP, "/x.docx"],
		["application/x-msdownload", TEXT, "/x.txt"],
		["video/mp4", TEXT, "/x.txt"],
		["text/plain; charset=klingon", TEXT, "/x.txt"],
	] as const)("%p with such bytes at %p is none", (header, bytes, path) => {
		expect(typeOf(header, bytes, "file", path)).toBeUndefined();
	});

	test("text in another encoding becomes UTF-8", () => {
		const latin = typedMedia(Buffer.from("caf\xe9", "latin1"), "text/plain; charset=ISO-8859-1", "file", "/x");
		expect(Buffer.from(latin?.bytes ?? []).toString()).toBe("café");
		const wide = typedMedia(Buffer.from("café", "utf16le"), 'text/plain; charset="utf-16le"', "file", "/x");
		expect(Buffer.from(wide?.bytes ?? []).toString()).toBe("café");
	});
});

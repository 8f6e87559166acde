import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keptMasterKey } from "../../../src/keys/kept-master-key.ts";
import { StoreRefused } from "../../../src/store/store-refused.ts";

let folder = "";
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "gateway-master-key-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("the master key of a gateway without one", () => {
	test("is generated once, for this user alone, and found again", () => {
		const directory = join(folder, "data");
		const first = keptMasterKey(directory);
		expect(first).toEqual({
			text: expect.stringMatching(/^gw_master_[\w-]{43}$/),
			generated: true,
			file: join(directory, "master-key"),
		});
		expect([statSync(directory).mode & 0o777, statSync(first.file).mode & 0o777]).toEqual([0o700, 0o600]);
		expect(keptMasterKey(directory)).toEqual({ ...first, generated: false });
	});

	test.each([
		["cannot be made", "data"],
		["is there but cannot be written", ""],
	])("is refused where the data directory %s, with the way out", async (_, name) => {
		await using child = Bun.spawn({
			cmd: [process.execPath, join(import.meta.dir, "keep-unwritable.ts"), folder, name],
			stdout: "pipe",
			stderr: "pipe",
		});
		expect([await child.stdout.text(), await child.stderr.text()]).toEqual([
			expect.stringMatching(/^StoreRefused: The directory .* cannot be written \(.*choose another .* with --data\.\n$/),
			"",
		]);
	});

	test("is refused where a file is in the way of the data directory", () => {
		const file = join(folder, "file");
		writeFileSync(file, "");
		expect(() => keptMasterKey(join(file, "data"))).toThrow(StoreRefused);
		expect(() => keptMasterKey(file)).toThrow("cannot be written");
	});
});

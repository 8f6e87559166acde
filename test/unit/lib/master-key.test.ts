import { describe, expect, test } from "bun:test";
import { checkMasterKey } from "../../../src/lib/master-key.ts";

describe("checkMasterKey", () => {
	test.each([
		"",
		"sk-1234",
		"changeme",
		"admin",
		"password",
		"master",
		"secret",
		"test",
		"a-key-of-15-chr",
		"aaaaaaaaaaaaaaaa",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		"abababababababab",
		"sk-1234sk-1234sk-1234",
		"sk-1234-sk-1234-sk-1234",
		"changemechangeme",
		"change-me-change-me",
		"CHANGEME!CHANGEME!",
		"changeme00000000",
		"0000000changeme0000000",
		"passwordpassword",
		"password12345678",
		"adminadminadminadmin",
		"secret__________",
		"masterrrrrrrrrrrrr",
		"testtesttesttest",
		"0123456789abcdef",
		"1234567890123456",
		"12345678901234567890123456789012",
		"abcdefghijklmnop",
		"sk-1234567890abcdef",
		"qwertyuiopasdfgh",
		"gateway-llm-master-key",
		"your-master-key-here",
		"has spaces inside it",
		"has\ta tab in the middle",
		"schlüssel-mit-umlaut-0815",
		"x".repeat(1_025),
	])("%p is refused", (key) => {
		expect(checkMasterKey(key)).toMatch(/^must /);
	});

	test.each([
		"mk-4f9Zq27LxV0aTbR8",
		"9b74c9897bac770f",
		"c21f969b5f03d33d43e04f8f136e7682",
		"correct-horse-battery-staple",
		"master-canary-pL4dS9fG2hJ6kQ1zX8cV",
		"gw_master_Xk3vB8nQ2mW7rT5yU1iO9pL4",
	])("%p is taken", (key) => {
		expect(checkMasterKey(key)).toBeUndefined();
	});

	test("random keys of 16 hexadecimal digits are taken", () => {
		for (let round = 0; round < 500; round += 1) {
			const key = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("hex");
			expect(checkMasterKey(key)).toBeUndefined();
		}
	});

	test("no problem quotes the key", () => {
		for (const key of ["hunter2-hunter2", "changeme-changeme-changeme", "schlüssel-mit-umlaut"]) {
			expect(checkMasterKey(key)).not.toContain(key.slice(0, 7));
		}
	});
});

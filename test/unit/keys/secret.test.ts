import { expect, test } from "bun:test";
import fc from "fast-check";
import { hashSecret, hasValidShape, hintOf, mintSecret } from "../../../src/keys/secret.ts";

test("a secret has the prefix, 43 characters of 256 random bits and a checksum", () => {
	const secret = mintSecret();
	expect(secret).toMatch(/^gw_virt_[0-9A-Za-z]{47}$/);
	expect(hasValidShape(secret)).toBe(true);
	expect(new Set(Array.from({ length: 1_000 }, mintSecret)).size).toBe(1_000);
});

test("every character of the alphabet is used, in every place of the random part but the last", () => {
	const secrets = Array.from({ length: 4_000 }, mintSecret);
	for (let place = 8; place < 50; place += 1) {
		expect(new Set(secrets.map((secret) => secret[place])).size).toBe(62);
	}
});

test("one wrong character, two exchanged ones and a cut are noticed without a look-up", () => {
	fc.assert(
		fc.property(fc.integer({ min: 8, max: 54 }), fc.constantFrom(..."0aZ9xQ"), (place, character) => {
			const secret = mintSecret();
			const mistyped = `${secret.slice(0, place)}${character}${secret.slice(place + 1)}`;
			const exchanged = `${secret.slice(0, place - 1)}${secret[place]}${secret[place - 1]}${secret.slice(place + 1)}`;
			expect(hasValidShape(mistyped)).toBe(mistyped === secret);
			expect(hasValidShape(exchanged) && place > 8).toBe(exchanged === secret && place > 8);
			expect(hasValidShape(secret.slice(0, place))).toBe(false);
		}),
	);
});

test.each(["", "gw_virt_", "sk-1234", "GW_VIRT_", "gw_virt_\u0000", "gw_virt_ü", `${"gw_virt_"}${"a".repeat(10_000)}`])(
	"%p is no secret of ours",
	(text) => {
		expect(hasValidShape(text)).toBe(false);
	},
);

test("what surrounds a secret makes it another text", () => {
	const secret = mintSecret();
	for (const text of [` ${secret}`, `${secret} `, `${secret}\n`, secret.toUpperCase(), `${secret}${secret}`]) {
		expect(hasValidShape(text)).toBe(false);
	}
});

test("the hash is plain SHA-256 in hex", () => {
	expect(hashSecret("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});

test("the hint shows the prefix and four characters", () => {
	const secret = mintSecret();
	expect(hintOf(secret)).toBe(`gw_virt_…${secret.slice(-4)}`);
});

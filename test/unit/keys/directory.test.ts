import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createKeyDirectory, type RunningKeyDirectory } from "../../../src/keys/directory.ts";
import { KEY_DEFAULTS } from "../../../src/keys/key-defaults.ts";
import { mintSecret } from "../../../src/keys/secret.ts";
import type { KeySettings } from "../../../src/keys/types.ts";
import { errorBody, GatewayError } from "../../../src/lib/errors.ts";
import type { SqliteStore } from "../../../src/store/sqlite-store.ts";
import type { KeyStore } from "../../../src/store/types.ts";
import { MIDNIGHT_MS, openStore, temporaryDirectory } from "../store/ledger-samples.ts";

const NEVER_MS = 2 ** 31 - 1;

let place: ReturnType<typeof temporaryDirectory>;
let store: SqliteStore;
let directory: RunningKeyDirectory;
let nowMs: number;
const clock = { now: () => nowMs, monotonic: () => nowMs };

function open(keys: KeyStore = store.keys) {
	return createKeyDirectory({ store: { keys }, clock, flushMs: NEVER_MS });
}

beforeEach(async () => {
	nowMs = MIDNIGHT_MS;
	place = temporaryDirectory();
	store = await openStore(place);
	directory = await open();
});
afterEach(async () => {
	await directory.close();
	await store.close();
	place[Symbol.dispose]();
});

function refusal(token: string): GatewayError {
	try {
		directory.verify(token);
	} catch (error) {
		if (error instanceof GatewayError) {
			return error;
		}
	}
	throw new Error("the token was accepted");
}

describe("a token", () => {
	test("of a new key is accepted at once and after a restart, with all the key's settings", async () => {
		const settings: KeySettings = {
			...KEY_DEFAULTS,
			name: "CI",
			team: "blue",
			models: ["smart"],
			rpm: 5,
			metadata: { a: [1] },
		};
		const { record, secret } = await directory.create(settings);
		expect(directory.verify(secret)).toEqual(record);
		expect(record).toMatchObject(settings);
		expect(record.id).toMatch(/^vk_[0-9A-HJKMNP-TV-Z]{26}$/);
		expect((await open()).verify(secret)).toMatchObject(settings);
	});

	test("is stored nowhere, neither whole nor in parts", async () => {
		const { secret } = await directory.create(KEY_DEFAULTS);
		const [row] = await store.keys.all();
		expect(JSON.stringify(row)).not.toContain(secret.slice(8, 20));
	});

	test.each([
		["malformed", () => "sk-1234"],
		["unknown", mintSecret],
		["empty", () => ""],
		["a hash", () => new Bun.CryptoHasher("sha256").update("x").digest("hex")],
	])("that is %s gets the same answer as every other wrong one", (_, token) => {
		const error = refusal(token());
		expect([error.status, error.code]).toEqual([401, "invalid_api_key"]);
		expect(errorBody(error)).toEqual(errorBody(refusal("anything else")));
		expect(error.message).toContain("POST /admin/keys");
	});

	test("of a key that differs in its last characters alone is another key", async () => {
		const { secret } = await directory.create(KEY_DEFAULTS);
		for (const length of [8, 20, 40, 54]) {
			expect(refusal(`${secret.slice(0, length)}${mintSecret().slice(length)}`).code).toBe("invalid_api_key");
		}
	});

	test.each([
		["key_disabled", { enabled: false }],
		["key_expired", { expiresAt: MIDNIGHT_MS }],
	] as const)("is refused as %s", async (code, change) => {
		const { record, secret } = await directory.create(KEY_DEFAULTS);
		await directory.update(record.id, change);
		expect([refusal(secret).status, refusal(secret).code]).toEqual([401, code]);
	});

	test("expires at its instant, and not before", async () => {
		const { secret } = await directory.create({ ...KEY_DEFAULTS, expiresAt: MIDNIGHT_MS + 1_000 });
		nowMs = MIDNIGHT_MS + 999;
		directory.verify(secret);
		nowMs += 1;
		expect(refusal(secret).code).toBe("key_expired");
	});
});

describe("revoking", () => {
	test("counts before its promise resolves, and after a restart", async () => {
		const { record, secret } = await directory.create(KEY_DEFAULTS);
		const revoked = directory.revoke(record.id);
		expect(refusal(secret).code).toBe("key_revoked");
		expect(await revoked).toBe(true);
		expect(await directory.get(record.id)).toBeUndefined();
		expect((await directory.list({ after: undefined, limit: 10, team: undefined, name: undefined })).keys).toEqual([]);
		directory = await open();
		expect(refusal(secret).code).toBe("key_revoked");
	});

	test("works once, and cannot be undone by a change", async () => {
		const { record, secret } = await directory.create(KEY_DEFAULTS);
		const [change, first, second] = await Promise.all([
			directory.update(record.id, { enabled: true, name: "late" }),
			directory.revoke(record.id),
			directory.revoke(record.id),
		]);
		expect([change, first, second]).toEqual([undefined, true, false]);
		expect(await directory.update(record.id, { enabled: true })).toBeUndefined();
		expect(refusal(secret).code).toBe("key_revoked");
		expect(await directory.revoke("vk_none")).toBe(false);
	});

	test("holds in memory even where the disk does not take it, and can be sent again", async () => {
		const { record, secret } = await directory.create(KEY_DEFAULTS);
		let isBroken = true;
		directory = await open({
			...store.keys,
			revoke: (id, atMs) => (isBroken ? Promise.reject(new Error("disk full")) : store.keys.revoke(id, atMs)),
		});
		await expect(directory.revoke(record.id)).rejects.toMatchObject({ status: 503, kind: "ledger_unavailable" });
		expect(refusal(secret).code).toBe("key_revoked");
		isBroken = false;
		expect(await directory.revoke(record.id)).toBe(true);
	});

	test("and disabling tell those who hold streams of the key, once", async () => {
		const cut: string[] = [];
		directory.onRevoked((keyId) => cut.push(keyId));
		const { record: first } = await directory.create(KEY_DEFAULTS);
		const { record: second } = await directory.create(KEY_DEFAULTS);
		await directory.update(first.id, { name: "still valid" });
		await directory.update(first.id, { enabled: false });
		await directory.update(first.id, { rpm: 1 });
		await directory.revoke(second.id);
		await directory.revoke(second.id);
		expect(cut).toEqual([first.id, second.id]);
	});
});

describe("changing", () => {
	test("takes effect before its promise resolves, and clears with undefined", async () => {
		const { record, secret } = await directory.create({ ...KEY_DEFAULTS, rpm: 5, tpm: 7 });
		const changed = await directory.update(record.id, { rpm: undefined, models: ["smart"] });
		expect(changed).toMatchObject({ rpm: undefined, tpm: 7, models: ["smart"] });
		expect(directory.verify(secret)).toMatchObject({ rpm: undefined, tpm: 7, models: ["smart"] });
		expect(await directory.update("vk_none", { rpm: 1 })).toBeUndefined();
	});

	test("at the same time loses no field, and of one field the last write wins", async () => {
		const { record, secret } = await directory.create(KEY_DEFAULTS);
		// A database that answers in an order of its own, as one over a network does.
		let waitMs = 8;
		directory = await open({
			...store.keys,
			async update(id, settings) {
				const changed = await store.keys.update(id, settings);
				waitMs -= 1;
				await Bun.sleep(Math.max(0, waitMs));
				return changed;
			},
		});
		await Promise.all([
			directory.update(record.id, { name: "first" }),
			directory.update(record.id, { rpm: 1 }),
			directory.update(record.id, { team: "blue", rpm: 2 }),
			directory.update(record.id, { name: "last" }),
			directory.update(record.id, { rpm: 3 }),
		]);
		const wanted = { name: "last", rpm: 3, team: "blue" };
		expect(directory.verify(secret)).toMatchObject(wanted);
		expect(await store.keys.get(record.id)).toMatchObject(wanted);
	});

	test("that the disk refuses changes nothing", async () => {
		const { record, secret } = await directory.create({ ...KEY_DEFAULTS, rpm: 5 });
		const refuse = () => Promise.reject(new Error("disk full"));
		directory = await open({ ...store.keys, update: refuse, insert: refuse });
		await expect(directory.update(record.id, { rpm: 6 })).rejects.toMatchObject({ status: 503 });
		await expect(directory.create(KEY_DEFAULTS)).rejects.toMatchObject({ status: 503, code: "store_unavailable" });
		expect(directory.verify(secret).rpm).toBe(5);
		expect(await store.keys.all()).toHaveLength(1);
	});

	test("does not alter the record a running request holds", async () => {
		const { record, secret } = await directory.create({ ...KEY_DEFAULTS, rpm: 5 });
		const held = directory.verify(secret);
		await directory.update(record.id, { rpm: 6 });
		expect(held.rpm).toBe(5);
	});
});

describe("the last use", () => {
	test("is seen at once and written in batches", async () => {
		const { record, secret } = await directory.create(KEY_DEFAULTS);
		nowMs += 5_000;
		directory.verify(secret);
		expect((await directory.get(record.id))?.lastUsedAt).toBe(nowMs);
		const page = await directory.list({ after: undefined, limit: 10, team: undefined, name: undefined });
		expect(page.keys[0]?.lastUsedAt).toBe(nowMs);
		expect((await store.keys.get(record.id))?.lastUsedAt).toBeUndefined();
		await directory.flush();
		expect((await store.keys.get(record.id))?.lastUsedAt).toBe(nowMs);
	});

	test("is not moved by a refused token", async () => {
		const { record, secret } = await directory.create({ ...KEY_DEFAULTS, enabled: false });
		refusal(secret);
		expect((await directory.get(record.id))?.lastUsedAt).toBeUndefined();
	});

	test("waits for a disk that refuses it", async () => {
		const { record, secret } = await directory.create(KEY_DEFAULTS);
		let isBroken = true;
		directory = await open({
			...store.keys,
			touch: (uses) => (isBroken ? Promise.reject(new Error("disk full")) : store.keys.touch(uses)),
		});
		directory.verify(secret);
		await directory.flush();
		isBroken = false;
		await directory.close();
		expect((await store.keys.get(record.id))?.lastUsedAt).toBe(nowMs);
	});
});

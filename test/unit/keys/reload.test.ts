import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createKeyDirectory, type RunningKeyDirectory } from "../../../src/keys/directory.ts";
import { KEY_DEFAULTS } from "../../../src/keys/key-defaults.ts";
import { mintSecret } from "../../../src/keys/secret.ts";
import { GatewayError } from "../../../src/lib/errors.ts";
import { settled } from "../../support/fake-timers.ts";
import { createRoad, createSharedDatabase } from "../../support/shared-database.ts";
import { createFakeClock, type FakeClock } from "../limits/fake-clock.ts";

/** Two instances that share a database: `here` is the one that is looked at, its road to the database the test's. */
let clock: FakeClock;
let database: ReturnType<typeof createSharedDatabase>;
let road: ReturnType<typeof createRoad>;
let here: RunningKeyDirectory;
let there: RunningKeyDirectory;
let cut: string[];
let told: number;

beforeEach(async () => {
	clock = createFakeClock();
	database = createSharedDatabase();
	road = createRoad();
	told = 0;
	const open = (store: Parameters<typeof createKeyDirectory>[0]["store"], onChanged?: () => void) =>
		createKeyDirectory({ store, clock, flushMs: 2 ** 31 - 1, onChanged });
	here = await open(database.connect(road.travel), () => {
		told += 1;
	});
	there = await open(database.connect());
	cut = [];
	here.onRevoked((id) => cut.push(id));
});
afterEach(async () => {
	await here.close();
	await there.close();
});

function codeOf(token: string, directory = here): string {
	try {
		directory.verify(token);
		return "accepted";
	} catch (error) {
		return error instanceof GatewayError ? (error.code ?? "") : String(error);
	}
}

async function sharedKey(settings: Partial<typeof KEY_DEFAULTS> = {}) {
	const { record, secret } = await there.create({ ...KEY_DEFAULTS, ...settings });
	await here.reload([record.id]);
	return { id: record.id, secret };
}

describe("what another instance did", () => {
	test("a new key is accepted here, with all its settings, once it was read", async () => {
		const { record, secret } = await there.create({ ...KEY_DEFAULTS, name: "CI", team: "blue", rpm: 5 });
		expect(codeOf(secret)).toBe("invalid_api_key");
		await here.reload([record.id]);
		expect(here.verify(secret)).toEqual(record);
	});

	test("a changed key is the changed one, and the record that a running request holds is not touched", async () => {
		const { id, secret } = await sharedKey({ rpm: 5 });
		const held = here.verify(secret);
		await there.update(id, { rpm: 6, models: ["smart"] });
		await here.reload([id]);
		expect(here.verify(secret)).toMatchObject({ rpm: 6, models: ["smart"] });
		expect(held.rpm).toBe(5);
		expect(cut).toEqual([]);
	});

	test.each([
		["revoked", "key_revoked", (id: string) => there.revoke(id)],
		["disabled", "key_disabled", (id: string) => there.update(id, { enabled: false })],
		["expired by now", "key_expired", (id: string) => there.update(id, { expiresAt: clock.now() })],
	])("a key that it %s is refused here, and its streams are cut once", async (_, code, act) => {
		const { id, secret } = await sharedKey();
		await act(id);
		await here.reload([id]);
		expect(codeOf(secret)).toBe(code);
		await here.reload([id]);
		expect(cut).toEqual([id]);
	});

	test("a key that it enabled again is accepted again", async () => {
		const { id, secret } = await sharedKey();
		await there.update(id, { enabled: false });
		await here.reload([id]);
		await there.update(id, { enabled: true });
		await here.reload([id]);
		expect(codeOf(secret)).toBe("accepted");
	});

	test("ids that nobody knows change nothing, and none are asked for when there are none", async () => {
		await here.reload(["vk_nobody"]);
		expect(road.sent("some")).toBe(1);
		await here.reload([]);
		expect(road.sent("some")).toBe(1);
	});

	test("is read a thousand keys at a time, however many there are", async () => {
		const made = Array.from({ length: 2_345 }, () => there.create(KEY_DEFAULTS));
		const ids = (await Promise.all(made)).map(({ record }) => record.id);
		await here.reload(ids);
		expect(road.sent("some")).toBe(3);
		for (const { secret } of await Promise.all(made)) {
			here.verify(secret);
		}
	});

	test("keeps the later of two last uses", async () => {
		const { id, secret } = await sharedKey();
		here.verify(secret);
		const usedAt = clock.now();
		database.used(id, usedAt - 5);
		expect((await here.get(id))?.lastUsedAt).toBe(usedAt);
		database.used(id, usedAt + 5);
		expect((await here.get(id))?.lastUsedAt).toBe(usedAt + 5);
		const { keys } = await here.list({ after: undefined, limit: 10, team: undefined, name: undefined });
		expect(keys[0]?.lastUsedAt).toBe(usedAt + 5);
	});
});

describe("administrators who ask another instance than the one they told", () => {
	test("find, change and revoke a key that was made just now", async () => {
		const { record: first } = await there.create(KEY_DEFAULTS);
		expect(await here.get(first.id)).toEqual(first);
		const { record: second, secret } = await there.create(KEY_DEFAULTS);
		expect(await here.update(second.id, { rpm: 7 })).toMatchObject({ id: second.id, rpm: 7 });
		expect(here.verify(secret).rpm).toBe(7);
		const { record: third, secret: gone } = await there.create(KEY_DEFAULTS);
		expect(await here.revoke(third.id)).toBe(true);
		expect(codeOf(gone)).toBe("key_revoked");
		await there.reload([third.id]);
		expect(codeOf(gone, there)).toBe("key_revoked");
	});

	test("see the settings that were changed just now, alone and in a list", async () => {
		const { id } = await sharedKey({ rpm: 5 });
		await there.update(id, { rpm: 6 });
		const { keys } = await here.list({ after: undefined, limit: 10, team: undefined, name: undefined });
		expect(keys).toMatchObject([{ id, rpm: 6 }]);
		expect((await here.get(id))?.rpm).toBe(6);
	});

	test("are told of a key that was revoked elsewhere that there is none", async () => {
		const { id } = await sharedKey();
		await there.revoke(id);
		expect(await here.update(id, { rpm: 1 })).toBeUndefined();
		expect(await here.get(id)).toBeUndefined();
		expect(await here.revoke(id)).toBe(false);
	});

	test("are told what is known here while the database is away, and 503 where nothing is", async () => {
		const { id } = await sharedKey({ rpm: 5 });
		road.cut(true);
		expect((await here.get(id))?.rpm).toBe(5);
		const unknown = { status: 503, code: "store_unavailable" };
		await expect(here.get("vk_unknown")).rejects.toMatchObject(unknown);
		await expect(here.update("vk_unknown", {})).rejects.toMatchObject(unknown);
		await expect(here.revoke("vk_unknown")).rejects.toMatchObject(unknown);
	});
});

describe("a change made here while the key is read", () => {
	test("is not undone by a reading that began before it", async () => {
		const { id, secret } = await sharedKey({ rpm: 1 });
		const reading = road.hold("back", "some");
		const reload = here.reload([id]);
		await reading.reached;
		await here.update(id, { rpm: 2 });
		expect(here.verify(secret).rpm).toBe(2);
		reading.release();
		await reload;
		expect(here.verify(secret).rpm).toBe(2);
		await settled();
		expect(here.verify(secret).rpm).toBe(2);
	});

	test("does not hide what another instance changed after it", async () => {
		const { id, secret } = await sharedKey({ rpm: 1 });
		const reading = road.hold("there", "some");
		const reload = here.reload([id]);
		await reading.reached;
		await here.update(id, { rpm: 2 });
		await there.update(id, { rpm: 3 });
		reading.release();
		await reload;
		// It cannot be known which of the two saw more, so the key is read once more.
		await settled();
		expect(here.verify(secret).rpm).toBe(3);
	});

	test("is answered late: what was read meanwhile is newer, and stays", async () => {
		const { id, secret } = await sharedKey({ rpm: 1 });
		const answer = road.hold("back", "update");
		const update = here.update(id, { rpm: 2 });
		await answer.reached;
		await there.update(id, { enabled: false });
		await here.reload([id]);
		expect(codeOf(secret)).toBe("key_disabled");
		answer.release();
		expect(await update).toMatchObject({ rpm: 2, enabled: false });
		expect(codeOf(secret)).toBe("key_disabled");
		expect(cut).toEqual([id]);
	});

	test("is answered late, and in force even where the key cannot be read again", async () => {
		const { id, secret } = await sharedKey({ rpm: 1 });
		const request = road.hold("there", "update");
		const update = here.update(id, { rpm: 2 });
		await request.reached;
		await here.reload([id]);
		const reading = road.hold("back", "some");
		request.release();
		await reading.reached;
		reading.lose();
		expect(await update).toMatchObject({ rpm: 2 });
		expect(here.verify(secret).rpm).toBe(2);
		// And it is not forgotten that the key has yet to be read.
		await there.update(id, { tpm: 9 });
		await here.reload([]);
		expect(here.verify(secret)).toMatchObject({ rpm: 2, tpm: 9 });
	});

	test("that the database refuses leaves what was read", async () => {
		const { id, secret } = await sharedKey({ rpm: 1 });
		const request = road.hold("there", "update");
		const update = here.update(id, { rpm: 2 });
		await request.reached;
		await there.update(id, { rpm: 3 });
		await here.reload([id]);
		request.lose();
		await expect(update).rejects.toMatchObject({ status: 503 });
		expect(here.verify(secret).rpm).toBe(3);
	});

	test("whose answer is lost counts once it is read", async () => {
		const { id, secret } = await sharedKey({ rpm: 1 });
		const answer = road.hold("back", "update");
		const update = here.update(id, { rpm: 2 });
		await answer.reached;
		answer.lose();
		await expect(update).rejects.toMatchObject({ status: 503 });
		expect(here.verify(secret).rpm).toBe(1);
		await here.reload([id]);
		expect(here.verify(secret).rpm).toBe(2);
	});

	test("a new key whose insert is answered late is what was read of it", async () => {
		const answer = road.hold("back", "insert");
		const creating = here.create(KEY_DEFAULTS);
		await answer.reached;
		const [id = ""] = database.keys.keys();
		await there.reload([id]);
		await there.update(id, { rpm: 4 });
		await here.reload([id]);
		answer.release();
		const { secret } = await creating;
		expect(here.verify(secret).rpm).toBe(4);
	});
});

describe("a key that was revoked here", () => {
	test("stays so, though a reading that began before comes back after", async () => {
		const { id, secret } = await sharedKey();
		const reading = road.hold("back", "some");
		const reload = here.reload([id]);
		await reading.reached;
		expect(await here.revoke(id)).toBe(true);
		reading.release();
		await reload;
		expect(codeOf(secret)).toBe("key_revoked");
		expect(cut).toEqual([id]);
	});

	test("stays so while its write is on the way, and is read", async () => {
		const { id, secret } = await sharedKey();
		const request = road.hold("there", "revoke");
		const revoke = here.revoke(id);
		await request.reached;
		await here.reload([id]);
		expect(codeOf(secret)).toBe("key_revoked");
		request.release();
		expect(await revoke).toBe(true);
		expect(codeOf(secret)).toBe("key_revoked");
	});

	test("stays so where the write failed, whatever is read or changed elsewhere, and can be sent again", async () => {
		const { id, secret } = await sharedKey();
		const request = road.hold("there", "revoke");
		const revoke = here.revoke(id);
		await request.reached;
		request.lose();
		await expect(revoke).rejects.toMatchObject({ status: 503 });
		await there.update(id, { rpm: 3, enabled: true });
		await here.reload([id]);
		expect(codeOf(secret)).toBe("key_revoked");
		expect(codeOf(secret, there)).toBe("accepted");
		expect(await here.get(id)).toBeUndefined();
		const { keys } = await here.list({ after: undefined, limit: 10, team: undefined, name: undefined });
		expect(keys).toEqual([]);
		expect(await here.revoke(id)).toBe(true);
		await there.reload([id]);
		expect(codeOf(secret, there)).toBe("key_revoked");
	});

	test("is not made valid by a change that was answered late", async () => {
		const { id, secret } = await sharedKey();
		const answer = road.hold("back", "update");
		const update = here.update(id, { enabled: true });
		await answer.reached;
		await here.revoke(id);
		answer.release();
		expect(await update).toBeUndefined();
		expect(codeOf(secret)).toBe("key_revoked");
	});

	test("elsewhere is refused here even where the rest of the row that tells it is outdated", async () => {
		const { id, secret } = await sharedKey({ rpm: 1 });
		const answer = road.hold("back", "update");
		const update = here.update(id, { rpm: 2 });
		await answer.reached;
		await there.revoke(id);
		const reading = road.hold("back", "some");
		const reload = here.reload([id]);
		await reading.reached;
		answer.release();
		await update;
		// From here on no other reading can tell it.
		const next = road.hold("there", "some");
		reading.release();
		await reload;
		expect(codeOf(secret)).toBe("key_revoked");
		next.release();
		await settled();
	});
});

describe("a database that does not answer", () => {
	test("what could not be read is read by the next call, whoever that is for", async () => {
		const { record, secret } = await there.create(KEY_DEFAULTS);
		road.cut(true);
		await expect(here.reload([record.id])).rejects.toThrow("connection lost");
		road.cut(false);
		await here.reload([]);
		expect(codeOf(secret)).toBe("accepted");
	});

	test("one reading at a time; those who ask meanwhile share one that begins after they asked", async () => {
		const first = await there.create(KEY_DEFAULTS);
		const reading = road.hold("back", "some");
		const running = here.reload([first.record.id]);
		await reading.reached;
		const late = await there.create(KEY_DEFAULTS);
		const asked = Promise.all([here.reload([late.record.id]), here.reload([late.record.id, first.record.id])]);
		await settled();
		expect(road.sent("some")).toBe(1);
		reading.release();
		await Promise.all([running, asked]);
		expect(road.sent("some")).toBe(2);
		expect(codeOf(late.secret)).toBe("accepted");
	});
});

test("others are told of each change that is on disk, and of none that is not", async () => {
	const { record } = await here.create(KEY_DEFAULTS);
	await here.update(record.id, { rpm: 1 });
	await here.revoke(record.id);
	expect(told).toBe(3);
	await here.revoke(record.id);
	await here.update(record.id, { rpm: 2 });
	road.cut(true);
	await here.create(KEY_DEFAULTS).catch(() => {});
	expect(told).toBe(3);
	expect(codeOf(mintSecret())).toBe("invalid_api_key");
});

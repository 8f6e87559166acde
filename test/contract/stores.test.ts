import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { KEY_DEFAULTS } from "../../src/keys/key-defaults.ts";
import type { KeyRecord } from "../../src/keys/types.ts";
import { NO_USAGE } from "../../src/lib/usage.ts";
import type { TeamOverrides } from "../../src/limits/team-types.ts";
import type { Store } from "../../src/store/types.ts";
import { closing, DAY_MS, MIDNIGHT_MS, opening } from "../unit/store/ledger-samples.ts";
import { type Backend, startBackends } from "./backends.ts";

/** Texts that end a string, a statement or a pattern where somebody builds SQL out of them. */
const INJECTIONS = [
	"' OR '1'='1",
	"'; DROP TABLE virtual_keys; --",
	"') UNION SELECT hash FROM virtual_keys --",
	'" OR ""="',
	"\\' OR 1=1 --",
	"%",
	"_%_%_%",
	"$1",
	"?",
	":name",
	"\u0000",
	"x'; UPDATE attempts SET cost_nano = 0; --",
];

function key(id: string, facts: Partial<KeyRecord> = {}): KeyRecord & { readonly hash: string } {
	return {
		id,
		hash: new Bun.CryptoHasher("sha256").update(id).digest("hex"),
		...KEY_DEFAULTS,
		createdAt: MIDNIGHT_MS,
		lastUsedAt: undefined,
		revokedAt: undefined,
		keyHint: "gw_virt_…abcd",
		...facts,
	};
}

const EVERYTHING = { after: undefined, limit: 100, team: undefined, name: undefined };

for (const [name, start] of await startBackends()) {
	describe(`store on ${name}`, () => {
		let backend: Backend;
		let store: Store;
		beforeEach(async () => {
			backend = await start();
			store = backend.store;
		});
		afterEach(() => backend.remove());

		keyContract(() => store);
		teamContract(() => store);
		ledgerContract(() => store);
		crashContract(() => backend);
		spendContract(() => store);

		test("a deployment stays disabled until it is enabled", async () => {
			const { deploymentStates } = store;
			await deploymentStates.setEnabled("dep_1", false, 1);
			await deploymentStates.setEnabled("dep_2", false, 2);
			await deploymentStates.setEnabled("dep_2", true, 3);
			await deploymentStates.setEnabled("dep_3", true, 4);
			expect(await deploymentStates.disabled()).toEqual(new Set(["dep_1"]));
		});

		test("a store that answers is ready", async () => {
			expect(await store.ready()).toBe(true);
		});
	});
}

function keyContract(store: () => Store) {
	test("a key comes back as it was written", async () => {
		const full = key("vk_2", {
			name: "CI",
			team: "blue",
			models: ["gpt-4o", "smart"],
			rpm: 120,
			tpm: 90_000,
			monthlyBudgetNano: 9_007_199_254_740_991,
			maxParallelRequests: 4,
			forceStrategy: "least_latency",
			expiresAt: MIDNIGHT_MS + 1,
			metadata: { owner: "anna", nested: { list: [1, null, "ü"] } },
			enabled: false,
			lastUsedAt: MIDNIGHT_MS + 2,
		});
		const bare = key("vk_1");
		await store().keys.insert(full);
		await store().keys.insert(bare);
		const { hash, ...record } = full;
		expect(await store().keys.get("vk_2")).toEqual(record);
		expect(await store().keys.all()).toEqual(expect.arrayContaining([full, bare]));
	});

	test("two keys cannot have the same secret", async () => {
		await store().keys.insert(key("vk_1"));
		await expect(store().keys.insert({ ...key("vk_2"), hash: key("vk_1").hash })).rejects.toThrow();
	});

	test("pages go from the newest key to the oldest, each key once", async () => {
		for (const id of ["vk_3", "vk_1", "vk_5", "vk_2", "vk_4"]) {
			await store().keys.insert(key(id));
		}
		const first = await store().keys.list({ ...EVERYTHING, limit: 2 });
		const second = await store().keys.list({ ...EVERYTHING, limit: 2, after: first.nextAfter });
		const third = await store().keys.list({ ...EVERYTHING, limit: 2, after: second.nextAfter });
		const ids = [first, second, third].map((page) => page.keys.map(({ id }) => id));
		expect(ids).toEqual([["vk_5", "vk_4"], ["vk_3", "vk_2"], ["vk_1"]]);
		expect(third.nextAfter).toBeUndefined();
	});

	test("lists filter by team and name", async () => {
		await store().keys.insert(key("vk_1", { team: "blue", name: "a" }));
		await store().keys.insert(key("vk_2", { team: "blue", name: "b" }));
		await store().keys.insert(key("vk_3", { team: "red", name: "a" }));
		const listed = await store().keys.list({ ...EVERYTHING, team: "blue", name: "a" });
		expect(listed.keys.map(({ id }) => id)).toEqual(["vk_1"]);
	});

	test("a change touches the named fields, and undefined clears one", async () => {
		await store().keys.insert(key("vk_1", { name: "old", rpm: 10, tpm: 20, team: "blue" }));
		const changed = await store().keys.update("vk_1", { name: "new", rpm: undefined });
		expect(changed).toMatchObject({ name: "new", rpm: undefined, tpm: 20, team: "blue" });
		expect(await store().keys.get("vk_1")).toEqual(changed);
		expect(await store().keys.update("vk_1", {})).toEqual(changed);
		expect(await store().keys.update("vk_none", { name: "x" })).toBeUndefined();
	});

	test("a revoked key is gone from lists and look-ups, but still told apart", async () => {
		await store().keys.insert(key("vk_1"));
		expect(await store().keys.revoke("vk_1", MIDNIGHT_MS)).toBe(true);
		expect(await store().keys.revoke("vk_1", MIDNIGHT_MS + 1)).toBe(false);
		expect(await store().keys.get("vk_1")).toBeUndefined();
		expect(await store().keys.update("vk_1", { enabled: true })).toBeUndefined();
		expect((await store().keys.list(EVERYTHING)).keys).toEqual([]);
		expect(await store().keys.all()).toMatchObject([{ id: "vk_1", revokedAt: MIDNIGHT_MS }]);
	});

	test("last uses are written in bulk", async () => {
		const ids = Array.from({ length: 1_100 }, (_, index) => `vk_${String(index).padStart(4, "0")}`);
		for (let start = 0; start < ids.length; start += 50) {
			await Promise.all(ids.slice(start, start + 50).map((id) => store().keys.insert(key(id))));
		}
		await store().keys.touch(new Map(ids.slice(1).map((id, index) => [id, MIDNIGHT_MS + index])));
		const used = new Map((await store().keys.all()).map((record) => [record.id, record.lastUsedAt]));
		expect(used.get("vk_0000")).toBeUndefined();
		expect(used.get("vk_0001")).toBe(MIDNIGHT_MS);
		expect(used.get("vk_1099")).toBe(MIDNIGHT_MS + 1_098);
	});

	test("SQL in any text is only text", async () => {
		await store().keys.insert(key("vk_1", { name: "safe", team: "blue" }));
		await settle(
			store(),
			opening({ requestId: "req_safe", keyId: "vk_1" }),
			MIDNIGHT_MS,
			closing({ objectId: "resp_1" }),
		);
		for (const text of INJECTIONS) {
			expect((await store().keys.list({ ...EVERYTHING, name: text })).keys).toEqual([]);
			expect((await store().keys.list({ ...EVERYTHING, team: text })).keys).toEqual([]);
			expect(await store().keys.get(text)).toBeUndefined();
			expect(await store().keys.update(text, { name: text })).toBeUndefined();
			expect(await store().keys.revoke(text, 1)).toBe(false);
			await store().keys.touch(new Map([[text, 1]]));
			expect(await store().attempts.byRequest(text)).toEqual([]);
			expect(await store().attempts.ownerOf(text)).toBeUndefined();
			await store().deploymentStates.setEnabled(text, false, 1);
		}
		// Below `vk_`, as a cursor, such a text may match by order, and by nothing else.
		for (const text of INJECTIONS) {
			expect((await store().keys.list({ ...EVERYTHING, after: `vk_0${text}` })).keys).toEqual([]);
		}
		expect(await store().deploymentStates.disabled()).toEqual(new Set(INJECTIONS));
		expect(await store().keys.all()).toMatchObject([{ id: "vk_1", name: "safe", revokedAt: undefined }]);
		expect(await store().attempts.byRequest("req_safe")).toMatchObject([{ closing: { costNano: 99_000 } }]);
	});
}

function byName(left: { readonly group: object }, right: { readonly group: object }): number {
	return JSON.stringify(left.group) < JSON.stringify(right.group) ? -1 : 1;
}

/** Opened and settled, as a request does it. */
async function settle(store: Store, attempt: ReturnType<typeof opening>, atMs: number, end = closing()) {
	store.writer.opened(attempt, atMs);
	await store.writer.flush();
	await store.writer.settled(attempt, atMs, end, atMs + 900);
}

function teamContract(store: () => Store) {
	test("what is set for a team comes back, null and absent told apart, and the last write stands", async () => {
		const { teams } = store();
		expect(await teams.all()).toEqual(new Map());
		await teams.set("blue", { rpm: 5, tpm: 100 }, MIDNIGHT_MS);
		await teams.set("blue", { monthlyBudgetNano: 9_007_199_254_740_991, rpm: null }, MIDNIGHT_MS + 1);
		await teams.set("red", { maxParallelRequests: 3 }, MIDNIGHT_MS);
		expect(await teams.all()).toEqual(
			new Map<string, TeamOverrides>([
				["blue", { monthlyBudgetNano: 9_007_199_254_740_991, rpm: null }],
				["red", { maxParallelRequests: 3 }],
			]),
		);
	});

	test("a team with nothing set is forgotten", async () => {
		const { teams } = store();
		await teams.set("blue", { rpm: 5 }, MIDNIGHT_MS);
		await teams.set("blue", {}, MIDNIGHT_MS);
		await teams.set("red", {}, MIDNIGHT_MS);
		expect(await teams.all()).toEqual(new Map());
	});

	test.each(INJECTIONS.filter((text) => text !== "\u0000"))("team %p is a name and nothing else", async (team) => {
		await store().teams.set("other", { rpm: 1 }, 1);
		await store().teams.set(team, { rpm: 2 }, 1);
		await store().teams.set(team, {}, 1);
		expect(await store().teams.all()).toEqual(new Map([["other", { rpm: 1 }]]));
	});
}

function ledgerContract(store: () => Store) {
	test("an attempt is in flight until it is settled, and then complete", async () => {
		const attempt = opening({ team: undefined, priceVersion: undefined, streamed: true });
		store().writer.opened(attempt, MIDNIGHT_MS);
		await store().writer.flush();
		const { budgets, ...identity } = attempt;
		expect(await store().attempts.byRequest(attempt.requestId)).toEqual([
			{ opening: identity, openedAtMs: MIDNIGHT_MS, closing: undefined, settledAtMs: undefined },
		]);
		const end = closing({
			outcome: "upstream_failed",
			upstreamStatus: undefined,
			errorClass: "ttft_timeout",
			ttftMs: undefined,
			usage: {
				input: 1,
				cacheRead: 2,
				cacheWrite: 3,
				output: 4,
				reasoning: 5,
				audioInput: 6,
				audioOutput: 7,
				images: 8,
				seconds: 9.25,
				characters: 10,
				cacheWriteHour: 11,
				imageInput: 12,
				imageOutput: 13,
				searches: 14,
			},
			usageSource: "partial",
			costNano: Number.MAX_SAFE_INTEGER,
		});
		await store().writer.settled(attempt, MIDNIGHT_MS, end, MIDNIGHT_MS + 5);
		expect(await store().attempts.byRequest(attempt.requestId)).toEqual([
			{ opening: identity, openedAtMs: MIDNIGHT_MS, closing: end, settledAtMs: MIDNIGHT_MS + 5 },
		]);
	});

	test("a settled row never changes again", async () => {
		const attempt = opening();
		await settle(store(), attempt, MIDNIGHT_MS);
		await store().writer.settled(attempt, MIDNIGHT_MS, closing({ costNano: 1, outcome: "cut" }), MIDNIGHT_MS + 9);
		store().writer.opened(attempt, MIDNIGHT_MS + 10);
		await store().writer.flush();
		const rows = await store().attempts.byRequest(attempt.requestId);
		expect(rows).toMatchObject([{ closing: { costNano: 99_000, outcome: "ok" }, openedAtMs: MIDNIGHT_MS }]);
		expect(await total(store())).toMatchObject({ costNano: 99_000n, requests: 1 });
	});

	test("two settles at the same time count once", async () => {
		const attempt = opening();
		await Promise.all([
			store().writer.settled(attempt, MIDNIGHT_MS, closing({ costNano: 5 }), MIDNIGHT_MS),
			store().writer.settled(attempt, MIDNIGHT_MS, closing({ costNano: 7 }), MIDNIGHT_MS),
		]);
		expect(await total(store())).toMatchObject({ costNano: 5n, requests: 1 });
	});

	test("the attempts of a request are listed in order", async () => {
		const last = opening({ attempt: 2 });
		for (const attempt of [2, 0, 1]) {
			await settle(store(), { ...last, attempt }, MIDNIGHT_MS);
		}
		const rows = await store().attempts.byRequest(last.requestId);
		expect(rows.map((row) => row.opening.attempt)).toEqual([0, 1, 2]);
	});

	test("an object belongs to the first that made it", async () => {
		await settle(store(), opening({ keyId: "vk_A", team: undefined }), MIDNIGHT_MS, closing({ objectId: "resp_1" }));
		await settle(store(), opening({ keyId: "vk_B" }), MIDNIGHT_MS + 1, closing({ objectId: "resp_1" }));
		expect(await store().attempts.ownerOf("resp_1")).toMatchObject({
			keyId: "vk_A",
			team: undefined,
			deploymentId: "dep_1",
		});
		expect(await store().attempts.ownerOf("resp_2")).toBeUndefined();
	});
}

function crashContract(backend: () => Backend) {
	test("what a crash left in flight is settled at its reservation, once", async () => {
		const { store } = backend();
		const lost = opening({ reservedNano: 700 });
		const done = opening();
		store.writer.opened(lost, MIDNIGHT_MS);
		await settle(store, done, MIDNIGHT_MS);
		await store.writer.flush();
		const next = await backend().restart();
		expect(await next.attempts.recover(MIDNIGHT_MS + 60_000)).toEqual([
			{ requestId: lost.requestId, attempt: 0, costNano: 700 },
		]);
		expect(await next.attempts.recover(MIDNIGHT_MS + 60_001)).toEqual([]);
		expect(await next.attempts.byRequest(lost.requestId)).toMatchObject([
			{
				closing: { outcome: "crashed", usageSource: "crash_estimate", costNano: 700, durationMs: 60_000 },
				settledAtMs: MIDNIGHT_MS + 60_000,
			},
		]);
		expect(await total(next)).toMatchObject({ costNano: 99_700n, requests: 2 });
	});

	test("a crash with many requests in flight is recovered whole", async () => {
		const { store } = backend();
		for (let index = 0; index < 600; index += 1) {
			store.writer.opened(opening({ reservedNano: 3 }), MIDNIGHT_MS);
		}
		await store.writer.flush();
		const next = await backend().restart();
		expect(await next.attempts.recover(MIDNIGHT_MS)).toHaveLength(600);
		expect(await total(next)).toMatchObject({ costNano: 1_800n, requests: 600 });
	});
}

async function total(store: Store) {
	const [row] = await store.attempts.spend({ fromMs: 0, toMs: MIDNIGHT_MS * 2, groupBy: [] });
	return row;
}

function spendContract(store: () => Store) {
	test("sums beyond 2^53 are exact", async () => {
		for (let index = 0; index < 3; index += 1) {
			await settle(store(), opening(), MIDNIGHT_MS, closing({ costNano: Number.MAX_SAFE_INTEGER }));
		}
		expect((await total(store()))?.costNano).toBe(27_021_597_764_222_973n);
		const [partial] = await store().attempts.spend({ fromMs: 0, toMs: MIDNIGHT_MS + 1, groupBy: [] });
		expect(partial?.costNano).toBe(27_021_597_764_222_973n);
		expect((await store().attempts.spentSince(0)).get("key:vk_A")).toBe(Number.MAX_SAFE_INTEGER);
	});

	test("the spend of one key is that of the report, in all its teams and of no other key", async () => {
		const facts = [
			{ model: "large", team: "blue" },
			{ model: "small", team: "red" },
			{ model: "large", team: undefined, priceVersion: undefined },
			{ model: "large", keyId: "vk_B", team: "blue" },
		];
		for (const [day, fact] of [...facts, ...facts].entries()) {
			await settle(store(), opening(fact), MIDNIGHT_MS + day * (DAY_MS / 3), closing({ costNano: 10 ** day }));
		}
		// A failover to another model: one request, two rows.
		const { requestId } = opening();
		await settle(store(), opening({ requestId, model: "large" }), MIDNIGHT_MS);
		await settle(store(), opening({ requestId, model: "small", attempt: 1 }), MIDNIGHT_MS);
		const fromDay = MIDNIGHT_MS / DAY_MS;
		for (const groupBy of [[], ["model"], ["day"], ["model", "day"]] as const) {
			for (const days of [0, 1, 2, 31]) {
				const toMs = MIDNIGHT_MS + days * DAY_MS;
				const whole = { fromMs: MIDNIGHT_MS, toMs, groupBy: ["key", ...groupBy] as const };
				const report = days === 0 ? [] : await store().attempts.spend(whole);
				const expected = report
					.filter(({ group }) => group.key === "vk_A")
					.map(({ group: { key: _key, ...group }, ...figures }) => ({ group, ...figures }));
				const endDay = fromDay + days;
				const own = await store().attempts.spendOfKey({ keyId: "vk_A", fromDay, endDay, groupBy });
				expect(own.toSorted(byName)).toEqual(expected.toSorted(byName));
				expect(own.length > 0).toBe(days > 0);
			}
		}
		const nobody = { keyId: "vk_C", fromDay, endDay: fromDay + 31, groupBy: [] };
		expect(await store().attempts.spendOfKey(nobody)).toEqual([]);
	});

	test("spend groups by key, team, model, provider and UTC day, and a key may have no team", async () => {
		const late = MIDNIGHT_MS + DAY_MS - 1;
		await settle(store(), opening({ team: undefined }), late, closing({ costNano: 1 }));
		await settle(
			store(),
			opening({ keyId: "vk_B", provider: "groq", model: "llama" }),
			late + 1,
			closing({ costNano: 2 }),
		);
		const rows = await store().attempts.spend({
			fromMs: MIDNIGHT_MS,
			toMs: MIDNIGHT_MS + 2 * DAY_MS,
			groupBy: ["day", "key", "team", "model", "provider"],
		});
		expect(rows).toMatchObject([
			{
				group: { day: "2030-06-15", key: "vk_A", team: undefined, model: "gpt-4o", provider: "openai" },
				requests: 1,
				costNano: 1n,
				usage: { ...NO_USAGE, input: 60, output: 150 },
			},
			{ group: { day: "2030-06-16", key: "vk_B", team: "blue", model: "llama", provider: "groq" }, costNano: 2n },
		]);
	});

	test("a period includes its first instant and not its last", async () => {
		for (const [offsetMs, costNano] of [
			[-1, 1],
			[0, 10],
			[999, 100],
			[1_000, 1_000],
		] as const) {
			await settle(store(), opening(), MIDNIGHT_MS + 3_600_000 + offsetMs, closing({ costNano }));
		}
		const fromMs = MIDNIGHT_MS + 3_600_000;
		const [row] = await store().attempts.spend({ fromMs, toMs: fromMs + 1_000, groupBy: [] });
		expect(row).toMatchObject({ requests: 2, costNano: 110n });
	});

	test("a request counts once in each group, its failures as errors, and unpriced ones are told", async () => {
		const first = opening({ provider: "openai", model: "gpt-4o" });
		const failure = closing({ outcome: "upstream_failed", costNano: 0, usage: NO_USAGE, usageSource: "none" });
		await settle(store(), first, MIDNIGHT_MS, failure);
		await settle(store(), { ...first, attempt: 1, deploymentId: "dep_2" }, MIDNIGHT_MS, failure);
		const rescue = { ...first, attempt: 2, provider: "vllm", model: "own", priceVersion: undefined };
		await settle(store(), rescue, MIDNIGHT_MS, closing({ costNano: 0 }));
		expect(await total(store())).toMatchObject({ requests: 1, errors: 2, unpricedRequests: 1 });
		for (const toMs of [MIDNIGHT_MS + DAY_MS, MIDNIGHT_MS + 1]) {
			const byProvider = await store().attempts.spend({ fromMs: MIDNIGHT_MS, toMs, groupBy: ["provider"] });
			expect([...byProvider].sort((a, b) => b.errors - a.errors)).toMatchObject([
				{ group: { provider: "openai" }, requests: 1, errors: 2, unpricedRequests: 0 },
				{ group: { provider: "vllm" }, requests: 1, errors: 0, unpricedRequests: 1 },
			]);
		}
	});

	test("what is in flight is not spend", async () => {
		store().writer.opened(opening(), MIDNIGHT_MS);
		await store().writer.flush();
		expect(await total(store())).toBeUndefined();
	});

	test("budgets are rebuilt by key and by team", async () => {
		await settle(store(), opening({ keyId: "vk_A", team: "blue" }), MIDNIGHT_MS - 1, closing({ costNano: 1_000 }));
		await settle(store(), opening({ keyId: "vk_A", team: "blue" }), MIDNIGHT_MS, closing({ costNano: 1 }));
		await settle(store(), opening({ keyId: "vk_B", team: "blue" }), MIDNIGHT_MS + 1, closing({ costNano: 2 }));
		await settle(store(), opening({ keyId: "vk_C", team: undefined }), MIDNIGHT_MS + 2, closing({ costNano: 4 }));
		expect(await store().attempts.spentSince(MIDNIGHT_MS)).toEqual(
			new Map([
				["key:vk_A", 1],
				["team:blue", 3],
				["key:vk_B", 2],
				["key:vk_C", 4],
			]),
		);
	});
}

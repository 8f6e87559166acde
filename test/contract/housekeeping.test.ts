import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { newRequestId } from "../../src/lib/ids.ts";
import type { Store } from "../../src/store/types.ts";
import { closing, DAY_MS, MIDNIGHT_MS, opening } from "../unit/store/ledger-samples.ts";
import { type Backend, startBackends } from "./backends.ts";

const DAY = MIDNIGHT_MS / DAY_MS;
const EVER = { fromMs: 0, toMs: 8.64e15, groupBy: ["key", "model"] as const };

for (const [name, start] of await startBackends()) {
	describe(`housekeeping on ${name}`, () => {
		let backend: Backend;
		let store: Store;
		beforeEach(async () => {
			backend = await start();
			store = backend.store;
		});
		afterEach(() => backend.remove());

		async function settle(atMs: number, facts: Parameters<typeof opening>[0] = {}, objectId?: string): Promise<string> {
			const attempt = opening({ requestId: newRequestId(), ...facts });
			await store.writer.settled(attempt, atMs, closing({ objectId }), atMs + 1);
			return attempt.requestId;
		}

		test("days with rows are found in their order", async () => {
			await settle(MIDNIGHT_MS + 3 * DAY_MS);
			await settle(MIDNIGHT_MS + DAY_MS - 1);
			expect(await store.housekeeping.nextDay(0, DAY + 9)).toBe(DAY);
			expect(await store.housekeeping.nextDay(DAY + 1, DAY + 9)).toBe(DAY + 3);
			expect(await store.housekeeping.nextDay(DAY + 1, DAY + 3)).toBeUndefined();
		});

		test("a day is walked through in slices, its spend stays, and it is proved at every step", async () => {
			const ids = [];
			for (let index = 0; index < 7; index += 1) {
				ids.push(await settle(MIDNIGHT_MS + index, { model: index % 2 ? "large" : "small" }));
			}
			await settle(MIDNIGHT_MS, { requestId: ids[0] ?? "", attempt: 1 });
			const before = await store.attempts.spend(EVER);
			const deleted: number[] = [];
			let from: Awaited<ReturnType<typeof store.housekeeping.pruneDay>>["next"];
			do {
				const slice = await store.housekeeping.pruneDay(DAY, from, { rowsMax: 3, ownersSinceMs: 0 });
				deleted.push(slice.deleted);
				from = slice.next;
				expect((await store.housekeeping.checkDay(DAY)).differences).toEqual([]);
			} while (from !== undefined);
			expect(deleted).toEqual([3, 3, 2]);
			expect(await store.housekeeping.checkDay(DAY)).toMatchObject({ attempts: 0, pruned: 8 });
			expect(new Set(await store.attempts.spend(EVER))).toEqual(new Set(before));
			expect(await store.attempts.byRequest(ids[0] ?? "")).toEqual([]);
		});

		test("what is needed stays: rows in flight, first attempts of younger ones, makers of stored objects", async () => {
			store.writer.opened(opening({ requestId: newRequestId() }), MIDNIGHT_MS);
			await store.writer.flush();
			const requestId = await settle(MIDNIGHT_MS + 1);
			await settle(MIDNIGHT_MS + DAY_MS, { requestId, attempt: 1 });
			await settle(MIDNIGHT_MS + 2, {}, "resp_1");
			await settle(MIDNIGHT_MS + 3);
			const bounds = { rowsMax: 100, ownersSinceMs: MIDNIGHT_MS + 2 };
			expect(await store.housekeeping.pruneDay(DAY, undefined, bounds)).toEqual({ deleted: 1, next: undefined });
			expect(await store.housekeeping.checkDay(DAY)).toMatchObject({ attempts: 3, unsettled: 1, differences: [] });
			expect(await store.attempts.ownerOf("resp_1")).toMatchObject({ keyId: "vk_A" });
			await store.housekeeping.pruneDay(DAY + 1, undefined, bounds);
			const later = { rowsMax: 100, ownersSinceMs: MIDNIGHT_MS + 3 };
			expect(await store.housekeeping.pruneDay(DAY, undefined, later)).toEqual({ deleted: 2, next: undefined });
			expect((await store.housekeeping.checkDay(DAY)).differences).toEqual([]);
		});

		test("its size is told", async () => {
			const { fileBytes, usedBytes } = await store.housekeeping.size();
			expect(usedBytes).toBeGreaterThan(0);
			expect(fileBytes).toBeGreaterThanOrEqual(usedBytes);
		});
	});
}

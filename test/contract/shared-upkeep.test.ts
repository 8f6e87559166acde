import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { SQL } from "bun";
import { newRequestId } from "../../src/lib/ids.ts";
import type { RowCursor } from "../../src/store/housekeeping-types.ts";
import type { PostgresStore } from "../../src/store/postgres-store.ts";
import { conversationRecord, HORIZON, KEPT_AT_MS, turnRecord, userMessage } from "../support/kept-samples.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { until } from "../support/wait.ts";
import { closing, DAY_MS, MIDNIGHT_MS, opening } from "../unit/store/ledger-samples.ts";
import { type InstancesRig, startInstances } from "./instances-rig.ts";

const DAY = MIDNIGHT_MS / DAY_MS;

const server = await startPostgres();
afterAll(() => server?.stop());

describe.skipIf(server === undefined)("upkeep by several instances", () => {
	let rig: InstancesRig;
	let stores: readonly PostgresStore[];
	beforeEach(async () => {
		rig = await startInstances(server as PostgresServer);
		stores = await Promise.all([1, 2, 3].map(() => rig.open()));
	});
	afterEach(() => rig.remove());

	const first = () => stores[0] as PostgresStore;

	test("rows are kept bounded by one at a time, and by another one when it is gone", async () => {
		const claims = await Promise.all(stores.map(({ housekeeping }) => housekeeping.claim()));
		expect(claims.filter(Boolean)).toHaveLength(1);
		const holder = stores[claims.indexOf(true)] as PostgresStore;
		const others = stores.filter((store) => store !== holder);
		expect(await holder.housekeeping.claim()).toBe(true);
		expect(await Promise.all(others.map(({ housekeeping }) => housekeeping.claim()))).toEqual([false, false]);
		await holder.shared.membership.leave();
		expect(await Promise.all(others.map(({ housekeeping }) => housekeeping.claim()))).toContain(true);
	});

	test("a day that all of them prune at once is pruned once, and reconciles", async () => {
		await Promise.all(
			Array.from({ length: 60 }, async (_, index) => {
				const requestId = newRequestId();
				for (let attempt = 0; attempt <= index % 2; attempt += 1) {
					await first().writer.settled(opening({ requestId, attempt }), MIDNIGHT_MS + index, closing(), MIDNIGHT_MS);
				}
			}),
		);
		const before = await first().attempts.spend({ fromMs: 0, toMs: 8.64e15, groupBy: [] });
		const deleted = await Promise.all(stores.map(prune));
		expect(deleted.reduce((sum, count) => sum + count, 0)).toBe(90);
		expect(await first().housekeeping.checkDay(DAY)).toMatchObject({ attempts: 0, pruned: 90, differences: [] });
		expect(await first().attempts.spend({ fromMs: 0, toMs: 8.64e15, groupBy: [] })).toEqual(before);
	});

	async function prune({ housekeeping }: PostgresStore): Promise<number> {
		let deleted = 0;
		let from: RowCursor | undefined;
		do {
			const slice = await housekeeping.pruneDay(DAY, from, { rowsMax: 7, ownersSinceMs: 0 });
			deleted += slice.deleted;
			from = slice.next;
		} while (from !== undefined);
		return deleted;
	}

	test("what is over of kept responses goes once, whoever looks for it", async () => {
		const expiresAtMs = KEPT_AT_MS;
		await Promise.all(
			Array.from({ length: 80 }, async (_, index) => {
				await first().responses.save({ record: turnRecord(`resp_${index}`, { expiresAtMs }), append: undefined });
				await first().conversations.create(conversationRecord(`conv_${index}`, { expiresAtMs }), [
					userMessage(`msg_${index}`, "x"),
				]);
			}),
		);
		await first().responses.save({ record: turnRecord("resp_young"), append: undefined });
		const removed = await Promise.all(
			stores.map(async ({ responses }) => {
				let total = 0;
				for (let idle = 0; idle < 3; ) {
					const count = await responses.prune(HORIZON, 9);
					total += count;
					idle = count === 0 ? idle + 1 : 0;
				}
				return total;
			}),
		);
		expect(removed.reduce((sum, count) => sum + count, 0)).toBe(160);
		expect(await rig.query("select id from responses")).toEqual([["resp_young"]]);
		expect(await rig.query("select count(*)::text from conversation_items")).toEqual([["0"]]);
		expect(await rig.query("select count(*)::text from response_items")).toEqual([["1"]]);
	});

	test("a conversation that somebody goes on with at that very moment stays", async () => {
		await first().conversations.create(conversationRecord("conv_1", { expiresAtMs: KEPT_AT_MS }), [
			userMessage("msg_1", "x"),
		]);
		await using other = new SQL(rig.url, { max: 1, prepare: false });
		await other.unsafe("begin");
		await other.unsafe(`update conversations set expires_at = ${KEPT_AT_MS + DAY_MS} where id = 'conv_1'`);
		const pruned = first().responses.prune(HORIZON, 10);
		await until("the pruning to meet it", async () => {
			const [row] = await rig.query("select count(*)::text from pg_locks where not granted");
			return Number(row?.[0]) > 0;
		});
		await other.unsafe("commit");
		expect(await pruned).toBe(0);
		expect(await first().conversations.allItems("conv_1")).toHaveLength(1);
	});
});

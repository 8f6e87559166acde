import { describe, expect, test } from "bun:test";
import { DAY_MS } from "./ledger-samples.ts";
import { unserved } from "./unserved-samples.ts";
import { startUpkeepRig } from "./upkeep-rig.ts";

const START_MS = Date.UTC(2031, 9, 30, 22);
const MEBIBYTE = 2 ** 20;

type Rig = Awaited<ReturnType<typeof startUpkeepRig>>;

/** Requests that nobody was asked for, at the clock's time. */
async function refuse(rig: Rig, name: string, requests: number): Promise<void> {
	for (let index = 0; index < requests; index += 1) {
		const requestId = `req_${name}_${String(index).padStart(20, "0")}`;
		rig.store().unserved.keep(unserved({ requestId, atMs: rig.clock.now() }));
	}
	await rig.store().unserved.flush();
}

/** By what they were named, how many there are. */
function left(rig: Rig): Record<string, number> {
	const rows = rig.sql<{ name: string; n: number }>(
		"select substr(request_id, 5, 3) as name, count(*) as n from unserved_requests group by 1 order by 1",
	);
	return Object.fromEntries(rows.map(({ name, n }) => [name, n]));
}

describe("requests that nobody was asked for", () => {
	test("go when the retention is over, slice by slice, and not before", async () => {
		await using rig = await startUpkeepRig(START_MS, { retentionMs: 3 * DAY_MS });
		await refuse(rig, "old", 250);
		rig.clock.pass(DAY_MS);
		await refuse(rig, "new", 2);
		rig.clock.pass(2 * DAY_MS);
		await rig.keeper().round();
		expect(left(rig)).toEqual({ new: 2, old: 250 });
		rig.clock.pass(1);
		await rig.keeper().round();
		expect(left(rig)).toEqual({ new: 2 });
	});

	test("go before anything that cost money where the file is too large, but for the last hour's", async () => {
		await using rig = await startUpkeepRig(START_MS);
		await rig.settle(1_000);
		rig.clock.pass(10 * DAY_MS);
		await refuse(rig, "old", 450);
		rig.clock.pass(2 * 3_600_000);
		await refuse(rig, "new", 40);
		const { usedBytes } = await rig.store().housekeeping.size();
		rig.settings.bytesMax = usedBytes - 30_000;
		await rig.keeper().round();
		expect(left(rig)).toMatchObject({ new: 40 });
		expect(left(rig).old ?? 0).toBeLessThan(450);
		expect(rig.count()).toBe(1_000);
		rig.settings.bytesMax = MEBIBYTE / 16;
		await rig.keeper().round();
		expect(left(rig)).toEqual({ new: 40 });
		expect(rig.count()).toBe(0);
		expect(await rig.unreconciled()).toEqual([]);
	});

	test("stay while the calendar cannot be trusted", async () => {
		await using rig = await startUpkeepRig(START_MS, { retentionMs: 3 * DAY_MS });
		await refuse(rig, "old", 3);
		await rig.keeper().round();
		rig.clock.set(START_MS + 400 * DAY_MS);
		await rig.keeper().round();
		expect(left(rig)).toEqual({ old: 3 });
	});
});

import { describe, expect, test } from "bun:test";
import { closing, DAY_MS, opening } from "./ledger-samples.ts";
import { startUpkeepRig } from "./upkeep-rig.ts";

const START_MS = Date.UTC(2031, 9, 30, 22);
const MEBIBYTE = 2 ** 20;

type Rig = Awaited<ReturnType<typeof startUpkeepRig>>;

async function keepResponse(rig: Rig, id: string, kilobytes: number): Promise<void> {
	const createdAtMs = rig.clock.now();
	await rig.store().responses.save({
		record: {
			id,
			keyId: "vk_A",
			team: undefined,
			createdAtMs,
			expiresAtMs: createdAtMs + 400 * DAY_MS,
			alias: "smart",
			previousResponseId: undefined,
			conversationId: undefined,
			inputItems: [],
			response: { id, text: "x".repeat(kilobytes * 1_024) },
		},
		append: undefined,
	});
}

async function used(rig: Rig): Promise<number> {
	return (await rig.store().housekeeping.size()).usedBytes;
}

function kept(rig: Rig): readonly string[] {
	return rig.sql<{ id: string }>("select id from responses order by created_at").map(({ id }) => id);
}

describe("a file that is larger than it may be", () => {
	test("loses its oldest attempts first, and as few as it takes; kept responses, keys and daily sums stay", async () => {
		await using rig = await startUpkeepRig(START_MS);
		await keepResponse(rig, "resp_old", 200);
		for (let day = 0; day < 10; day += 1) {
			await rig.settle(1_000);
			rig.clock.pass(DAY_MS);
		}
		const before = await rig.total();
		const newest = rig.days().at(-1);
		rig.settings.bytesMax = Math.floor((await used(rig)) * 0.6);
		await rig.keeper().round();
		expect(await used(rig)).toBeLessThanOrEqual(rig.settings.bytesMax);
		expect(rig.count()).toBeGreaterThan(3_000);
		expect(rig.days().at(-1)).toBe(newest);
		expect(kept(rig)).toEqual(["resp_old"]);
		expect(await rig.total()).toEqual(before);
		expect(await rig.unreconciled()).toEqual([]);
		expect(rig.logs.filter(({ level }) => level === "error")).toEqual([]);
	});

	test("then loses its oldest kept responses and conversations, but for the last hour's", async () => {
		await using rig = await startUpkeepRig(START_MS);
		const conversation = { keyId: "vk_A", team: undefined, metadata: {} };
		const createdAtMs = rig.clock.now();
		const times = { createdAtMs, changedAtMs: createdAtMs, expiresAtMs: createdAtMs + 400 * DAY_MS };
		const item = { id: "msg_1", type: "message", text: "x".repeat(500_000) };
		await rig.store().conversations.create({ id: "conv_oldest", ...conversation, ...times }, [item]);
		for (let index = 0; index < 60; index += 1) {
			rig.clock.pass(60_000);
			await keepResponse(rig, `resp_${String(index).padStart(2, "0")}`, 100);
		}
		rig.clock.pass(61 * 60_000);
		await keepResponse(rig, "resp_now", 100);
		rig.settings.bytesMax = 3 * MEBIBYTE;
		await rig.keeper().round();
		expect(await used(rig)).toBeLessThanOrEqual(rig.settings.bytesMax);
		expect(rig.sql("select id from conversations")).toEqual([]);
		expect(rig.sql("select item_id from conversation_items")).toEqual([]);
		expect(kept(rig).at(-1)).toBe("resp_now");
		expect(kept(rig)).not.toContain("resp_00");
		rig.settings.bytesMax = MEBIBYTE / 4;
		await rig.keeper().round();
		expect(kept(rig)).toEqual(["resp_now"]);
	});

	test("keeps the attempts of today and yesterday and those in flight, and says once that it cannot be made to fit", async () => {
		await using rig = await startUpkeepRig(START_MS);
		const open = opening();
		rig.store().writer.opened(open, rig.clock.now());
		await rig.settle(500);
		rig.clock.pass(2 * DAY_MS);
		await rig.settle(500);
		rig.clock.pass(DAY_MS);
		await rig.settle(500);
		rig.settings.bytesMax = MEBIBYTE / 16;
		await rig.keeper().round();
		await rig.keeper().round();
		expect(rig.count()).toBe(1_001);
		expect(rig.logs.filter(({ level }) => level === "error").map(({ event }) => event)).toEqual(["storage_over_size"]);
		rig.settings.bytesMax = 100 * MEBIBYTE;
		await rig.keeper().round();
		expect(rig.logs.at(-1)).toMatchObject({ level: "info", event: "storage_within_size" });
		await rig.store().writer.settled(open, START_MS, closing(), rig.clock.now());
		expect(await rig.unreconciled()).toEqual([]);
	});

	test("never loses a day that does not reconcile", async () => {
		await using rig = await startUpkeepRig(START_MS);
		await rig.settle(500);
		rig.sql("update spend_days set cost_nano = cost_nano + 1");
		rig.clock.pass(5 * DAY_MS);
		rig.settings.bytesMax = MEBIBYTE / 16;
		await rig.keeper().round();
		expect(rig.count()).toBe(500);
		expect(rig.logs.map(({ event }) => event)).toEqual(["storage_day_refused", "storage_over_size"]);
	});
});

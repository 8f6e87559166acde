import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { newRequestId } from "../../src/lib/ids.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { until, within } from "../support/wait.ts";
import { closing, MIDNIGHT_MS, opening } from "../unit/store/ledger-samples.ts";
import { type InstancesRig, startInstances } from "./instances-rig.ts";

const server = await startPostgres();
afterAll(() => server?.stop());

describe.skipIf(server?.process === undefined)("an instance that leaves while the database is away", () => {
	let rig: InstancesRig;
	beforeEach(async () => {
		// Skipped where there is none.
		rig = await startInstances(server as PostgresServer);
	});
	afterEach(() => rig.remove());

	const attempt = () => opening({ requestId: newRequestId(), reservedNano: 500_000 });
	const cost = async (requestId: string) => {
		const [row = []] = await rig.query(
			"select cost_nano::text from attempts where request_id = $1 and settled_at is not null",
			[requestId],
		);
		return row[0];
	};

	test("has its settled attempts at what they cost, though they wait on its disk as it leaves", async () => {
		const store = await rig.open();
		const one = attempt();
		store.writer.opened(one, MIDNIGHT_MS);
		await store.writer.flush();
		server?.process?.freeze();
		try {
			await store.writer.settled(one, MIDNIGHT_MS, closing({ costNano: 99_000 }), MIDNIGHT_MS + 5);
			expect(store.backlog.outboxRows?.()).toBe(1);
			const left = store.shared.membership.leave();
			server?.process?.thaw();
			await within("the leave", left, 20_000);
		} finally {
			server?.process?.thaw();
		}
		expect(await cost(one.requestId)).toBe("99000");
		expect(await rig.query("select 1 from instances")).toEqual([]);
	}, 30_000);

	test("has what it never settled charged at its reservation", async () => {
		const store = await rig.open();
		const one = attempt();
		store.writer.opened(one, MIDNIGHT_MS);
		await store.writer.flush();
		await store.shared.membership.leave();
		await until("the row", async () => (await cost(one.requestId)) === "500000");
	}, 30_000);
});

import { expect, test } from "bun:test";
import { join } from "node:path";
import { openOutbox } from "../../../src/store/outbox.ts";
import { createPostgresWriter } from "../../../src/store/postgres-writer.ts";
import { systemScheduler } from "../../../src/store/scheduler.ts";
import { dayOf } from "../../../src/store/spend-days.ts";
import { openLog, openStore, temporaryDirectory } from "./ledger-samples.ts";

const KILLS = 8;
/** Long enough for a few hundred settles, and a different moment each time. */
const ACKNOWLEDGED_MIN = 150;

type Place = ReturnType<typeof temporaryDirectory>;

/** Starts a writer in a process of its own, and kills it once it has acknowledged enough settles. */
async function killWhileSettling(place: Place, mode: "away" | "flaky", cycle: number): Promise<string[]> {
	const child = Bun.spawn({
		cmd: [process.execPath, join(import.meta.dir, "outbox-for-ever.ts"), place.directory, place.database, mode],
		stdout: "pipe",
		stderr: "inherit",
	});
	const decoder = new TextDecoder();
	let text = "";
	for await (const bytes of child.stdout) {
		text += decoder.decode(bytes, { stream: true });
		if (!child.killed && text.split("\n").length > ACKNOWLEDGED_MIN + cycle * 97) {
			child.kill("SIGKILL");
		}
	}
	await child.exited;
	// The last line may be cut in the middle of an id.
	return text.split("\n").slice(0, -1);
}

/** What the next process does at its start: it brings the outbox to the database. */
async function drain(place: Place): Promise<void> {
	const ledger = openLog(place);
	const outbox = openOutbox(place);
	const writer = createPostgresWriter({
		log: { write: async (openings, settles) => ledger.log.write(openings, settles) },
		outbox,
		instance: "ins_2",
		scheduler: systemScheduler,
		onProblem: () => {},
	});
	await writer.drained();
	expect(outbox.count()).toBe(0);
	await writer.close();
	outbox.close();
	ledger.close();
}

async function expectAllOnce(place: Place, acknowledged: readonly string[]): Promise<void> {
	const store = await openStore(place);
	const rows = await Promise.all(acknowledged.map((id) => store.attempts.byRequest(id)));
	expect(rows.filter(([row, ...more]) => row?.closing?.outcome !== "ok" || more.length > 0)).toEqual([]);
	for (const day of new Set([dayOf(Date.now()), dayOf(Date.now() - 60_000)])) {
		expect((await store.housekeeping.checkDay(day)).differences).toEqual([]);
	}
	await store.close();
}

test("kill -9 while the database is away loses no acknowledged settle", async () => {
	using place = temporaryDirectory();
	const acknowledged: string[] = [];
	for (let cycle = 0; cycle < KILLS / 2; cycle += 1) {
		acknowledged.push(...(await killWhileSettling(place, "away", cycle)));
		const outbox = openOutbox(place);
		const onDisk = new Set(
			outbox.oldest(1_000_000).map(({ row }) => row.kind === "settle" && row.write.opening.requestId),
		);
		outbox.close();
		expect(acknowledged.filter((id) => !onDisk.has(id))).toEqual([]);
	}
	await drain(place);
	await expectAllOnce(place, acknowledged);
}, 60_000);

test("kill -9 while the database comes and goes loses none and doubles none", async () => {
	using place = temporaryDirectory();
	const acknowledged: string[] = [];
	for (let cycle = 0; cycle < KILLS; cycle += 1) {
		acknowledged.push(...(await killWhileSettling(place, "flaky", cycle)));
	}
	expect(acknowledged.length).toBeGreaterThanOrEqual(KILLS * ACKNOWLEDGED_MIN);
	await drain(place);
	await expectAllOnce(place, acknowledged);
}, 60_000);

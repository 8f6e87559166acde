import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { openOutbox } from "../../../src/store/outbox.ts";
import type { Outbox } from "../../../src/store/outbox-types.ts";
import { closing, opening, temporaryDirectory } from "./ledger-samples.ts";
import { type Answer, faultyOutbox, simulatedDatabase, virtualTime, writerOn } from "./postgres-writer-rig.ts";

let place: ReturnType<typeof temporaryDirectory>;
let outbox: Outbox;
beforeEach(() => {
	place = temporaryDirectory();
	outbox = openOutbox({ directory: place.directory, rowsMax: 20 });
});
afterEach(() => {
	outbox.close();
	place[Symbol.dispose]();
});

/** A writer whose database refuses rows, on a disk that can be made to fail. */
function rig(facts: { journalRowsMax?: number } = {}) {
	const time = virtualTime();
	const database = simulatedDatabase(time.scheduler);
	database.answers("refused");
	const { outbox: faulty, failing } = faultyOutbox(outbox);
	const made = writerOn({ log: database.log, outbox: faulty, scheduler: time.scheduler, ...facts });
	const acknowledged: string[] = [];
	function settle(costNano = 5) {
		const attempt = opening();
		const done = made.writer.settled(attempt, 1, closing({ costNano }), 2);
		void done.then(() => acknowledged.push(attempt.requestId));
		return attempt.requestId;
	}
	return { ...made, time, database, failing, acknowledged, settle };
}

describe("a disk that refuses rows while the database is away", () => {
	test("makes the writer unhealthy; no answer waits; rows go to disk as soon as it takes them", async () => {
		const { settle, time, failing, writer, acknowledged, kinds } = rig();
		failing.append = true;
		settle();
		await time.advance(1);
		expect(writer.healthy()).toBe(false);
		settle();
		await time.settle();
		expect(acknowledged).toHaveLength(2);
		expect([writer.queued(), outbox.count()]).toEqual([2, 0]);
		failing.append = false;
		await time.advance(1_000);
		expect([writer.queued(), outbox.count(), writer.healthy()]).toEqual([0, 2, true]);
		expect(kinds()).toEqual(["database_away", "writes_failing", "writes_recovered"]);
	});

	test("the database that comes back first gets what waits in memory", async () => {
		const { settle, time, failing, writer, database, kinds } = rig();
		failing.append = true;
		for (let index = 0; index < 1_200; index += 1) {
			settle();
		}
		await time.advance(500);
		expect(writer.queued()).toBe(1_200);
		database.answers("ok");
		await time.advance(3_000);
		expect([writer.queued(), writer.healthy()]).toEqual([0, true]);
		expect(database.settled()).toHaveLength(1_200);
		expect(kinds()).toEqual(["database_away", "writes_failing", "writes_recovered", "database_back"]);
	});

	test("also where the disk does not drop what the database has got: written again later, counted once", async () => {
		const { settle, time, failing, writer, database, kinds, problems } = rig();
		settle();
		settle();
		await time.advance(1);
		failing.append = true;
		failing.dropThrough = true;
		settle();
		await time.advance(1_000);
		expect([writer.queued(), outbox.count(), writer.healthy()]).toEqual([1, 2, false]);
		database.answers("ok");
		await time.advance(3_000);
		expect([writer.queued(), writer.outboxRows(), outbox.count(), writer.healthy()]).toEqual([0, 0, 2, true]);
		expect(kinds()).toContain("outbox_failing");
		expect(problems.at(-1)).toEqual({ kind: "database_back", rowsReplayed: 2 });
		// A second outage goes behind them.
		database.answers("refused");
		failing.append = false;
		settle();
		await time.advance(1_000);
		expect([outbox.count(), writer.outboxRows()]).toEqual([3, 1]);
		database.answers("ok");
		await time.advance(2_000);
		expect([outbox.count(), writer.outboxRows()]).toEqual([3, 0]);
		failing.dropThrough = false;
		await time.advance(1_000);
		expect([outbox.count(), writer.outboxRows()]).toEqual([0, 0]);
		expect(database.settled()).toHaveLength(4);
	});

	test("rows that cannot be read wait, and nothing new begins", async () => {
		const { settle, time, failing, writer, database, kinds } = rig();
		settle();
		await time.advance(1);
		failing.oldest = true;
		database.answers("ok");
		await time.advance(3_000);
		expect([writer.healthy(), outbox.count(), database.settled().length]).toEqual([false, 1, 0]);
		settle();
		failing.oldest = false;
		await time.advance(3_000);
		expect([writer.healthy(), outbox.count(), database.settled().length]).toEqual([true, 0, 2]);
		expect(kinds()).toEqual(["database_away", "outbox_failing", "database_back"]);
	});

	test("a full journal gives up openings first, and no settle without saying so", async () => {
		const { settle, time, failing, writer, database, problems } = rig({ journalRowsMax: 4 });
		failing.append = true;
		writer.opened(opening(), 1);
		await time.advance(1);
		writer.opened(opening(), 1);
		const settles = [1, 2, 3, 4, 5].map((costNano) => settle(costNano));
		expect(writer.queued()).toBe(4);
		expect(problems.slice(2)).toMatchObject([
			{ kind: "settle_lost", reason: "journal_full", requestId: settles[0] ?? "", costNano: 1 },
		]);
		database.answers("ok");
		await time.advance(2_000);
		expect(problems.slice(3)).toEqual([
			{ kind: "writes_recovered", openingsDropped: 2 },
			{ kind: "database_back", rowsReplayed: 0 },
		]);
		expect(database.settled()).toHaveLength(4);
	});

	test("what the database may be writing at this moment is not given up", async () => {
		const { settle, time, failing, database, problems } = rig({ journalRowsMax: 3 });
		failing.append = true;
		database.answers({ kind: "late", afterMs: 1_900 });
		const first = settle();
		await time.advance(200);
		const others = [settle(), settle(), settle(), settle()];
		expect(problems.filter(({ kind }) => kind === "settle_lost")).toMatchObject([
			{ requestId: others[0] ?? "" },
			{ requestId: others[1] ?? "" },
		]);
		database.answers("ok");
		await time.advance(5_000);
		expect(database.settled().map(({ opening }) => opening.requestId)).toEqual([first, ...others.slice(2)]);
	});
});

test("beyond the bound of the outbox nothing new is taken on, what runs is kept, and it is told once", async () => {
	const { settle, time, writer, database, problems, acknowledged } = rig();
	for (let index = 0; index < 30; index += 1) {
		settle();
		await time.advance(10);
		expect(writer.healthy()).toBe(index < 19);
	}
	expect(acknowledged).toHaveLength(30);
	expect(problems.slice(1)).toEqual([{ kind: "outbox_full", rows: 20 }]);
	database.answers("ok");
	await time.advance(2_000);
	expect([writer.healthy(), outbox.count(), database.settled().length]).toEqual([true, 0, 30]);
	database.answers("refused");
	for (let index = 0; index < 30; index += 1) {
		settle();
	}
	await time.advance(1);
	expect(problems.filter(({ kind }) => kind === "outbox_full")).toHaveLength(2);
});

test("a queue that is longer than the journal goes to disk instead of being given up", async () => {
	const { settle, time, database, kinds } = rig({ journalRowsMax: 10 });
	database.answers({ kind: "late", afterMs: 100 });
	for (let index = 0; index < 25; index += 1) {
		settle();
	}
	await time.advance(2_000);
	expect(database.settled()).toHaveLength(25);
	expect(kinds()).not.toContain("settle_lost");
});

test("a row that is refused while others push it to disk is told of once", async () => {
	const { settle, time, database, kinds } = rig({ journalRowsMax: 3 });
	const answers: Answer[] = [{ kind: "late", afterMs: 100 }];
	database.answers(() => answers.shift() ?? "ok");
	settle(-1);
	await time.advance(50);
	for (let index = 0; index < 3; index += 1) {
		settle();
	}
	await time.advance(2_000);
	expect(kinds()).toEqual(["database_away", "settle_lost", "database_back"]);
	expect([database.settled().length, outbox.count()]).toEqual([3, 0]);
});

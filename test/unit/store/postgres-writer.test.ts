import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { openOutbox } from "../../../src/store/outbox.ts";
import type { Outbox } from "../../../src/store/outbox-types.ts";
import { closing, opening, temporaryDirectory } from "./ledger-samples.ts";
import { type Answer, faultyOutbox, simulatedDatabase, virtualTime, writerOn } from "./postgres-writer-rig.ts";

let place: ReturnType<typeof temporaryDirectory>;
let outbox: Outbox;
beforeEach(() => {
	place = temporaryDirectory();
	outbox = openOutbox({ directory: place.directory });
});
afterEach(() => {
	outbox.close();
	place[Symbol.dispose]();
});

const HANGS: Answer = { kind: "cut", atMs: 2_000, writtenAfterMs: undefined };

/** A writer between a simulated database and a real outbox. */
function rig(facts: { journalRowsMax?: number; closeMsMax?: number } = {}) {
	const time = virtualTime();
	const database = simulatedDatabase(time.scheduler);
	const { outbox: shelf, failing } = faultyOutbox(outbox);
	const { scheduler } = time;
	const made = writerOn({ log: database.log, outbox: shelf, scheduler, ...facts });
	const { writer } = made;
	/** Ids of those whose settle has been acknowledged, in that order. */
	const acknowledged: string[] = [];
	function settle(attempt = opening(), costNano = 5) {
		const done = writer.settled(attempt, 1, closing({ costNano }), 2);
		void done.then(() => acknowledged.push(attempt.requestId));
		return attempt;
	}
	const idsInDatabase = () => database.settled().map(({ opening }) => opening.requestId);
	return { ...made, time, database, failing, acknowledged, settle, idsInDatabase };
}

describe("while the database is well", () => {
	test("a settle is acknowledged when the database has it, and nothing touches the disk", async () => {
		const { settle, time, acknowledged, idsInDatabase, database, writer, problems } = rig();
		database.answers({ kind: "late", afterMs: 100 });
		const { requestId } = settle();
		await time.advance(99);
		expect(acknowledged).toEqual([]);
		await time.advance(1);
		expect(acknowledged).toEqual([requestId]);
		expect(idsInDatabase()).toEqual([requestId]);
		await time.advance(10_000);
		expect([writer.queued(), writer.outboxRows(), outbox.count(), problems.length]).toEqual([0, 0, 0, 0]);
	});

	test("what is queued while a statement is on its way goes together in the next one", async () => {
		const { settle, time, database, writer } = rig();
		database.answers({ kind: "late", afterMs: 10 });
		settle();
		await time.advance(1);
		for (let index = 0; index < 7; index += 1) {
			settle();
		}
		writer.opened(opening(), 1);
		await time.advance(20);
		expect(database.statements).toEqual([
			{ openings: 0, settles: 1 },
			{ openings: 1, settles: 7 },
		]);
	});

	test("a row that can never be written is reported, and does not hold up the others", async () => {
		const { settle, time, idsInDatabase, writer, problems } = rig();
		const bad = new Set([3, 4, 17]);
		const attempts = Array.from({ length: 20 }, (_, index) => settle(opening(), bad.has(index) ? -1 : 1));
		writer.opened(opening(), 1);
		await time.advance(1);
		expect(idsInDatabase()).toEqual(attempts.filter((_, index) => !bad.has(index)).map(({ requestId }) => requestId));
		expect(problems).toMatchObject(
			[...bad].map((index) => ({
				kind: "settle_lost",
				reason: "row_refused",
				requestId: attempts[index]?.requestId ?? "",
			})),
		);
		expect(writer.healthy()).toBe(true);
	});
});

describe("when the database refuses", () => {
	test("rows are on disk at once, requests go on, and nothing is told twice", async () => {
		const { settle, time, acknowledged, database, writer, kinds } = rig();
		database.answers("refused");
		writer.opened(opening(), 1);
		settle();
		settle();
		await time.advance(1);
		expect(acknowledged).toHaveLength(2);
		expect([outbox.count(), writer.queued(), writer.outboxRows()]).toEqual([3, 0, 3]);
		const { opening: attempt, ...facts } = outbox.oldest(3)[2]?.row.write ?? {};
		expect(attempt?.requestId).toBe(acknowledged[1]);
		expect(Object.keys(facts).toSorted()).toEqual(["closing", "instance", "openedAtMs", "settledAtMs"]);
		expect(writer.healthy()).toBe(true);
		for (let second = 0; second < 30; second += 1) {
			settle();
			await time.advance(1_000);
		}
		expect(acknowledged).toHaveLength(32);
		expect(kinds()).toEqual(["database_away"]);
		expect(writer.healthy()).toBe(true);
	});

	test("it gets everything when it is back, in the order of time, and then new rows directly", async () => {
		const { settle, time, idsInDatabase, database, writer, problems, kinds } = rig();
		database.answers("refused");
		const attempts = Array.from({ length: 1_300 }, () => opening());
		for (const attempt of attempts) {
			writer.opened(attempt, 1);
		}
		await time.advance(1);
		for (const attempt of attempts) {
			settle(attempt);
		}
		await time.advance(5_000);
		expect(outbox.count()).toBe(2_600);
		database.answers("ok");
		await time.advance(1_000);
		expect(idsInDatabase()).toEqual(attempts.map(({ requestId }) => requestId));
		expect([outbox.count(), writer.queued()]).toEqual([0, 0]);
		expect(kinds()).toEqual(["database_away", "database_back"]);
		expect(problems[1]).toEqual({ kind: "database_back", rowsReplayed: 2_600 });
		const written = database.statements.length;
		settle();
		await time.advance(1);
		expect(database.statements.slice(written)).toEqual([{ openings: 0, settles: 1 }]);
		expect(outbox.oldest(9)).toEqual([]);
	});

	test("it is tried again after 250 ms, and less and less often until once a second", async () => {
		const { settle, time, database } = rig();
		const triesMs: number[] = [];
		database.answers(() => {
			triesMs.push(time.nowMs());
			return "refused";
		});
		settle();
		await time.advance(6_000);
		expect(triesMs).toEqual([0, 0, 250, 750, 1_750, 2_750, 3_750, 4_750, 5_750]);
	});

	test("a row that can never be written holds up none of those behind it", async () => {
		const { settle, time, idsInDatabase, database, problems, kinds } = rig();
		database.answers("refused");
		const attempts = Array.from({ length: 900 }, (_, index) => settle(opening(), index === 700 ? -1 : 1));
		await time.advance(1);
		database.answers("ok");
		await time.advance(1_000);
		expect(idsInDatabase()).toHaveLength(899);
		expect(kinds()).toEqual(["database_away", "settle_lost", "database_back"]);
		expect(problems[1]).toMatchObject({ reason: "row_refused", requestId: attempts[700]?.requestId ?? "" });
		expect(problems[1]).toMatchObject({ keyId: "vk_A", attempt: 0, costNano: -1 });
		expect(outbox.count()).toBe(0);
	});

	test("a statement that was written, but never said so, counts once", async () => {
		const { settle, time, idsInDatabase, database } = rig();
		const answers: Answer[] = ["unsaid", "unsaid", "unsaid", "ok"];
		database.answers(() => answers.shift() ?? "ok");
		const { requestId } = settle();
		await time.advance(2_000);
		expect(idsInDatabase()).toEqual([requestId]);
		expect(database.statements).toHaveLength(4);
		expect(outbox.count()).toBe(0);
	});
});

describe("when the database is late", () => {
	test("nobody waits longer than 150 ms, whatever has been queued meanwhile", async () => {
		const { settle, time, acknowledged, database, problems, writer } = rig();
		database.answers(HANGS);
		settle();
		await time.advance(60);
		settle();
		writer.opened(opening(), 1);
		await time.advance(89);
		expect(acknowledged).toEqual([]);
		await time.advance(1);
		expect(acknowledged).toHaveLength(2);
		expect(outbox.count()).toBe(3);
		expect(problems).toMatchObject([{ kind: "database_away", cause: { name: "PostgresTimeout" } }]);
		settle();
		await time.advance(0);
		expect(acknowledged).toHaveLength(3);
		expect(writer.healthy()).toBe(true);
	});

	test("there is never more than one statement on its way, and the late one counts once", async () => {
		const { settle, time, idsInDatabase, database, kinds } = rig();
		const answers: Answer[] = [{ kind: "late", afterMs: 1_500 }];
		database.answers(() => answers.shift() ?? "ok");
		const first = settle();
		await time.advance(200);
		const second = settle();
		await time.advance(1_000);
		expect(database.statements).toHaveLength(0);
		await time.advance(2_000);
		expect(idsInDatabase()).toEqual([first.requestId, second.requestId]);
		expect(kinds()).toEqual(["database_away", "database_back"]);
	});

	test("what comes to pass long after it was given up changes nothing", async () => {
		const { settle, time, idsInDatabase, database, writer } = rig();
		const answers: Answer[] = [{ kind: "cut", atMs: 2_000, writtenAfterMs: 5_000 }];
		database.answers(() => answers.shift() ?? "ok");
		const attempt = opening();
		writer.opened(attempt, 1);
		await time.advance(100);
		settle(attempt, 7);
		await time.advance(20_000);
		expect(idsInDatabase()).toEqual([attempt.requestId]);
		expect(database.settled()[0]?.closing.costNano).toBe(7);
	});

	test("requests that go on coming do not keep it away for ever", async () => {
		const { settle, time, acknowledged, database, kinds, idsInDatabase } = rig();
		database.answers("refused");
		const count = 4_000;
		for (let index = 0; index < count; index += 1) {
			settle();
			await time.advance(1);
			if (index === 1_000) {
				// Slower than rows come.
				database.answers({ kind: "late", afterMs: 20 });
			}
		}
		await time.advance(100);
		expect(kinds()).toEqual(["database_away", "database_back"]);
		expect(acknowledged).toHaveLength(count);
		expect(new Set(idsInDatabase()).size).toBe(count);
	}, 30_000);

	test("one that is always slow is told about once, and nobody waits for it again", async () => {
		const { settle, time, database, kinds, acknowledged, idsInDatabase } = rig();
		database.answers({ kind: "late", afterMs: 200 });
		for (let index = 0; index < 1_000; index += 1) {
			settle();
			await time.advance(10);
			expect(acknowledged).toHaveLength(index < 14 ? 0 : index + 1);
		}
		expect(kinds()).toEqual(["database_away"]);
		database.answers("ok");
		await time.advance(2_000);
		expect(kinds()).toEqual(["database_away", "database_back"]);
		expect(acknowledged).toHaveLength(1_000);
		expect(idsInDatabase()).toHaveLength(1_000);
	});
});

describe("while the last rows of the outbox are written, new ones wait in memory", () => {
	/** Two batches are answered, the first one slowly enough for a second one to be there; the second one is the last. */
	async function untilLast(last: Answer, facts = {}) {
		const made = rig(facts);
		const { settle, time, database } = made;
		const answers: Answer[] = ["refused", "refused", { kind: "late", afterMs: 100 }, last];
		database.answers(() => answers.shift() ?? "ok");
		settle();
		await time.advance(260);
		settle();
		await time.advance(100);
		expect([outbox.count(), answers.length]).toEqual([1, 0]);
		return made;
	}

	test("and go directly when those are written", async () => {
		const { settle, time, acknowledged, database } = await untilLast({ kind: "late", afterMs: 100 });
		settle();
		await time.advance(85);
		expect([acknowledged.length, outbox.count()]).toEqual([2, 1]);
		await time.advance(10);
		expect([acknowledged.length, outbox.count()]).toEqual([3, 0]);
		expect(database.settled()).toHaveLength(3);
	});

	test("and go to disk when the database is late or refuses after all; the next ones at once", async () => {
		for (const last of [HANGS, "refused"] as const) {
			const { settle, time, acknowledged, database } = await untilLast(last);
			settle();
			await time.advance(150);
			expect(acknowledged).toHaveLength(3);
			settle();
			await time.advance(0);
			expect(acknowledged).toHaveLength(4);
			await time.advance(5_000);
			expect([database.settled().length, outbox.count()]).toEqual([4, 0]);
		}
	});

	test("and go to disk when they are too many for memory: nothing stays there", async () => {
		const { settle, time, acknowledged, writer, database, kinds } = await untilLast(
			{ kind: "late", afterMs: 100 },
			{ journalRowsMax: 3 },
		);
		for (let index = 0; index < 8; index += 1) {
			settle();
		}
		await time.advance(0);
		expect(acknowledged).toHaveLength(10);
		await time.advance(5_000);
		expect([database.settled().length, outbox.count(), writer.outboxRows(), writer.queued()]).toEqual([10, 0, 0, 0]);
		expect(kinds()).toEqual(["database_away", "database_back"]);
	});

	test("and go directly also when the disk refuses them at that moment", async () => {
		const made = await untilLast({ kind: "late", afterMs: 100 }, { journalRowsMax: 3 });
		const { settle, time, writer, database, failing, kinds } = made;
		failing.append = true;
		for (let index = 0; index < 3; index += 1) {
			settle();
		}
		writer.opened(opening(), 1);
		await time.advance(5_000);
		expect([database.settled().length, outbox.count(), writer.queued(), writer.healthy()]).toEqual([5, 0, 0, true]);
		expect(kinds()).toEqual(["database_away", "writes_failing", "database_back", "writes_recovered"]);
	});
});

describe("what an earlier process has left", () => {
	test("is in the database before anybody is told that it is well, and what comes meanwhile is behind it", async () => {
		const left = Array.from({ length: 700 }, () => opening());
		outbox.append(
			left.map((attempt) => ({
				kind: "settle",
				write: { opening: attempt, openedAtMs: 1, closing: closing(), settledAtMs: 2 },
			})),
		);
		const { settle, time, idsInDatabase, database, writer, kinds, problems } = rig();
		let isDrained = false;
		void writer.drained().then(() => {
			isDrained = true;
		});
		database.answers("refused");
		const later = settle();
		await time.advance(3_000);
		expect(isDrained).toBe(false);
		expect(kinds()).toEqual(["database_away"]);
		database.answers("ok");
		await time.advance(1_000);
		expect(isDrained).toBe(true);
		expect(idsInDatabase()).toEqual([...left, later].map(({ requestId }) => requestId));
		expect(problems[1]).toEqual({ kind: "database_back", rowsReplayed: 701 });
	});

	test("nothing left: drained at once", async () => {
		await rig().writer.drained();
	});

	test("a row that lies there twice, or before and after it is settled, is one row", async () => {
		const attempt = opening();
		const write = { opening: attempt, openedAtMs: 1 };
		const settle = { ...write, closing: closing({ costNano: 3 }), settledAtMs: 2 };
		const second = { ...settle, closing: closing({ costNano: 4 }) };
		outbox.append([
			{ kind: "opening", write },
			{ kind: "settle", write: settle },
			{ kind: "settle", write: second },
			{ kind: "opening", write },
		]);
		const { time, database, writer } = rig();
		await time.advance(1_000);
		await writer.drained();
		expect(database.statements).toEqual([{ openings: 0, settles: 1 }]);
		expect(database.settled().map((row) => row.closing.costNano)).toEqual([3]);
	});
});

describe("closing", () => {
	test("writes what is queued to the database", async () => {
		const { settle, time, idsInDatabase, writer, problems } = rig();
		const { requestId } = settle();
		const closed = writer.close();
		await time.advance(40);
		await closed;
		expect(idsInDatabase()).toEqual([requestId]);
		expect(problems).toEqual([]);
	});

	test("leaves on disk what a database that is away does not take, and says so", async () => {
		for (const answer of ["refused", HANGS] as const) {
			const { settle, time, acknowledged, database, writer, problems } = rig();
			database.answers(answer);
			settle();
			writer.opened(opening(), 1);
			const closed = writer.close();
			await time.advance(2_020);
			await closed;
			expect(acknowledged).toHaveLength(1);
			expect(outbox.count()).toBe(2);
			expect(problems.at(-1)).toEqual({ kind: "outbox_left", rows: 2 });
			// Nothing goes on afterwards.
			database.answers("ok");
			await time.advance(10_000);
			expect([database.statements.length, outbox.count(), problems.length]).toEqual([0, 2, 2]);
			outbox.dropThrough(outbox.oldest(9).at(-1)?.place ?? 0);
		}
	});

	test("in the middle of a statement that hangs puts its rows on disk too", async () => {
		const { settle, time, database, writer } = rig({ closeMsMax: 60 });
		database.answers(HANGS);
		settle();
		await time.advance(10);
		const closed = writer.close();
		await time.advance(80);
		await closed;
		expect(outbox.count()).toBe(1);
		await time.advance(10_000);
		expect(outbox.count()).toBe(1);
	});

	test("does not touch the outbox any more, whatever the database says later", async () => {
		const { settle, time, database, writer, problems } = rig({ closeMsMax: 400 });
		database.answers({ kind: "late", afterMs: 1_000 });
		settle();
		await time.advance(200);
		const closed = writer.close();
		await time.advance(900);
		await closed;
		outbox.close();
		const told = problems.length;
		await time.advance(5_000);
		expect(problems.slice(told)).toEqual([]);
		outbox = openOutbox({ directory: place.directory });
		expect(outbox.count()).toBe(1);
	});

	test("tells of what neither takes, and of what comes too late", async () => {
		const { settle, time, acknowledged, database, failing, writer, problems } = rig();
		database.answers("refused");
		failing.append = true;
		const lost = settle(opening(), 9);
		const closed = writer.close();
		await time.advance(3_000);
		await closed;
		expect(problems.at(-1)).toMatchObject({ kind: "settle_lost", reason: "closed", costNano: 9 });
		const late = settle(opening(), 11);
		await time.advance(1);
		expect(problems.at(-1)).toMatchObject({ kind: "settle_lost", reason: "closed", costNano: 11 });
		expect(acknowledged).toEqual([lost.requestId, late.requestId]);
	});
});

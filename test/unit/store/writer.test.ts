import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { NO_USAGE } from "../../../src/lib/usage.ts";
import { createAttemptReader } from "../../../src/store/attempt-reader.ts";
import { systemScheduler } from "../../../src/store/scheduler.ts";
import type { StoreProblem } from "../../../src/store/types.ts";
import { createAttemptWriter } from "../../../src/store/writer.ts";
import { closing, manualScheduler, opening, openLog, temporaryDirectory } from "./ledger-samples.ts";

let place: ReturnType<typeof temporaryDirectory>;
let ledger: ReturnType<typeof openLog>;
let problems: StoreProblem[];
beforeEach(() => {
	place = temporaryDirectory();
	ledger = openLog(place);
	problems = [];
});
afterEach(() => {
	ledger.close();
	place[Symbol.dispose]();
});

/** A writer on a real database that counts its transactions and commits when the test says so. */
function manualWriter(journalRowsMax = 10_000) {
	const manual = manualScheduler();
	const transactions: { openings: number; settles: number }[] = [];
	const writer = createAttemptWriter({
		log: {
			write(openings, settles) {
				ledger.log.write(openings, settles);
				transactions.push({ openings: openings.length, settles: settles.length });
			},
		},
		scheduler: manual.scheduler,
		onProblem: (problem) => problems.push(problem),
		onCommit: () => {},
		journalRowsMax,
	});
	return { ...manual, transactions, writer };
}

function rowCount(condition = "1 = 1"): number {
	const row = ledger.client
		.query<{ count: number }, []>(`select count(*) as count from attempts where ${condition}`)
		.get();
	return row?.count ?? 0;
}

/** The disk is full: no page may be added. Rows that still fit into free space are written first. */
function fillDisk() {
	ledger.client.run(`PRAGMA max_page_count = ${pageCount()}`);
	for (;;) {
		try {
			ledger.log.write([{ opening: opening({ alias: "filler" }), openedAtMs: 1 }], []);
		} catch {
			return;
		}
	}
}

function freeDisk() {
	ledger.client.run("PRAGMA max_page_count = 1073741823");
}

function pageCount(): number {
	return ledger.client.query<{ page_count: number }, []>("PRAGMA page_count").get()?.page_count ?? 0;
}

/** Whether a promise has been fulfilled by now. */
async function isDone(promise: Promise<void>): Promise<boolean> {
	let done = false;
	void promise.then(() => {
		done = true;
	});
	await Promise.resolve();
	await Promise.resolve();
	return done;
}

describe("group commit", () => {
	test("whatever waits is committed together, as soon as the events at hand are handled", async () => {
		const { writer, soon, runSoon, transactions } = manualWriter();
		const attempts = Array.from({ length: 5 }, () => opening());
		for (const attempt of attempts) {
			writer.opened(attempt, 1);
		}
		const settled = [opening(), opening()].map((attempt) => writer.settled(attempt, 1, closing(), 2));
		expect(soon).toHaveLength(1);
		expect(await isDone(Promise.all(settled).then(() => {}))).toBe(false);
		runSoon();
		expect(transactions).toEqual([{ openings: 5, settles: 2 }]);
		await Promise.all(settled);
		expect(writer.queued()).toBe(0);
		expect(soon).toHaveLength(0);
	});

	test("an opening still queued when its settle arrives becomes one write", async () => {
		const { writer, runSoon, transactions } = manualWriter();
		const attempt = opening();
		writer.opened(attempt, 1);
		const settled = writer.settled(attempt, 1, closing(), 2);
		runSoon();
		await settled;
		expect(transactions).toEqual([{ openings: 0, settles: 1 }]);
		expect(rowCount("opened_at = 1 and settled_at = 2")).toBe(1);
	});

	test("a large crowd is written in bounded transactions", () => {
		const { writer, runSoon, soon, transactions } = manualWriter();
		for (let index = 0; index < 600; index += 1) {
			writer.opened(opening(), 1);
		}
		while (soon.length > 0) {
			runSoon();
		}
		expect(transactions.map(({ openings }) => openings)).toEqual([256, 256, 88]);
	});

	test("flush writes what is queued without waiting for its turn", async () => {
		const { writer } = manualWriter();
		writer.opened(opening(), 1);
		await writer.flush();
		expect(rowCount()).toBe(1);
	});

	test("with the real scheduler a single settle is on disk when its promise resolves", async () => {
		const writer = createAttemptWriter({
			log: ledger.log,
			scheduler: systemScheduler,
			onProblem: (problem) => problems.push(problem),
			onCommit: () => {},
		});
		await writer.settled(opening(), 1, closing(), 2);
		expect(rowCount("settled_at = 2")).toBe(1);
	});
});

describe("a disk that refuses rows", () => {
	test("makes the writer unhealthy, keeps the rows, and heals by itself", async () => {
		const { writer, runSoon, runLater, later } = manualWriter();
		fillDisk();
		const attempts = Array.from({ length: 40 }, () => opening());
		const settled = attempts.map((attempt) => writer.settled(attempt, 1, closing(), 2));
		runSoon();
		expect(writer.healthy()).toBe(false);
		// No answer waits for the disk: the rows are in the journal.
		await Promise.all(settled);
		await writer.settled(opening(), 1, closing(), 2);
		expect(writer.queued()).toBe(41);
		expect(rowCount("settled_at is not null")).toBe(0);
		expect(later.map(({ delayMs }) => delayMs)).toEqual([250]);
		runLater();
		expect(writer.healthy()).toBe(false);

		freeDisk();
		const flushed = writer.flush();
		await flushed;
		expect(writer.healthy()).toBe(true);
		expect(rowCount("settled_at is not null")).toBe(41);
		expect(problems).toEqual([
			{ kind: "writes_failing", cause: expect.objectContaining({ code: "SQLITE_FULL" }) },
			{ kind: "writes_recovered", openingsDropped: 0 },
		]);
	});

	test("recovers on the retry alone", () => {
		const { writer, runSoon, runLater } = manualWriter();
		fillDisk();
		writer.opened(opening(), 1);
		runSoon();
		freeDisk();
		runLater();
		expect([writer.healthy(), writer.queued()]).toEqual([true, 0]);
	});

	test("a flush begun meanwhile waits for the recovery", async () => {
		const { writer, runLater, runSoon } = manualWriter();
		fillDisk();
		writer.opened(opening(), 1);
		runSoon();
		const flushed = writer.flush();
		expect(await isDone(flushed)).toBe(false);
		freeDisk();
		runLater();
		await flushed;
	});

	test("a full journal gives up openings first, and no settle without saying so", () => {
		const { writer, runSoon, runLater } = manualWriter(4);
		fillDisk();
		const first = opening();
		writer.opened(first, 1);
		runSoon();
		const second = opening();
		writer.opened(second, 1);
		const settles = [opening(), opening(), opening(), opening(), opening()];
		for (const attempt of settles) {
			void writer.settled(attempt, 1, closing({ costNano: 77 }), 2);
		}
		expect(writer.queued()).toBe(4);
		expect(problems.slice(1)).toEqual([
			{
				kind: "settle_lost",
				reason: "journal_full",
				requestId: settles[0]?.requestId ?? "",
				attempt: 0,
				keyId: "vk_A",
				costNano: 77,
				cause: undefined,
			},
		]);
		freeDisk();
		runLater();
		expect(problems.at(-1)).toEqual({ kind: "writes_recovered", openingsDropped: 2 });
		expect(rowCount("cost_nano = 77")).toBe(4);
	});

	test("a settle whose opening was given up writes the whole row", async () => {
		const { writer, runSoon, runLater } = manualWriter(1);
		fillDisk();
		const attempt = opening();
		writer.opened(attempt, 1);
		runSoon();
		writer.opened(opening(), 1);
		void writer.settled(attempt, 1, closing(), 2);
		freeDisk();
		runLater();
		expect(rowCount(`request_id = '${attempt.requestId}' and settled_at = 2`)).toBe(1);
	});

	test("closing tells what could not be written", async () => {
		const { writer } = manualWriter();
		fillDisk();
		void writer.settled(opening(), 1, closing({ costNano: 5 }), 2);
		await writer.close();
		expect(problems.at(-1)).toMatchObject({ kind: "settle_lost", reason: "closed", costNano: 5 });
		expect(writer.queued()).toBe(0);
		freeDisk();
	});

	test("closing writes what waits", async () => {
		const { writer } = manualWriter();
		void writer.settled(opening(), 1, closing(), 2);
		await writer.close();
		expect(rowCount("settled_at = 2")).toBe(1);
	});
});

describe("a row that can never be written", () => {
	test.each([
		["a negative cost", { costNano: -1 }],
		["a cost that is no number", { costNano: Number.NaN }],
	])("%s is reported, and does not hold up the others", async (_, facts) => {
		const { writer, runSoon } = manualWriter();
		const bad = opening();
		const good = opening();
		const settled = Promise.all([
			writer.settled(bad, 1, closing(facts), 2),
			writer.settled(good, 1, closing({ costNano: 3 }), 2),
		]);
		runSoon();
		await settled;
		expect(writer.healthy()).toBe(true);
		expect(problems).toMatchObject([{ kind: "settle_lost", reason: "row_refused", requestId: bad.requestId }]);
		expect(rowCount("cost_nano = 3 and settled_at = 2")).toBe(1);
	});

	test("odd numbers of a provider are bent to what the columns hold", async () => {
		const { writer } = manualWriter();
		const attempt = opening();
		const usage = {
			...NO_USAGE,
			input: Number.NaN,
			cacheRead: -5,
			cacheWrite: 1.6,
			output: 1e300,
			reasoning: Number.POSITIVE_INFINITY,
			seconds: -1,
		};
		void writer.settled(attempt, 1, closing({ usage, ttftMs: 1.4, durationMs: -3 }), 2);
		await writer.flush();
		const reader = createAttemptReader({ ...ledger, turn: () => Promise.resolve(), sliceRowsMax: 10 });
		const [row] = await reader.byRequest(attempt.requestId);
		expect(row?.closing).toMatchObject({
			usage: {
				input: 0,
				cacheRead: 0,
				cacheWrite: 2,
				output: Number.MAX_SAFE_INTEGER,
				reasoning: Number.MAX_SAFE_INTEGER,
				seconds: 0,
			},
			ttftMs: 1,
			durationMs: 0,
		});
	});
});

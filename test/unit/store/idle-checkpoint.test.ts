import { afterEach, beforeEach, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { createIdleCheckpoint } from "../../../src/store/idle-checkpoint.ts";
import { manualScheduler, opening, openLog, temporaryDirectory } from "./ledger-samples.ts";

let place: ReturnType<typeof temporaryDirectory>;
let ledger: ReturnType<typeof openLog>;
let nowMs: number;
beforeEach(() => {
	place = temporaryDirectory();
	ledger = openLog(place);
	nowMs = 0;
});
afterEach(() => {
	ledger.close();
	place[Symbol.dispose]();
});

function start() {
	const manual = manualScheduler();
	const clock = { now: () => nowMs, monotonic: () => nowMs };
	return { ...manual, checkpoint: createIdleCheckpoint({ client: ledger.client, clock, scheduler: manual.scheduler }) };
}

/** Whether a row has left the log for the database file itself. */
function isInDatabaseFile(requestId: string): boolean {
	return readFileSync(place.database).includes(requestId);
}

test("the log is copied back once nothing has been committed for half a second", () => {
	const { checkpoint, later, runLater } = start();
	const attempt = opening();
	ledger.log.write([{ opening: attempt, openedAtMs: 1 }], []);
	checkpoint.committed();
	nowMs = 300;
	checkpoint.committed();
	expect(later).toHaveLength(1);
	nowMs = 500;
	runLater();
	expect(isInDatabaseFile(attempt.requestId)).toBe(false);
	expect(later.map(({ delayMs }) => delayMs)).toEqual([300]);
	nowMs = 800;
	runLater();
	expect(isInDatabaseFile(attempt.requestId)).toBe(true);
	expect(later).toEqual([]);
});

test("a closed database is left alone", () => {
	const { checkpoint, runLater } = start();
	const attempt = opening();
	ledger.log.write([{ opening: attempt, openedAtMs: 1 }], []);
	checkpoint.committed();
	checkpoint.close();
	nowMs = 1_000;
	runLater();
	expect(isInDatabaseFile(attempt.requestId)).toBe(false);
});

import { Database } from "bun:sqlite";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { Store } from "../../src/store/types.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { until } from "../support/wait.ts";
import { closing, DAY_MS, MIDNIGHT_MS, opening, temporaryDirectory } from "../unit/store/ledger-samples.ts";
import { unserved } from "../unit/store/unserved-samples.ts";
import { type Backend, openPostgresStore, startBackends } from "./backends.ts";

/** After every instant of these tests. */
const FOREVER_MS = 8.64e15;
const DECISION = '[1,4,3788,1,["length",3788],["dep_1","dep_2"],["dep_3",9],0,0]';

for (const [name, start] of await startBackends()) {
	describe(`what ${name} keeps of routing`, () => {
		let backend: Backend;
		beforeEach(async () => {
			backend = await start();
		});
		afterEach(() => backend.remove());

		attemptContract(() => backend);
		unservedContract(() => backend);
	});
}

async function decisionsOf(store: Store, requestId: string) {
	return (await store.attempts.byRequest(requestId)).map((row) => row.opening.decision);
}

function attemptContract(backend: () => Backend) {
	test("a decision is there with the opening, and stays when the attempt is settled", async () => {
		const { writer } = backend().store;
		const attempt = opening({ decision: DECISION });
		writer.opened(attempt, MIDNIGHT_MS);
		await writer.flush();
		expect(await decisionsOf(backend().store, attempt.requestId)).toEqual([DECISION]);
		await writer.settled({ ...attempt, decision: undefined }, MIDNIGHT_MS, closing(), MIDNIGHT_MS + 1);
		expect(await decisionsOf(backend().store, attempt.requestId)).toEqual([DECISION]);
	});

	test("a row that is written at once as settled has it too, and later attempts have none", async () => {
		const { writer } = backend().store;
		const attempt = opening({ decision: DECISION });
		writer.opened(attempt, MIDNIGHT_MS);
		await Promise.all([
			writer.settled(attempt, MIDNIGHT_MS, closing({ outcome: "upstream_failed" }), MIDNIGHT_MS + 1),
			writer.settled({ ...attempt, attempt: 1, decision: undefined }, MIDNIGHT_MS, closing(), MIDNIGHT_MS + 2),
		]);
		expect(await decisionsOf(backend().store, attempt.requestId)).toEqual([DECISION, undefined]);
	});

	test("what a crash left in flight keeps its decision", async () => {
		const attempt = opening({ decision: DECISION });
		backend().store.writer.opened(attempt, MIDNIGHT_MS);
		await backend().store.writer.flush();
		const next = await backend().restart();
		expect(await next.attempts.recover(MIDNIGHT_MS + 1)).toHaveLength(1);
		expect(await next.attempts.byRequest(attempt.requestId)).toMatchObject([
			{ opening: { decision: DECISION }, closing: { outcome: "crashed" } },
		]);
	});

	test("days of decisions are added up and pruned as others are", async () => {
		const { writer, housekeeping } = backend().store;
		for (let index = 0; index < 5; index += 1) {
			const attempt = opening({ decision: DECISION });
			await writer.settled(attempt, MIDNIGHT_MS, closing(), MIDNIGHT_MS + 1);
		}
		const day = MIDNIGHT_MS / DAY_MS;
		expect(await housekeeping.checkDay(day)).toMatchObject({ attempts: 5, differences: [] });
		const bounds = { rowsMax: 100, ownersSinceMs: MIDNIGHT_MS };
		expect((await housekeeping.pruneDay(day, undefined, bounds)).deleted).toBe(5);
		expect(await housekeeping.checkDay(day)).toMatchObject({ attempts: 0, pruned: 5, differences: [] });
	});
}

function unservedContract(backend: () => Backend) {
	test("a request that nobody was asked for comes back as it was, from memory, the database and after a restart", async () => {
		const { unserved: book } = backend().store;
		const full = unserved({ requestId: "req_1", streamed: true, operation: "embeddings", decision: DECISION });
		const bare = unserved({ requestId: "req_2", team: undefined, code: undefined, status: 429 });
		book.keep(full);
		book.keep(bare);
		expect(await book.byRequest("req_1")).toEqual(full);
		await book.flush();
		expect(await book.byRequest("req_1")).toEqual(full);
		expect(await book.byRequest("req_2")).toEqual(bare);
		expect(await book.byRequest("req_3")).toBeUndefined();
		book.keep(unserved({ requestId: "req_4" }));
		const next = await backend().restart();
		expect(await next.unserved.byRequest("req_1")).toEqual(full);
		expect((await next.unserved.byRequest("req_4"))?.requestId).toBe("req_4");
	});

	test("it is written by itself", async () => {
		const { unserved: book, housekeeping } = backend().store;
		book.keep(unserved({ requestId: "req_1" }));
		await until("it to be in the table", async () => (await housekeeping.dropOldestUnserved(FOREVER_MS, 10)) === 1);
		expect(await book.byRequest("req_1")).toBeUndefined();
	});

	test("it is written once, however often it is told", async () => {
		const { unserved: book, housekeeping } = backend().store;
		book.keep(unserved({ requestId: "req_1", status: 503 }));
		await book.flush();
		book.keep(unserved({ requestId: "req_1", status: 404 }));
		book.keep(unserved({ requestId: "req_2" }));
		await book.flush();
		expect((await book.byRequest("req_1"))?.status).toBe(503);
		expect(await housekeeping.dropOldestUnserved(FOREVER_MS, 10)).toBe(2);
	});

	test("the oldest go first, some at a time, and none that is younger than asked for", async () => {
		const { unserved: book, housekeeping } = backend().store;
		const times = [5, 3, 4, 2, 1];
		for (const second of times) {
			book.keep(unserved({ requestId: `req_${second}`, atMs: MIDNIGHT_MS + second }));
		}
		await book.flush();
		const left = async () => {
			const found = await Promise.all(times.toSorted().map((second) => book.byRequest(`req_${second}`)));
			return found.flatMap((request) => request?.requestId ?? []);
		};
		expect(await housekeeping.dropOldestUnserved(MIDNIGHT_MS + 4, 2)).toBe(2);
		expect(await left()).toEqual(["req_3", "req_4", "req_5"]);
		expect(await housekeeping.dropOldestUnserved(MIDNIGHT_MS + 4, 2)).toBe(1);
		expect(await left()).toEqual(["req_4", "req_5"]);
		expect(await housekeeping.dropOldestUnserved(MIDNIGHT_MS + 4, 2)).toBe(0);
	});

	test("SQL in a request id is only text", async () => {
		const { unserved: book } = backend().store;
		book.keep(unserved({ requestId: "req_1" }));
		await book.flush();
		for (const id of ["' OR '1'='1", "'; DROP TABLE unserved_requests; --", "%", "?", "$1"]) {
			expect(await book.byRequest(id)).toBeUndefined();
		}
		expect((await book.byRequest("req_1"))?.requestId).toBe("req_1");
	});
}

const server = await startPostgres();
const running = server?.process;
afterAll(() => server?.stop());

// Without a server there is nothing to try: startPostgres says so aloud, and fails where CI is set.
describe.skipIf(running === undefined)("while PostgreSQL is away", () => {
	test("a decision waits on local disk with its row; requests that nobody was asked for cost nobody anything", async () => {
		using place = temporaryDirectory();
		const { url } = await (server as PostgresServer).database();
		const problems: string[] = [];
		const store = await openPostgresStore(url, place.directory, { onProblem: ({ kind }) => problems.push(kind) });
		try {
			await store.attempts.recover(0);
			await running?.kill();
			const attempt = opening({ decision: DECISION });
			store.writer.opened(attempt, MIDNIGHT_MS);
			await store.writer.settled(attempt, MIDNIGHT_MS, closing(), MIDNIGHT_MS + 1);
			store.unserved.keep(unserved({ requestId: "req_lost" }));
			await store.unserved.flush();
			const outbox = new Database(join(place.directory, "outbox.db"), { readonly: true });
			const texts = outbox.query<{ write: string }, []>("select write from outbox").all();
			outbox.close();
			expect(texts.some(({ write }) => write.includes(JSON.stringify(DECISION)))).toBe(true);
			await running?.start();
			await store.writer.drained();
			expect(await decisionsOf(store, attempt.requestId)).toEqual([DECISION]);
			expect(await store.unserved.byRequest("req_lost")).toBeUndefined();
		} finally {
			await store.close();
		}
		// Said when the store closes at the latest, and once.
		expect(problems.filter((kind) => kind === "unserved_not_kept")).toHaveLength(1);
	}, 60_000);
});

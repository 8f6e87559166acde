import { Database } from "bun:sqlite";
import { SQL } from "bun";
import type { OpeningWrite, SettleWrite } from "../../../src/store/attempt-rows.ts";
import type { Outbox } from "../../../src/store/outbox-types.ts";
import type { PostgresAttemptLog } from "../../../src/store/postgres-attempt-log.ts";
import { createPostgresWriter, type PostgresWriterDeps } from "../../../src/store/postgres-writer.ts";
import type { Scheduler } from "../../../src/store/scheduler.ts";
import type { StoreProblem } from "../../../src/store/types.ts";

/** What a database makes of a statement. */
export type Answer =
	| "ok"
	/** Nothing is written, and that is said at once. */
	| "refused"
	/** Written, but the connection is lost before it says so. */
	| "unsaid"
	/** Written and said, after a time. */
	| { readonly kind: "late"; readonly afterMs: number }
	/** Given up by the connection's deadline, and written `afterMs` later all the same: undefined = never. */
	| { readonly kind: "cut"; readonly atMs: number; readonly writtenAfterMs: number | undefined };

/** Time that passes when the test says so, and in which things happen in a fixed order. */
export function virtualTime() {
	let nowMs = 0;
	let order = 0;
	const tasks: { readonly atMs: number; readonly order: number; readonly task: () => void }[] = [];
	const at = (atMs: number, task: () => void) => {
		order += 1;
		tasks.push({ atMs, order, task });
	};
	const scheduler: Scheduler = {
		soon: (task) => at(nowMs, task),
		later: (delayMs, task) => at(nowMs + delayMs, task),
		pause: (delayMs) => new Promise((resolve) => at(nowMs + delayMs, resolve)),
	};
	/** Promises are all settled before the clock moves on. */
	const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
	return {
		scheduler,
		nowMs: () => nowMs,
		settle,
		async advance(ms: number) {
			const endMs = nowMs + ms;
			for (;;) {
				await settle();
				tasks.sort((left, right) => left.atMs - right.atMs || left.order - right.order);
				const next = tasks[0];
				if (next === undefined || next.atMs > endMs) {
					break;
				}
				tasks.shift();
				nowMs = next.atMs;
				next.task();
			}
			nowMs = endMs;
		},
	};
}

const keyOf = ({ opening }: OpeningWrite) => `${opening.requestId} ${opening.attempt}`;

/** Keeps PostgreSQL's promises: all rows of a statement or none, and a settled row is never touched again. */
export function simulatedDatabase(scheduler: Scheduler) {
	const rows = new Map<string, OpeningWrite | SettleWrite>();
	const statements: { readonly openings: number; readonly settles: number }[] = [];
	let answer: () => Answer = () => "ok";

	function apply(openings: readonly OpeningWrite[], settles: readonly SettleWrite[]): void {
		if (settles.some(({ closing }) => !(closing.costNano >= 0))) {
			throw new SQL.PostgresError("violates check constraint", { code: "ERR_POSTGRES_SERVER_ERROR", errno: "23514" });
		}
		if (new Set([...openings, ...settles].map(keyOf)).size < openings.length + settles.length) {
			throw new SQL.PostgresError("cannot affect row a second time", { code: "SERVER", errno: "21000" });
		}
		for (const write of openings) {
			rows.set(keyOf(write), rows.get(keyOf(write)) ?? write);
		}
		for (const write of settles) {
			const known = rows.get(keyOf(write));
			rows.set(keyOf(write), known !== undefined && "closing" in known ? known : write);
		}
		statements.push({ openings: openings.length, settles: settles.length });
	}

	async function answerTo(openings: readonly OpeningWrite[], settles: readonly SettleWrite[]): Promise<void> {
		const given = answer();
		if (given === "refused") {
			throw new Error("connection refused");
		}
		if (typeof given === "string") {
			apply(openings, settles);
			if (given === "unsaid") {
				throw new Error("connection lost");
			}
			return;
		}
		if (given.kind === "late") {
			await scheduler.pause(given.afterMs);
			apply(openings, settles);
			return;
		}
		await scheduler.pause(given.atMs);
		if (given.writtenAfterMs !== undefined) {
			scheduler.later(given.writtenAfterMs, () => apply(openings, settles));
		}
		throw new Error("PostgreSQL did not answer within 2000 ms.");
	}

	/** What one instance writes by: one statement at a time. */
	function connect(): PostgresAttemptLog {
		let running = 0;
		return {
			async write(openings, settles) {
				running += 1;
				if (running > 1) {
					throw new Error("Two statements at a time.");
				}
				try {
					await answerTo(openings, settles);
				} finally {
					running -= 1;
				}
			},
		};
	}

	return {
		connect,
		log: connect(),
		rows,
		statements,
		settled: () => [...rows.values()].filter((row): row is SettleWrite => "closing" in row),
		answers(next: Answer | (() => Answer)) {
			answer = typeof next === "function" ? next : () => next;
		},
	};
}

/** An outbox whose disk fails when the test says so. */
export function faultyOutbox(outbox: Outbox) {
	const failing = { append: false, oldest: false, dropThrough: false };
	function guard(name: keyof typeof failing): void {
		if (failing[name]) {
			throw Object.assign(new Error("disk full"), { cause: sqliteFull() });
		}
	}
	const faulty: Outbox = {
		...outbox,
		append(rows) {
			guard("append");
			outbox.append(rows);
		},
		oldest(rowsMax, afterPlace) {
			guard("oldest");
			return outbox.oldest(rowsMax, afterPlace);
		},
		dropThrough(place) {
			guard("dropThrough");
			outbox.dropThrough(place);
		},
	};
	return { outbox: faulty, failing };
}

/** The error that SQLite itself raises: there is no other way to make one. */
function sqliteFull(): unknown {
	using client = new Database(":memory:");
	client.run("create table filler (text text)");
	client.run("PRAGMA max_page_count = 2");
	try {
		client.run("insert into filler values (zeroblob(100000))");
	} catch (error) {
		return error;
	}
	return undefined;
}

export function writerOn(facts: Omit<PostgresWriterDeps, "onProblem" | "instance"> & { readonly instance?: string }) {
	const problems: StoreProblem[] = [];
	const writer = createPostgresWriter({ instance: "ins_1", ...facts, onProblem: (problem) => problems.push(problem) });
	return { writer, problems, kinds: () => problems.map(({ kind }) => kind) };
}

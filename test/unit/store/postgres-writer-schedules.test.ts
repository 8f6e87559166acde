import { expect, test } from "bun:test";
import { join } from "node:path";
import fc from "fast-check";
import type { AttemptOpening } from "../../../src/metering/ledger-types.ts";
import { openOutbox } from "../../../src/store/outbox.ts";
import type { Scheduler } from "../../../src/store/scheduler.ts";
import type { StoreProblem } from "../../../src/store/types.ts";
import { closing, opening, temporaryDirectory } from "./ledger-samples.ts";
import { type Answer, faultyOutbox, simulatedDatabase, virtualTime, writerOn } from "./postgres-writer-rig.ts";

const PROCESSES = 2;
/** The last rows of the outbox in time, and then the first ones that go directly again. */
const ACKNOWLEDGED_WITHIN_MS = 2 * 150;

type Process = ReturnType<typeof startProcess>;
type World = ReturnType<typeof createWorld>;

type Step =
	| { readonly kind: "wait"; readonly ms: number }
	| { readonly kind: "open"; readonly process: number; readonly rows: number }
	| { readonly kind: "settle"; readonly process: number; readonly which: number }
	| { readonly kind: "database"; readonly answers: readonly Answer[] }
	| { readonly kind: "disk"; readonly process: number; readonly fails: readonly boolean[] }
	| { readonly kind: "crash"; readonly process: number }
	| { readonly kind: "stop"; readonly process: number };

const process = fc.nat({ max: PROCESSES - 1 });
const answer: fc.Arbitrary<Answer> = fc.oneof(
	fc.constantFrom<Answer[]>("ok", "refused", "unsaid"),
	fc.record({ kind: fc.constant("late" as const), afterMs: fc.integer({ min: 1, max: 1_900 }) }),
	fc.record({
		kind: fc.constant("cut" as const),
		atMs: fc.constant(2_000),
		writtenAfterMs: fc.option(fc.integer({ min: 0, max: 3_000 }), { nil: undefined }),
	}),
);
const common = [
	{ weight: 4, arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.nat({ max: 600 }) }) },
	{
		weight: 4,
		arbitrary: fc.record({ kind: fc.constant("open" as const), process, rows: fc.integer({ min: 1, max: 4 }) }),
	},
	{ weight: 6, arbitrary: fc.record({ kind: fc.constant("settle" as const), process, which: fc.nat({ max: 9 }) }) },
	{
		weight: 3,
		arbitrary: fc.record({
			kind: fc.constant("database" as const),
			answers: fc.array(answer, { minLength: 1, maxLength: 4 }),
		}),
	},
];
const steps = (more: { weight: number; arbitrary: fc.Arbitrary<Step> }[]) =>
	fc.array(fc.oneof(...(common as { weight: number; arbitrary: fc.Arbitrary<Step> }[]), ...more), {
		minLength: 5,
		maxLength: 60,
	});

function createWorld(directory: string) {
	const time = virtualTime();
	const database = simulatedDatabase(time.scheduler);
	const problems: StoreProblem[] = [];
	const acknowledged: { requestId: string; costNano: number; instance: string; process: number }[] = [];
	return { directory, time, database, problems, acknowledged, slowestMs: 0, starts: 0 };
}

/** One start of a gateway: its scheduler and its connection end with it. */
function startProcess(world: World, number: number) {
	let isDead = false;
	const { time, database } = world;
	world.starts += 1;
	const instance = `ins_${world.starts}`;
	const alive = (task: () => void) => () => void (isDead || task());
	const scheduler: Scheduler = {
		soon: (task) => time.scheduler.soon(alive(task)),
		later: (delayMs, task) => time.scheduler.later(delayMs, alive(task)),
		pause: (delayMs) => new Promise((resolve) => time.scheduler.later(delayMs, alive(resolve))),
	};
	const connection = database.connect();
	const outbox = openOutbox({ directory: join(world.directory, `${number}`) });
	const { outbox: faulty, failing } = faultyOutbox(outbox);
	const { writer, problems } = writerOn({
		log: {
			async write(openings, settles) {
				const answered = connection.write(openings, settles);
				// Of what the database answers to the dead, nobody hears.
				await answered.finally(() => (isDead ? new Promise(() => {}) : undefined));
			},
		},
		outbox: faulty,
		scheduler,
		instance,
	});
	const open: AttemptOpening[] = [];
	return {
		...{ number, outbox, failing, writer, problems, instance, open },
		opened() {
			const attempt = opening({ keyId: instance });
			open.push(attempt);
			writer.opened(attempt, time.nowMs());
		},
		async settled(which: number) {
			const [attempt] = open.splice(which % Math.max(1, open.length), 1);
			if (attempt === undefined) {
				return;
			}
			const startedMs = time.nowMs();
			const costNano = 1 + world.acknowledged.length;
			await writer.settled(attempt, startedMs, closing({ costNano }), startedMs);
			if (!isDead) {
				world.slowestMs = Math.max(world.slowestMs, time.nowMs() - startedMs);
				world.acknowledged.push({ requestId: attempt.requestId, costNano, instance, process: number });
			}
		},
		crash() {
			isDead = true;
			outbox.close();
			world.problems.push(...problems);
		},
		async stop() {
			const closed = writer.close();
			await time.advance(2_100);
			await closed;
			outbox.close();
			world.problems.push(...problems);
		},
	};
}

async function play(world: World, processes: Process[], step: Step): Promise<void> {
	const chosen = "process" in step ? processes[step.process] : undefined;
	switch (step.kind) {
		case "wait":
			return world.time.advance(step.ms);
		case "database": {
			const left = [...step.answers];
			const last = left.at(-1) ?? "ok";
			return world.database.answers(() => left.shift() ?? last);
		}
		case "open":
			for (let row = 0; row < step.rows; row += 1) {
				chosen?.opened();
			}
			return;
		case "settle":
			void chosen?.settled(step.which);
			return;
		case "disk":
			if (chosen !== undefined) {
				const [append = false, oldest = false, dropThrough = false] = step.fails;
				Object.assign(chosen.failing, { append, oldest, dropThrough });
			}
			return;
		case "crash":
			chosen?.crash();
			processes[step.process] = startProcess(world, step.process);
			return;
		case "stop":
			await chosen?.stop();
			processes[step.process] = startProcess(world, step.process);
			return;
	}
}

/** Everything that was acknowledged is in the database, or on the disk of the process that acknowledged it. */
function expectNothingMissing(world: World, processes: readonly Process[]): void {
	const settled = new Set(world.database.settled().map((row) => row.opening.requestId));
	for (const { number, outbox } of processes) {
		const onDisk = new Set(
			outbox.oldest(1_000_000).flatMap(({ row }) => (row.kind === "settle" ? row.write.opening.requestId : [])),
		);
		const mine = world.acknowledged.filter((row) => row.process === number);
		expect(mine.filter(({ requestId }) => !settled.has(requestId) && !onDisk.has(requestId))).toEqual([]);
	}
}

async function heal(world: World, processes: readonly Process[]): Promise<void> {
	world.database.answers("ok");
	for (const { failing } of processes) {
		Object.assign(failing, { append: false, oldest: false, dropThrough: false });
	}
	await world.time.advance(10_000);
	const rows = new Map(world.database.settled().map((row) => [row.opening.requestId, row]));
	for (const { requestId, costNano, instance } of world.acknowledged) {
		expect(rows.get(requestId)).toMatchObject({ closing: { costNano }, instance });
	}
	for (const { writer, outbox, open } of processes) {
		expect([writer.queued(), writer.outboxRows(), outbox.count(), writer.healthy()]).toEqual([0, 0, 0, true]);
		// The openings have arrived as well.
		const dispatched = new Set([...world.database.rows.values()].map((row) => row.opening.requestId));
		expect(open.filter(({ requestId }) => !dispatched.has(requestId))).toEqual([]);
		await Promise.all([writer.drained(), writer.flush()]);
	}
}

/** Each outage has one beginning and one end. */
function expectToldOnce(problems: readonly StoreProblem[]): void {
	const changes = problems.map(({ kind }) => kind).filter((kind) => kind.startsWith("database_"));
	const again = changes.filter((kind, index) => kind === "database_away" && changes[index - 1] === kind);
	expect(again).toEqual([]);
}

async function run(schedule: readonly Step[], check: (world: World, processes: readonly Process[]) => void) {
	using place = temporaryDirectory();
	const world = createWorld(place.directory);
	const processes = Array.from({ length: PROCESSES }, (_, number) => startProcess(world, number));
	try {
		for (const step of schedule) {
			await play(world, processes, step);
			check(world, processes);
		}
		await heal(world, processes);
		for (const { problems } of processes) {
			expectToldOnce(problems);
		}
		const lost = [...world.problems, ...processes.flatMap(({ problems }) => problems)];
		expect(lost.filter(({ kind }) => kind === "settle_lost")).toEqual([]);
		return world;
	} finally {
		for (const { outbox } of processes) {
			outbox.close();
		}
	}
}

test("whatever the database does, and whenever processes die: an acknowledged settle is in it or on disk, in time, and in the end in it", async () => {
	const schedules = steps([
		{ weight: 1, arbitrary: fc.record({ kind: fc.constant("crash" as const), process }) },
		{ weight: 1, arbitrary: fc.record({ kind: fc.constant("stop" as const), process }) },
	]);
	await fc.assert(
		fc.asyncProperty(schedules, async (schedule) => {
			const world = await run(schedule, expectNothingMissing);
			expect(world.slowestMs).toBeLessThanOrEqual(ACKNOWLEDGED_WITHIN_MS);
		}),
		{ numRuns: 150 },
	);
}, 60_000);

test("whatever database and disk do: while the process lives nothing is lost, and in the end all is in the database", async () => {
	const fails = fc.array(fc.boolean(), { minLength: 3, maxLength: 3 });
	const schedules = steps([
		{ weight: 3, arbitrary: fc.record({ kind: fc.constant("disk" as const), process, fails }) },
	]);
	await fc.assert(
		fc.asyncProperty(schedules, async (schedule) => {
			await run(schedule, () => {});
		}),
		{ numRuns: 150 },
	);
}, 60_000);

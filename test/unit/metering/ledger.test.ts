import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { GatewayError } from "../../../src/lib/errors.ts";
import { NO_USAGE } from "../../../src/lib/usage.ts";
import { createBudgetBook } from "../../../src/limits/budget.ts";
import { createLedger } from "../../../src/metering/ledger.ts";
import type { AttemptClosing, AttemptOpening, ObjectOwner, OpenAttempt } from "../../../src/metering/ledger-types.ts";
import type { AttemptWriter } from "../../../src/store/types.ts";
import { createFakeClock } from "../limits/fake-clock.ts";

const OPENING: AttemptOpening = {
	requestId: "req_1",
	attempt: 0,
	keyId: "vk_a",
	team: "blue",
	alias: "smart",
	deploymentId: "dep_1",
	provider: "openai",
	model: "gpt-4o-mini",
	operation: "chat",
	streamed: false,
	reservedNano: 100,
	priceVersion: "genai-prices@0.1.8",
	budgets: [{ subject: "key:vk_a", limitNano: 1_000 }],
};

const CLOSING: AttemptClosing = {
	outcome: "ok",
	upstreamStatus: 200,
	errorClass: undefined,
	usage: NO_USAGE,
	usageSource: "provider",
	costNano: 40,
	ttftMs: 5,
	durationMs: 9,
	objectId: undefined,
};

const OWNER: ObjectOwner = { keyId: "vk_a", team: "blue", deploymentId: "dep_1", requestId: "req_1" };

interface Row {
	readonly opening: AttemptOpening;
	readonly closing: AttemptClosing;
}

/** Keeps rows in a list; `commit` lets everything that waits reach the disk. */
function createFakeWriter() {
	const opened: AttemptOpening[] = [];
	const rows: Row[] = [];
	let waiting: (() => void)[] = [];
	const state = { healthy: true, held: false };
	const writer: AttemptWriter = {
		opened: (opening) => {
			opened.push(opening);
		},
		settled: (opening, _openedAtMs, closing) =>
			new Promise((resolve) => {
				const write = (): void => {
					rows.push({ opening, closing });
					resolve();
				};
				if (state.held) {
					waiting.push(write);
				} else {
					write();
				}
			}),
		healthy: () => state.healthy,
		flush: () => Promise.resolve(),
	};
	function commit(): void {
		const due = waiting;
		waiting = [];
		for (const write of due) {
			write();
		}
	}
	return { writer, opened, rows, state, commit };
}

function setup() {
	const clock = createFakeClock();
	const fake = createFakeWriter();
	const bugs: Error[] = [];
	const asked: string[] = [];
	const budgets = createBudgetBook({ clock, spent: new Map() });
	const stored = new Map<string, ObjectOwner>();
	const ledger = createLedger({
		budgets,
		writer: fake.writer,
		reader: {
			ownerOf: (objectId) => {
				asked.push(objectId);
				return Promise.resolve(stored.get(objectId));
			},
		},
		clock,
		reportBug: (error) => {
			bugs.push(error);
		},
	});
	return { clock, budgets, ledger, bugs, asked, stored, ...fake };
}

function opened(outcome: ReturnType<ReturnType<typeof setup>["ledger"]["open"]>): OpenAttempt {
	if (!("attempt" in outcome)) {
		throw new Error("refused");
	}
	return outcome.attempt;
}

describe("opening", () => {
	test("the reservation is there and the row is queued before anything is awaited", () => {
		const { ledger, budgets, opened: queued } = setup();
		opened(ledger.open(OPENING));
		expect(budgets.levels("key:vk_a").reservedNano).toBe(100);
		expect(budgets.levels("team:blue").reservedNano).toBe(100);
		expect(queued).toEqual([OPENING]);
		expect(ledger.openCount()).toBe(1);
	});

	test("an attempt that does not fit its budget leaves no row", () => {
		const { ledger, opened: queued } = setup();
		expect(ledger.open({ ...OPENING, reservedNano: 1_001 })).toMatchObject({
			refusal: { subject: "key:vk_a", availableNano: 1_000 },
		});
		expect(queued).toEqual([]);
		expect(ledger.openCount()).toBe(0);
	});

	test("while rows cannot be written nothing is reserved and the operator is told where to look", () => {
		const { ledger, budgets, state } = setup();
		state.healthy = false;
		const attempt = (): unknown => ledger.open(OPENING);
		expect(attempt).toThrow(GatewayError);
		expect(attempt).toThrow("/health/ready");
		try {
			attempt();
		} catch (error) {
			expect(error).toMatchObject({ status: 503, type: "service_unavailable", kind: "ledger_unavailable" });
		}
		expect(ledger.healthy()).toBe(false);
		expect(budgets.levels("key:vk_a").reservedNano).toBe(0);
		state.healthy = true;
		opened(ledger.open(OPENING));
	});
});

describe("settling", () => {
	test("the real cost replaces the reservation at once and the promise waits for the disk", async () => {
		const { ledger, budgets, rows, state, commit } = setup();
		state.held = true;
		const done = ledger.settle(opened(ledger.open(OPENING)), CLOSING);
		expect(budgets.levels("key:vk_a")).toMatchObject({ spentNano: 40, reservedNano: 0 });
		expect(rows).toEqual([]);
		commit();
		await done;
		expect(rows).toEqual([{ opening: OPENING, closing: CLOSING }]);
	});

	test("a second settle is reported and changes nothing", async () => {
		const { ledger, budgets, rows, bugs } = setup();
		const attempt = opened(ledger.open(OPENING));
		await ledger.settle(attempt, CLOSING);
		await ledger.settle(attempt, { ...CLOSING, costNano: 90 });
		expect(rows).toHaveLength(1);
		expect(budgets.levels("key:vk_a").spentNano).toBe(40);
		expect(bugs.map((bug) => bug.message)).toEqual(["attempt 0 of req_1 was settled twice"]);
	});

	test("a cost that is no amount is reported and charged at the reservation", async () => {
		const { ledger, budgets, rows, bugs } = setup();
		await ledger.settle(opened(ledger.open(OPENING)), { ...CLOSING, costNano: Number.NaN });
		expect(budgets.levels("key:vk_a")).toMatchObject({ spentNano: 100, reservedNano: 0 });
		expect(rows[0]?.closing.costNano).toBe(100);
		expect(bugs).toHaveLength(1);
	});

	test("settle never rejects", async () => {
		const { clock, budgets, bugs } = setup();
		const broken: AttemptWriter = { ...createFakeWriter().writer, settled: () => Promise.reject(new Error("disk")) };
		const ledger = createLedger({
			budgets,
			writer: broken,
			reader: { ownerOf: () => Promise.resolve(undefined) },
			clock,
			reportBug: (error) => {
				bugs.push(error);
			},
		});
		await ledger.settle(opened(ledger.open(OPENING)), CLOSING);
		expect(bugs).toHaveLength(1);
		expect(ledger.openCount()).toBe(0);
	});
});

describe("owners of stored objects", () => {
	test("an object has an owner while its stream still runs, and after, without asking the store", async () => {
		const { ledger, asked } = setup();
		const attempt = opened(ledger.open(OPENING));
		ledger.claimObject("resp_1", attempt);
		expect(await ledger.ownerOf("resp_1")).toEqual(OWNER);
		await ledger.settle(attempt, CLOSING);
		expect(await ledger.ownerOf("resp_1")).toEqual(OWNER);
		expect(asked).toEqual([]);
	});

	test("an object claimed during the attempt is in its row", async () => {
		const { ledger, rows } = setup();
		const attempt = opened(ledger.open(OPENING));
		ledger.claimObject("resp_1", attempt);
		await ledger.settle(attempt, CLOSING);
		expect(rows[0]?.closing.objectId).toBe("resp_1");
	});

	test("ten thousand later objects push an old one out of memory, but never one whose row is not written", async () => {
		const { ledger, asked, stored } = setup();
		const running = opened(ledger.open({ ...OPENING, reservedNano: 0 }));
		ledger.claimObject("resp_running", running);
		for (let index = 0; index <= 10_000; index += 1) {
			const attempt = opened(ledger.open({ ...OPENING, reservedNano: 0, requestId: `req_${index}` }));
			await ledger.settle(attempt, { ...CLOSING, costNano: 0, objectId: `resp_${index}` });
		}
		stored.set("resp_0", OWNER);
		expect(await ledger.ownerOf("resp_running")).toEqual(OWNER);
		expect(await ledger.ownerOf("resp_10000")).toMatchObject({ requestId: "req_10000" });
		expect(asked).toEqual([]);
		expect(await ledger.ownerOf("resp_0")).toEqual(OWNER);
		expect(await ledger.ownerOf("resp_nobody")).toBeUndefined();
		expect(asked).toEqual(["resp_0", "resp_nobody"]);
	});
});

test("in any interleaving the budget has spent what the rows say, and nothing stays reserved", async () => {
	const step = fc.record({
		keyId: fc.constantFrom("vk_a", "vk_b"),
		reservedNano: fc.nat(400),
		settles: fc.option(fc.record({ pick: fc.nat(), share: fc.double({ min: 0, max: 1, noNaN: true }) }), {
			nil: undefined,
		}),
		commits: fc.boolean(),
	});
	await fc.assert(
		fc.asyncProperty(fc.array(step, { maxLength: 80 }), async (schedule) => {
			const { ledger, budgets, rows, bugs, state, commit } = setup();
			state.held = true;
			const running: OpenAttempt[] = [];
			const settling: Promise<void>[] = [];
			const settle = (attempt: OpenAttempt, share: number): void => {
				const costNano = Math.floor(attempt.opening.reservedNano * share);
				settling.push(ledger.settle(attempt, { ...CLOSING, costNano }));
			};
			for (const [index, { keyId, reservedNano, settles, commits }] of schedule.entries()) {
				const budget = { subject: `key:${keyId}`, limitNano: 1_000 };
				const outcome = ledger.open({ ...OPENING, requestId: `req_${index}`, keyId, reservedNano, budgets: [budget] });
				if ("attempt" in outcome) {
					running.push(outcome.attempt);
				}
				const [done] = settles ? running.splice(settles.pick % Math.max(1, running.length), 1) : [];
				if (done) {
					settle(done, settles?.share ?? 0);
				}
				if (commits) {
					commit();
				}
				const { spentNano, reservedNano: reserved } = budgets.levels(`key:${keyId}`);
				expect(spentNano + reserved).toBeLessThanOrEqual(1_000);
			}
			for (const attempt of running) {
				settle(attempt, 1);
			}
			commit();
			await Promise.all(settling);
			const costOf = (keyId: string): number =>
				rows.reduce((sum, { opening, closing }) => sum + (opening.keyId === keyId ? closing.costNano : 0), 0);
			for (const keyId of ["vk_a", "vk_b"]) {
				expect(budgets.levels(`key:${keyId}`)).toMatchObject({ spentNano: costOf(keyId), reservedNano: 0 });
			}
			expect(budgets.levels("team:blue").spentNano).toBe(costOf("vk_a") + costOf("vk_b"));
			expect(new Set(rows.map(({ opening }) => opening.requestId)).size).toBe(rows.length);
			expect(ledger.openCount()).toBe(0);
			expect(bugs).toEqual([]);
		}),
		{ numRuns: 150 },
	);
});

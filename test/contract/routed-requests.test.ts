import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { formatUsd } from "../../src/lib/money.ts";
import { encodeDecision } from "../../src/routing/decision-text.ts";
import { createRoutingReport } from "../../src/routing/report/routing-report.ts";
import type { RoutedRequest, RoutedRequestReader } from "../../src/routing/report/types.ts";
import { createRoutedRequests } from "../../src/store/routed-requests.ts";
import { createRandom } from "../reliability/random.ts";
import { until } from "../support/wait.ts";
import { decided } from "../unit/routing/report-samples.ts";
import { closing, DAY_MS, MIDNIGHT_MS, opening, openLog, temporaryDirectory } from "../unit/store/ledger-samples.ts";
import { type Backend, startBackends } from "./backends.ts";

const NOTHING_CONFIGURED = { aliases: new Map(), deployments: new Map() };

interface Sample {
	readonly requestId: string;
	readonly attempt: number;
	readonly atMs: number;
	readonly alias: string;
	readonly ok: boolean;
	readonly settled: boolean;
	readonly costNano: number;
}

/** Requests of up to four attempts, at their instants: interleaved, some at the same millisecond, some never settled. */
function samples(count: number, seed: number): readonly Sample[] {
	const random = createRandom(seed);
	return Array.from({ length: count }, (_, index) => {
		const requestId = `req_${String(index).padStart(26, "0")}`;
		const alias = random.pick(["smart", "fast"]);
		const attempts = random.int(1, 4);
		const startMs = MIDNIGHT_MS + random.int(0, 400);
		return Array.from({ length: attempts }, (_unused, attempt): Sample => {
			const isLast = attempt === attempts - 1;
			return {
				...{ requestId, attempt, alias },
				// The clock may be set back between two attempts.
				atMs: startMs + attempt * random.int(-20, 60),
				ok: isLast && random.chance(0.8),
				settled: !isLast || random.chance(0.9),
				costNano: random.int(0, 1_000_000_000),
			};
		});
	}).flat();
}

function write({ requestId, attempt, alias, atMs, ok, costNano }: Sample) {
	const decision = attempt === 0 ? encodeDecision(decided(0.5)) : undefined;
	const facts = opening({ ...{ requestId, attempt, alias, decision }, deploymentId: `dep_${attempt % 2}` });
	return { opening: facts, atMs, closing: closing({ outcome: ok ? "ok" : "upstream_failed", costNano }) };
}

async function all(reader: RoutedRequestReader, query: Parameters<RoutedRequestReader["routedRequests"]>[0]) {
	const found: RoutedRequest[] = [];
	for await (const some of reader.routedRequests(query)) {
		found.push(...some);
	}
	return found;
}

function added(requests: readonly RoutedRequest[]) {
	const report = createRoutingReport(NOTHING_CONFIGURED);
	requests.forEach(report.add);
	return report.aliases();
}

describe.each(await startBackends())("requests as routing sees them, in %s", (_name, start) => {
	let backend: Backend;
	beforeEach(async () => {
		backend = await start();
	});
	afterEach(() => backend.remove());

	async function fill(rows: readonly Sample[]) {
		const { writer, backlog } = backend.store;
		for (const row of rows) {
			const { opening: facts, atMs, closing: end } = write(row);
			writer.opened(facts, atMs);
			if (row.settled) {
				void writer.settled(facts, atMs, end, atMs + 5);
			}
		}
		await writer.flush();
		// A database that is late has them a moment later: until then they wait on local disk.
		await until("all rows in the database", () => backlog.queuedRows() + (backlog.outboxRows?.() ?? 0) === 0);
	}

	test("add up to the spend of any period, wherever it cuts requests and the reader cuts slices", async () => {
		const rows = samples(400, 5);
		await fill(rows);
		const { attempts } = backend.store;
		const periods = [
			[0, 600],
			[100, 250],
			[0, 1],
			[333, 334],
			[-500, 0],
			[-DAY_MS, DAY_MS],
		] as const;
		for (const [from, to] of periods) {
			const period = { fromMs: MIDNIGHT_MS + from, toMs: MIDNIGHT_MS + to };
			const [spent] = await attempts.spend({ ...period, groupBy: [] });
			const told = added(await all(attempts, { ...period, alias: undefined }));
			const sum = (figure: (one: (typeof told)[number]) => number) =>
				told.reduce((total, one) => total + figure(one), 0);
			expect({ from, requests: sum((one) => one.requests) }).toEqual({ from, requests: spent?.requests ?? 0 });
			expect(sum((one) => one.errors)).toBe(spent?.errors ?? 0);
			const cost = told.reduce((total, one) => total + nano(one.cost_usd), 0n);
			expect(formatUsd(cost)).toBe(formatUsd(spent?.costNano ?? 0n));
		}
	});

	test("come each once, with their decision, all their attempts and how they ended", async () => {
		const rows = samples(400, 6);
		await fill(rows);
		const period = { fromMs: MIDNIGHT_MS - DAY_MS, toMs: MIDNIGHT_MS + DAY_MS };
		const found = await all(backend.store.attempts, { ...period, alias: "smart" });
		const expected = Map.groupBy(
			rows.filter(({ alias }) => alias === "smart"),
			({ requestId }) => requestId,
		);
		expect(found).toHaveLength(expected.size);
		expect(found.every(({ alias }) => alias === "smart")).toBe(true);
		const shape = (settled: number, ended: string | undefined) => `${settled} ${ended}`;
		expect(found.map(({ attempts, last }) => shape(attempts.length, last?.outcome)).sort()).toEqual(
			[...expected.values()]
				.map((family) => {
					const last = family.at(-1);
					const ended = last?.settled !== true ? undefined : last.ok ? "ok" : "upstream_failed";
					return shape(family.filter(({ settled }) => settled).length, ended);
				})
				.sort(),
		);
		expect(found.every(({ decision }) => decision?.score === 0.5)).toBe(true);
		for (const { failedAt, last } of found) {
			expect(last?.outcome === "ok" && failedAt.has(last.deploymentId)).toBe(false);
		}
	});

	test("come with those that no provider was asked for, of the same period and alias", async () => {
		await fill(samples(10, 9));
		const { attempts, unserved } = backend.store;
		const excluded = [{ deploymentId: "dep_1", reason: "cooling" as const }];
		for (const index of Array.from({ length: 400 }).keys()) {
			unserved.keep({
				requestId: `req_unserved_${index}`,
				...{ keyId: "vk_A", team: undefined, operation: "chat", streamed: false, status: 503, code: undefined },
				alias: index % 3 === 0 ? "smart" : "fast",
				// Some at the same millisecond.
				atMs: MIDNIGHT_MS + Math.floor(index / 2),
				decision: encodeDecision(decided(0.5, { excluded, candidates: [] })),
			});
		}
		await unserved.flush();
		const kept = async (fromMs: number, toMs: number, alias: string | undefined) =>
			(await all(attempts, { fromMs: MIDNIGHT_MS + fromMs, toMs: MIDNIGHT_MS + toMs, alias })).filter(
				(one) => one.unserved,
			);
		expect(await kept(0, 300, undefined)).toHaveLength(400);
		expect(await kept(0, 300, "smart")).toHaveLength(134);
		expect(await kept(100, 103, undefined)).toHaveLength(6);
		const [one] = added(await kept(0, 300, "smart"));
		expect(one).toMatchObject({ requests: 0, unserved_requests: 134 });
		expect(one?.exclusions).toEqual([{ reason: "cooling", requests: 134, deployments: 134 }]);
	});

	test("are told to be fewer than there were, where rows of a day were deleted", async () => {
		await fill(samples(3, 7).map((row) => ({ ...row, settled: true, atMs: MIDNIGHT_MS })));
		const { attempts, housekeeping } = backend.store;
		const period = { fromMs: MIDNIGHT_MS - DAY_MS, toMs: MIDNIGHT_MS + 1 };
		expect(await attempts.prunedDays(period)).toEqual([]);
		await housekeeping.claim();
		await housekeeping.pruneDay(MIDNIGHT_MS / DAY_MS, undefined, { rowsMax: 100, ownersSinceMs: 0 });
		expect(await attempts.prunedDays(period)).toEqual(["2030-06-15"]);
		expect(await attempts.prunedDays({ fromMs: MIDNIGHT_MS - DAY_MS, toMs: MIDNIGHT_MS })).toEqual([]);
	});
});

test("slices of any size tell the same, and other work goes on between any two", async () => {
	using place = temporaryDirectory();
	const { db, tables, log, close } = openLog(place);
	const rows = samples(40, 8);
	for (const row of rows) {
		const { opening: facts, atMs, closing: end } = write(row);
		const opened = { opening: facts, openedAtMs: atMs };
		log.write([opened], row.settled ? [{ ...opened, closing: end, settledAtMs: atMs + 5 }] : []);
	}
	try {
		await fc.assert(
			fc.asyncProperty(
				fc.integer({ min: 1, max: 120 }),
				fc.integer({ min: -100, max: 500 }),
				fc.integer({ min: 1, max: 600 }),
				async (sliceRowsMax, from, length) => {
					const query = { fromMs: MIDNIGHT_MS + from, toMs: MIDNIGHT_MS + from + length, alias: undefined };
					let turns = 0;
					const turn = async () => {
						turns += 1;
					};
					const sliced = await all(createRoutedRequests({ db, tables, turn, sliceRowsMax }), query);
					const whole = await all(
						createRoutedRequests({ db, tables, turn: async () => {}, sliceRowsMax: 1_000 }),
						query,
					);
					expect(added(sliced)).toEqual(added(whole));
					expect(sliced.filter(({ begun }) => begun)).toEqual(whole.filter(({ begun }) => begun));
					const inPeriod = rows.filter(({ atMs }) => atMs >= query.fromMs && atMs < query.toMs).length;
					expect(turns).toBe(Math.ceil(inPeriod / sliceRowsMax));
				},
			),
			{ numRuns: 60 },
		);
	} finally {
		close();
	}
});

function nano(usd: string): bigint {
	const [whole = "", fraction = ""] = usd.split(".");
	return BigInt(whole) * 1_000_000_000n + BigInt(fraction.padEnd(9, "0"));
}

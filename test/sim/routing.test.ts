/**
 * G21. Routing, breakers, retries, limits, budgets and the ledger in a world of their own: the gateway's whole data plane
 * from a client's request to its last byte, with a clock, dice, a disk and providers that a seed decides upon.
 *
 * A seed is a history: some deployments behind an alias (with or without fallbacks), each in changing moods (well, slow,
 * refusing, resetting, erring, limiting, hanging, unreachable, babbling, breaking off, locked), some keys with limits and
 * budgets, some dozens of requests over simulated minutes, then minutes in which nothing fails any more. What must hold is
 * checked at every step: routing-standing-rules.ts (who may be asked), routing-answer-rules.ts (what clients may be told),
 * routing-books.ts (money), routing-limit-rules.ts (limits), routing-history.ts (that all recovers, and that nothing stays).
 *
 * `SEED=17 bun test test/sim/routing.test.ts` plays that seed alone and tells its whole history; `SEED=17 SEEDS=500` plays
 * so many from there on.
 */
import { expect, test } from "bun:test";
import { deadlineMs, report, scaled } from "../reliability/scale.ts";
import { playHistory, type Tally } from "./routing-history.ts";

const SEEDS = Number(process.env.SEEDS ?? scaled(1_500, 20_000));
/** The short form ends after so long, however many it has played; not before it has been everywhere. */
const LASTS_MS = process.env.SEEDS === undefined ? scaled(12_000, Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY;
const SEEDS_MIN = 500;
const FIRST = Number(process.env.SEED ?? 0);
const ONLY = process.env.SEED !== undefined && process.env.SEEDS === undefined;

/** Where histories must lead, or the rules were never tried there. */
const PLACES = [
	...["status 200", "status 400", "status 429", "status 502", "status 503", "status 504"],
	...["connect_refused", "connect_timeout", "reset", "stale", "ttft_timeout", "idle_timeout", "total_timeout"],
	...["rate_limited", "quota", "provider_auth", "upstream_5xx", "upstream_timeout_status"],
	...["invalid_response", "error_event", "empty_stream", "broken_stream", "client_gone", "refused"],
	...["failover", "last resort", "nobody left", "left"],
];

test.skipIf(ONLY)(
	"G21: in every history every rule holds at every step",
	() => {
		const sum: Tally = { requests: 0, calls: 0, served: 0, steps: 0, simulatedMs: 0, places: {} };
		const violations: string[] = [];
		const startedMs = performance.now();
		let played = 0;
		const isOver = () => played >= SEEDS || (played >= SEEDS_MIN && performance.now() - startedMs > LASTS_MS);
		while (!isOver() && violations.length < 5) {
			const seed = FIRST + played;
			const { tally, violation } = playHistory(seed);
			add(sum, tally);
			played += 1;
			if (violation !== undefined) {
				violations.push(`SEED=${seed}: ${violation}`);
			}
		}
		const { places, simulatedMs, ...figures } = sum;
		const minutes = (performance.now() - startedMs) / 60_000;
		report("G21", FIRST, {
			seeds: played,
			...figures,
			simulatedDays: Math.round(simulatedMs / 86_400_000),
			seedsAMinute: Math.round(played / minutes),
			violations: violations.length,
		});
		expect(violations).toEqual([]);
		expect(played < SEEDS_MIN ? [] : PLACES.filter((place) => (places[place] ?? 0) === 0)).toEqual([]);
	},
	deadlineMs(120_000, 30),
);

test.skipIf(ONLY)("a seed is the same history whenever it is played", () => {
	for (let seed = FIRST; seed < FIRST + 40; seed += 1) {
		const [first, second] = [playHistory(seed), playHistory(seed)];
		expect({ seed, digest: second.digest, tally: second.tally }).toEqual({
			seed,
			digest: first.digest,
			tally: first.tally,
		});
	}
});

test.skipIf(!ONLY)(`SEED=${FIRST}`, () => {
	const { lines, violation } = playHistory(FIRST, { tells: true });
	process.stdout.write(`${lines.join("\n")}\n`);
	expect(violation).toBeUndefined();
});

function add(sum: Tally, { places, ...figures }: Tally): void {
	sum.requests += figures.requests;
	sum.calls += figures.calls;
	sum.served += figures.served;
	sum.steps += figures.steps;
	sum.simulatedMs += figures.simulatedMs;
	for (const [place, count] of Object.entries(places)) {
		sum.places[place] = (sum.places[place] ?? 0) + count;
	}
}

import { askGateway } from "./routing-client.ts";
import { CALM_KEY, drawScenario, type RequestPlan } from "./routing-scenario.ts";
import { type Asked, type Fail, isUncounted } from "./routing-state.ts";
import { createWorld, type World } from "./routing-world.ts";

/** What a history did, to be added up. */
export interface Tally {
	requests: number;
	calls: number;
	served: number;
	steps: number;
	simulatedMs: number;
	/** How often a history came to places that matter: none of them may stay unvisited. */
	readonly places: Record<string, number>;
}

export interface History {
	readonly tally: Tally;
	/** The first rule that did not hold; undefined = all held. */
	readonly violation: string | undefined;
	/** Every event, where they were asked for. */
	readonly lines: readonly string[];
	/** The same for the same seed. */
	readonly digest: string;
}

/** Longer than the longest cooldown, and than twice the longest opening. */
const RECOVERED_MS = 305_000;
/** Requests that trickle in once the faults are over: seconds after that. */
const TRICKLE_S = [1, 3, 65, 130];

/** Plays one seed from its first request to the last, and checks every rule at every step. */
export function playHistory(seed: number, { tells = false }: { readonly tells?: boolean } = {}): History {
	const scenario = drawScenario(seed);
	const lines: string[] = [];
	let violation: string | undefined;
	let digest = 0n;
	const tally: Tally = { requests: 0, calls: 0, served: 0, steps: 0, simulatedMs: 0, places: {} };
	const say = (text: string) => `${(world.time.clock.monotonic() / 1_000).toFixed(3)} ${text}`;
	const fail: Fail = (rule, facts) => {
		violation ??= say(`${rule}: ${JSON.stringify(facts)}`);
	};
	const note = (line: () => string) => {
		if (tells) {
			lines.push(say(line()));
		}
	};
	const world = createWorld(scenario, fail, note);
	let changes = -1;
	const onStep = () => {
		tally.steps += 1;
		if (changes !== world.books.changes()) {
			changes = world.books.changes();
			checkBooks(world, fail);
		}
		world.limits.check();
	};
	const onEnd = (asked: Asked, status: number) => {
		for (const place of placesOf(asked, status)) {
			tally.places[place] = (tally.places[place] ?? 0) + 1;
		}
		note(() => `request ${asked.number} = ${status}`);
		tally.served += status === 200 ? 1 : 0;
		digest = Bun.hash(`${asked.number} ${status} ${world.time.clock.monotonic()} ${asked.rows.length}`, digest);
	};
	const ask = (plan: RequestPlan, onStatus = (_status: number) => {}) => {
		tally.requests += 1;
		askGateway(world, plan, { fail, note, onEnd, onStatus });
	};
	// Those of an instant come in one turn of the event loop, and take each step side by side.
	for (const [atMs, plans] of Map.groupBy(scenario.requests, (plan) => plan.atMs)) {
		world.time.after(atMs, () => {
			for (const plan of plans) {
				ask(plan);
			}
		});
	}
	const { wallStep, faultsEndMs } = scenario;
	if (wallStep !== undefined) {
		world.time.after(wallStep.atMs, () => world.time.stepWall(wallStep.byMs));
	}
	const endMs = calmDown(world, ask, fail);
	for (let atMs = faultsEndMs / 4; violation === undefined && atMs < endMs; atMs += 5_000) {
		world.time.passUntil(atMs, onStep);
	}
	if (violation === undefined) {
		world.time.passUntil(endMs, onStep);
		checkEnd(world, fail);
	}
	tally.calls = world.network.calls.length;
	tally.simulatedMs = world.time.clock.monotonic();
	return { tally, violation, lines, digest: digest.toString(16) };
}

function placesOf(asked: Asked, status: number): readonly string[] {
	const classes = asked.rows.flatMap(({ closing, call }) => [
		closing?.errorClass,
		closing?.outcome,
		call?.isStale === true ? "stale" : undefined,
	]);
	const isAlone = asked.available.length === 0;
	return [
		...new Set([
			`status ${status}`,
			...classes.flatMap((name) => name ?? []),
			...(asked.rows.length > 1 && status === 200 ? ["failover"] : []),
			...(isAlone && asked.rows.length > 0 ? ["last resort"] : []),
			...(isAlone && asked.rows.length === 0 ? ["nobody left"] : []),
			...(asked.hasLeft ? ["left"] : []),
		]),
	];
}

/** Faults off: what is asked then is answered. Returns when the history ends. */
function calmDown(
	{ scenario, time, standing, health, isEnabled, asked }: World,
	ask: (plan: RequestPlan, onStatus: (status: number) => void) => void,
	fail: Fail,
): number {
	const { faultsEndMs } = scenario;
	const key = scenario.keys.find(({ id }) => id === CALM_KEY);
	const calm = { session: undefined, leavesAfterMs: undefined, kind: "fine", maxTokens: 40 } as const;
	const send = (atMs: number, index: number, mustServe: () => boolean) => {
		time.after(atMs, () => {
			if (key !== undefined) {
				const isDue = mustServe();
				ask({ ...calm, atMs, key, stream: index % 2 === 0 }, (status) => {
					if (isDue && status !== 200) {
						fail("when the faults are over, requests are served", {
							secondsAfter: (atMs - faultsEndMs) / 1_000,
							status,
						});
					}
				});
			}
		});
	};
	const isAnyAwake = () =>
		scenario.deployments.some(
			({ deployment: { id } }) => isEnabled(id) && standing.coolingUntilMs(id) <= time.clock.monotonic(),
		);
	for (const [index, seconds] of TRICKLE_S.entries()) {
		send(faultsEndMs + seconds * 1_000, index, () => index > 0 && isAnyAwake());
	}
	const lastMs = faultsEndMs + RECOVERED_MS;
	for (let index = 0; index < 2; index += 1) {
		send(lastMs + index * 1_000, index, () => true);
	}
	time.after(lastMs + 10_000, () => {
		if (time.deadlines.count() !== 0) {
			fail("what has ended leaves no deadline behind", { deadlines: time.deadlines.count() });
		}
		for (const { deployment } of scenario.deployments) {
			const { breaker } = health.view(deployment.id);
			// Who is asked seldom or never has had no chance to show that it is well.
			if (breaker === "open" || (breaker === "half_open" && answersSince(asked.values(), deployment.id) >= 2)) {
				fail("no breaker stays open when nothing fails", { deployment: deployment.id, breaker });
			}
		}
	});
	return lastMs + 70_000;
}

/** Answers to requests that came after a deployment's last failure. */
function answersSince(asked: Iterable<Asked>, deploymentId: string): number {
	const rows = [...asked].flatMap((one) => one.rows.filter(({ opening }) => opening.deploymentId === deploymentId));
	const failedMs = Math.max(
		...rows.map((row) => (row.closing?.outcome === "upstream_failed" && !isUncounted(row) ? (row.settledMs ?? 0) : -1)),
	);
	return rows.filter(({ closing, openedMs }) => closing?.outcome === "ok" && openedMs > failedMs).length;
}

/** After each step in which a row was opened or settled. */
function checkBooks(world: World, fail: Fail): void {
	const { scenario, books, budgets, health, ledger, limits } = world;
	if (limits.correctedTokens() !== books.tokens()) {
		fail("limits count the tokens that were used", { limits: limits.correctedTokens(), rows: books.tokens() });
	}
	for (const { deployment } of scenario.deployments) {
		const { inFlight } = health.pace(deployment.id);
		if (inFlight !== books.openRowsAt(deployment.id)) {
			fail("in flight is what is open", { deployment: deployment.id, inFlight, open: books.openRowsAt(deployment.id) });
		}
	}
	if (ledger.openCount() !== books.openRows()) {
		fail("the ledger has open what the disk has open", { ledger: ledger.openCount(), disk: books.openRows() });
	}
	const limited = [
		...scenario.keys.map(({ id, monthlyBudgetNano }) => ({ subject: `key:${id}`, limitNano: monthlyBudgetNano })),
		{ subject: "team:team", limitNano: scenario.team.monthlyBudgetNano },
	];
	for (const { subject, limitNano } of limited) {
		const { spentNano, reservedNano } = budgets.levels(subject);
		const sums = books.sumsOf(subject);
		if (spentNano !== sums.spentNano || reservedNano !== sums.reservedNano || reservedNano < 0) {
			fail("a budget is what its rows are", { subject, spentNano, reservedNano, sums });
		}
		if (limitNano !== undefined && spentNano + reservedNano > limitNano) {
			fail("spent and reserved are within the budget", { subject, spentNano, reservedNano, limitNano });
		}
	}
}

function checkEnd(world: World, fail: Fail): void {
	const { asked, deps, books, time, limits, network } = world;
	for (const one of asked.values()) {
		if (one.endedMs === undefined) {
			fail("every request ends", { request: one.number, arrivedMs: one.arrivedMs });
		}
		for (const row of one.rows) {
			if (row.closing === undefined || (row.call === undefined && !one.hasLeft)) {
				fail("every row has a call and an end", { request: one.number, row: row.opening.attempt });
			}
		}
	}
	const rows = [...asked.values()].reduce((sum, one) => sum + one.rows.filter(({ call }) => call).length, 0);
	if (rows !== network.calls.length) {
		fail("every call has a row", { rows, calls: network.calls.length });
	}
	if (deps.runtime.live.count() !== 0 || books.openRows() !== 0 || time.deadlines.count() !== 0) {
		fail("nothing is left behind", { live: deps.runtime.live.count(), deadlines: time.deadlines.count() });
	}
	limits.checkIdle();
}

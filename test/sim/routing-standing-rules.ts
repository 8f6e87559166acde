import type { HealthBook } from "../../src/routing/types.ts";
import type { Scenario } from "./routing-scenario.ts";
import { type Asked, type Fail, failuresOf, isUncounted, type Row } from "./routing-state.ts";
import type { SimulatedTime } from "./routing-time.ts";

/** What is known of a deployment by what came of its calls: counted here once more, and by nobody else's word. */
interface Standing {
	/** Failures since it answered last. */
	failures: number;
	lastFailureMs: number;
	coolingUntilMs: number;
	/** When it was asked for want of anybody else. */
	lastResortMs: number;
	/** Under way since its breaker was half-open, and not answering yet. */
	readonly probes: Set<Row>;
}

const ALWAYS_FAILURES = 10;
const CONSECUTIVE_MAX = 5;
const LAST_RESORT_MS = 1_000;
/** With its jitter. */
const OPEN_MAX_MS = 144_000;
const PROBE_MAX_MS = 660_000;
const RETRIES_FULL = 500;
const RETRIES_FLOOR_PER_MS = 0.02;
const TIMEOUTS = ["connect_timeout", "ttft_timeout", "idle_timeout", "total_timeout", "upstream_timeout_status"];
const NEVER_REACHED = ["connect_refused", "connect_timeout", "dns", "tls"];

export type StandingRules = ReturnType<typeof createStandingRules>;

/** Who may be asked, when, and how often: RELIABILITY §3.3, checked at each call. */
export function createStandingRules(deps: {
	readonly scenario: Scenario;
	readonly time: SimulatedTime;
	readonly health: HealthBook;
	readonly isEnabled: (deploymentId: string) => boolean;
	readonly fail: Fail;
}) {
	const { scenario, time, health, isEnabled, fail } = deps;
	const standings = new Map<string, Standing>();
	for (const { deployment } of scenario.deployments) {
		const never = Number.NEGATIVE_INFINITY;
		const fresh = { failures: 0, lastFailureMs: never, coolingUntilMs: 0, lastResortMs: never, probes: new Set<Row>() };
		standings.set(deployment.id, fresh);
	}
	const retries = createRetryModel(time);
	/** Those that were let through to one that always fails. */
	const lastResorts = new Set<Asked>();

	function standingOf(deploymentId: string): Standing {
		const standing = standings.get(deploymentId);
		if (standing === undefined) {
			throw new Error(`no deployment ${deploymentId}`);
		}
		return standing;
	}

	function opened(asked: Asked, row: Row): void {
		const { deploymentId } = row.opening;
		const failures = failuresOf(asked);
		const before = asked.rows.at(-2);
		const facts = { request: asked.number, deployment: deploymentId, attempt: row.opening.attempt };
		if (!isEnabled(deploymentId)) {
			fail("a deployment out of rotation is not asked", facts);
		}
		const attemptsMax = lastResorts.has(asked) ? 1 : scenario.alias.retries + 1;
		if (failures.length >= attemptsMax) {
			fail("no more attempts than retries and one", { ...facts, failures: failures.length });
		}
		if (asked.answeredMs !== undefined) {
			fail("nobody else is asked once an answer has begun", facts);
		}
		const last = failures.at(-1)?.closing?.errorClass;
		const isRenewed = before?.call?.isStale === true && before.opening.deploymentId === deploymentId;
		if (last !== undefined && !isRenewed && !retries.follow(last, asked, row)) {
			fail("retries keep to their budget", { ...facts, level: retries.level() });
		}
		if (!isRenewed) {
			checkStanding(asked, row, facts);
		}
		if (health.view(deploymentId).breaker === "half_open") {
			// Who is asked out of turn takes the place of the probe.
			const { probes } = standingOf(deploymentId);
			probes.clear();
			probes.add(row);
		}
	}

	function checkStanding(asked: Asked, row: Row, facts: Readonly<Record<string, unknown>>): void {
		const { deploymentId } = row.opening;
		const standing = standingOf(deploymentId);
		const nowMs = time.clock.monotonic();
		if (nowMs < standing.coolingUntilMs) {
			fail("a provider that asked to be left alone is not asked", { ...facts, until: standing.coolingUntilMs });
		}
		const probing = [...standing.probes].filter((one) => isProbing(one, nowMs));
		// Requests of one turn of the event loop may all find the place of the probe free.
		const isSideBySide = probing.some(({ openedMs }) => openedMs === nowMs);
		const isFailing = health.standing(deploymentId) === "failing" && !isSideBySide;
		if (isFailing && asked.rows.length === 1 && asked.available.length > 0) {
			fail("one that is failing is not asked first while others are there", { ...facts, others: asked.available });
		}
		if (isFailing && standing.failures >= ALWAYS_FAILURES) {
			if (asked.rows.length > 1) {
				fail("one that always fails is asked for want of anybody else only", facts);
			}
			if (nowMs - standing.lastResortMs < LAST_RESORT_MS) {
				fail("one that always fails is asked once a second", { ...facts, last: standing.lastResortMs });
			}
			standing.lastResortMs = nowMs;
			lastResorts.add(asked);
		}
		const isProbe = health.standing(deploymentId) === "available" && health.view(deploymentId).breaker === "half_open";
		if (isProbe && probing.length > 0 && !isSideBySide) {
			fail("one probe at a time", { ...facts, others: probing.map(({ opening }) => opening.requestId) });
		}
	}

	function settled(row: Row): void {
		const { opening, closing } = row;
		const standing = standingOf(opening.deploymentId);
		standing.probes.delete(row);
		if (closing?.outcome === "ok" || closing?.outcome === "refused") {
			standing.failures = 0;
		} else if (closing?.outcome === "upstream_failed" && !isUncounted(row)) {
			standing.lastFailureMs = time.clock.monotonic();
			const cooldownMs = cooldownOf(row, time);
			if (cooldownMs !== undefined && (closing.errorClass === "rate_limited" || closing.errorClass === "quota")) {
				standing.coolingUntilMs = Math.max(standing.coolingUntilMs, time.clock.monotonic() + cooldownMs);
			} else {
				standing.failures += 1;
			}
		}
		const { breaker, availableAtMs = 0 } = health.view(opening.deploymentId);
		const restsUntilMs = Math.max(standing.coolingUntilMs, time.clock.monotonic() + OPEN_MAX_MS);
		if (availableAtMs - time.clock.now() > restsUntilMs - time.clock.monotonic() + 1) {
			fail("no opening is longer than the longest", { deployment: opening.deploymentId, availableAtMs });
		}
		if (breaker === "open") {
			standing.probes.clear();
		}
		const probing = [...standing.probes].some((one) => isProbing(one, time.clock.monotonic()));
		if (breaker === "half_open" && !probing && health.standing(opening.deploymentId) === "failing") {
			fail("a half-open breaker that nobody probes lets the next one in", { deployment: opening.deploymentId });
		}
		if (standing.failures >= CONSECUTIVE_MAX && closing?.outcome === "upstream_failed" && breaker === "closed") {
			fail("five failures in a row open the breaker", { deployment: opening.deploymentId });
		}
	}

	return {
		opened,
		settled,
		served: () => retries.succeeded(),
		/** False where the retry budget may be why nobody else was asked: some is taken for attempts that are then not made. */
		retriesMaySuffice: (concurrent: number) => retries.level() >= 150 + 20 * concurrent,
		/** Whether somebody may be asked out of turn, since nobody else is left. */
		hasLastResort: (deploymentIds: readonly string[]) =>
			deploymentIds.some((id) => {
				const { failures, lastResortMs } = standingOf(id);
				const isFailing = health.standing(id) === "failing";
				const isDue = time.clock.monotonic() - lastResortMs >= LAST_RESORT_MS;
				return isFailing && (failures < ALWAYS_FAILURES || isDue);
			}),
		coolingUntilMs: (deploymentId: string) => standingOf(deploymentId).coolingUntilMs,
		/** Whether it failed since then, or so often before that only its next probe can tell. */
		wasTroubled: (deploymentId: string, sinceMs: number) => {
			const { failures, lastFailureMs } = standingOf(deploymentId);
			return failures >= ALWAYS_FAILURES || lastFailureMs >= sinceMs;
		},
	};
}

/** How long a provider is to be left alone. A date is read by the calendar of the moment. */
function cooldownOf({ call }: Row, time: SimulatedTime): number | undefined {
	const { cooldownMs, coolsUntilWallMs } = call?.fate ?? {};
	return coolsUntilWallMs === undefined
		? cooldownMs
		: Math.min(60_000, Math.max(1_000, coolsUntilWallMs - time.clock.now()));
}

function isProbing({ closing, call, openedMs }: Row, nowMs: number): boolean {
	return closing === undefined && (call?.given ?? 0) === 0 && nowMs - openedMs <= PROBE_MAX_MS;
}

/** The bucket of retries, as RELIABILITY §3.3 describes it. */
function createRetryModel(time: SimulatedTime) {
	let level = RETRIES_FULL;
	let atMs = 0;
	function refill(): void {
		const nowMs = time.clock.monotonic();
		level = Math.min(RETRIES_FULL, level + (nowMs - atMs) * RETRIES_FLOOR_PER_MS);
		atMs = nowMs;
	}
	return {
		level() {
			refill();
			return level;
		},
		succeeded() {
			refill();
			level = Math.min(RETRIES_FULL, level + 5);
		},
		/** False where nothing was left for it. What was waited for was paid for before: as much as waits may be missing. */
		follow(errorClass: string, asked: Asked, row: Row): boolean {
			const isNew = asked.rows.every((one) => one === row || one.opening.deploymentId !== row.opening.deploymentId);
			if (isNew && NEVER_REACHED.includes(errorClass)) {
				return true;
			}
			refill();
			level -= TIMEOUTS.includes(errorClass) ? 20 : 10;
			return level >= -60;
		},
	};
}

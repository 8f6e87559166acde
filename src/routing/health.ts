import type { Clock } from "../lib/clock.ts";
import { type Breaker, createBreaker } from "./breaker.ts";
import type { HealthBook, HealthRun, HealthView } from "./types.ts";
import { createRecentMedian, createSlidingCounts, type RecentMedian, type SlidingCounts } from "./window.ts";

/** A provider may not talk us out of itself for longer, whatever its `Retry-After` says. */
const COOLDOWN_MAX_MS = 300_000;

/** The failure class of a provider that refuses our credential (401, 403): two in a row open the breaker. */
const PROVIDER_AUTH_FAILURE = "provider_auth";

/** Between two requests that are let through to a deployment that is failing, for want of any other. */
const LAST_RESORT_MS = 1_000;

interface Health {
	readonly counts: SlidingCounts;
	readonly ttft: RecentMedian;
	readonly breaker: Breaker;
	inFlight: number;
	/** Monotonic; undefined = none. */
	cooldownUntilMs: number | undefined;
	/** Monotonic; undefined = never. */
	lastResortAtMs: number | undefined;
	lastError: HealthView["lastError"];
}

const UNKNOWN: HealthView = Object.freeze({
	breaker: "closed",
	inFlight: 0,
	requests: 0,
	errors: 0,
	ttftP50Ms: undefined,
	lastError: undefined,
	availableAtMs: undefined,
});

/**
 * What is known of every deployment's health. Durations run on the monotonic clock, so that a stepped wall clock
 * neither opens nor closes anything.
 */
export function createHealthBook(deps: { readonly clock: Clock; readonly random?: () => number }): HealthBook {
	const { clock, random = Math.random } = deps;
	const book = new Map<string, Health>();

	function healthOf(deploymentId: string): Health {
		const known = book.get(deploymentId);
		if (known !== undefined) {
			return known;
		}
		const health = createHealth(random);
		book.set(deploymentId, health);
		return health;
	}

	return {
		begin: (deploymentId) => beginRun(healthOf(deploymentId), clock),
		standing(deploymentId, inMs = 0) {
			const health = book.get(deploymentId);
			const atMs = clock.monotonic() + inMs;
			if (health === undefined) {
				return "available";
			}
			if (cooling(health, atMs)) {
				return "cooling";
			}
			return health.breaker.allows(atMs) ? "available" : "failing";
		},
		alwaysFails: (deploymentId) => book.get(deploymentId)?.breaker.alwaysFails() ?? false,
		lastResort(deploymentId) {
			const health = healthOf(deploymentId);
			const nowMs = clock.monotonic();
			if (health.lastResortAtMs !== undefined && nowMs - health.lastResortAtMs < LAST_RESORT_MS) {
				return false;
			}
			health.lastResortAtMs = nowMs;
			return true;
		},
		pace(deploymentId) {
			const health = book.get(deploymentId);
			return health === undefined
				? UNKNOWN
				: { inFlight: health.inFlight, ttftP50Ms: health.ttft.median(clock.monotonic()) };
		},
		view(deploymentId) {
			const health = book.get(deploymentId);
			return health === undefined ? UNKNOWN : viewOf(health, clock);
		},
		retain(deploymentIds) {
			for (const deploymentId of book.keys()) {
				if (!deploymentIds.has(deploymentId)) {
					book.delete(deploymentId);
				}
			}
		},
	};
}

function createHealth(random: () => number): Health {
	const counts = createSlidingCounts();
	return {
		counts,
		ttft: createRecentMedian(),
		breaker: createBreaker(counts, random),
		inFlight: 0,
		cooldownUntilMs: undefined,
		lastResortAtMs: undefined,
		lastError: undefined,
	};
}

function beginRun(health: Health, clock: Clock): HealthRun {
	const beganMs = clock.monotonic();
	health.inFlight += 1;
	health.counts.add("requests", beganMs);
	const run = health.breaker.begin(beganMs);
	return {
		answering: () => run.answering(clock.monotonic()),
		succeeded(ttftMs) {
			const nowMs = clock.monotonic();
			health.inFlight -= 1;
			run.succeeded(nowMs);
			if (ttftMs !== undefined) {
				health.ttft.add(ttftMs, nowMs);
			}
		},
		failed(failure) {
			const nowMs = clock.monotonic();
			health.inFlight -= 1;
			health.counts.add("errors", nowMs);
			health.lastError = { class: failure.class, atMs: clock.now() };
			if (failure.cooldownMs === undefined) {
				run.failed(nowMs, { refused: failure.class === PROVIDER_AUTH_FAILURE });
				return;
			}
			// A rate limit is not a fault: it has its own pause and leaves the breaker alone.
			const untilMs = nowMs + Math.min(Math.max(failure.cooldownMs, 0), COOLDOWN_MAX_MS);
			health.cooldownUntilMs = Math.max(health.cooldownUntilMs ?? untilMs, untilMs);
			run.abandoned();
		},
		abandoned() {
			health.inFlight -= 1;
			run.abandoned();
		},
	};
}

function cooling(health: Health, nowMs: number): boolean {
	return health.cooldownUntilMs !== undefined && nowMs < health.cooldownUntilMs;
}

function viewOf(health: Health, clock: Clock): HealthView {
	const nowMs = clock.monotonic();
	const waits = [cooling(health, nowMs) ? health.cooldownUntilMs : undefined, health.breaker.opensUntilMs(nowMs)];
	const untilMs = Math.max(...waits.map((wait) => wait ?? 0));
	return {
		breaker: health.breaker.state(nowMs),
		inFlight: health.inFlight,
		requests: health.counts.total("requests", nowMs),
		errors: health.counts.total("errors", nowMs),
		ttftP50Ms: health.ttft.median(nowMs),
		lastError: health.lastError,
		availableAtMs: untilMs > nowMs ? Math.ceil(clock.now() + untilMs - nowMs) : undefined,
	};
}

import type { Clock } from "../lib/clock.ts";
import { formatUsd } from "../lib/money.ts";
import type { Logger } from "../telemetry/logger.ts";
import { systemTimers, type Timers, within } from "./timers.ts";
import type { Membership } from "./types.ts";

export interface HeartbeatDeps {
	readonly membership: Membership;
	readonly clock: Clock;
	readonly logger: Pick<Logger, "warn">;
	/** This instance was not heard of for so long that others have settled its attempts and taken its budgets. */
	readonly onTakenForDead: () => void;
	readonly timers?: Timers | undefined;
}

/** The life of this instance among those that share its database. */
export interface Heartbeat {
	/** Says that this instance lives; done by itself each second. Never rejects: what fails is said again by the next one. */
	beat(): Promise<void>;
	/**
	 * False when the others may have taken this instance for dead by now, which they do after a minute without a sign: what
	 * it holds may be theirs already.
	 */
	isAlive(): boolean;
	/** How many instances there are, this one included, as far as is known. */
	instances(): number;
	/**
	 * This instance ends, everything of it being settled: nothing beats from now on, and what it holds is free. Within 2 s,
	 * however the database is; one that was not told finds out by itself, a minute later.
	 */
	close(): Promise<void>;
}

const BEAT_MS = 1_000;
const REAP_MS = 10_000;
/** Well before the others' patience ends: their clocks need not run like ours. */
const ALIVE_MS = 45_000;
const QUIET_MAX_MS = 1_000;
const LEAVE_MAX_MS = 1_000;

/** Beats each second and settles each ten what others have left behind. That the database is away is for the follower to tell. */
export function createHeartbeat(deps: HeartbeatDeps): Heartbeat {
	const { membership, clock, logger, onTakenForDead, timers = systemTimers } = deps;
	let instances = 1;
	let isClosing = false;
	// The store has given the first sign when it was opened.
	let heardOfAtMs = clock.monotonic();

	const beat = oneAtATime(async () => {
		const beganAtMs = clock.monotonic();
		const heard = await membership.beat();
		heardOfAtMs = beganAtMs;
		if (isClosing) {
			return;
		}
		instances = Math.max(1, heard.instances);
		if (heard.wasTakenForDead) {
			logger.warn("instance_taken_for_dead", {});
			onTakenForDead();
		}
	});
	const reap = oneAtATime(async () => {
		for (const { requestId, attempt, costNano } of await membership.reap(clock.now())) {
			logger.warn("recovered_attempt", { requestId, attempt, costUsd: formatUsd(costNano) });
		}
	});
	const stops = [timers.every(BEAT_MS, () => void beat.run()), timers.every(REAP_MS, () => void reap.run())];

	async function close(): Promise<void> {
		isClosing = true;
		for (const stop of stops) {
			stop();
		}
		// A beat that arrived after it would make this instance live again.
		let isLate = true;
		const quiet = Promise.all([beat.ended(), reap.ended()]).then(() => {
			isLate = false;
		});
		await within(QUIET_MAX_MS, quiet, timers);
		if (!isLate) {
			await within(LEAVE_MAX_MS, membership.leave(), timers);
		}
	}
	let closed: Promise<void> | undefined;

	return {
		beat: () => (isClosing ? Promise.resolve() : beat.run()),
		isAlive: () => clock.monotonic() - heardOfAtMs < ALIVE_MS,
		instances: () => instances,
		close() {
			closed ??= close();
			return closed;
		},
	};
}

/** Whoever runs the work while it is under way shares it. What fails is tried again at the next run. */
function oneAtATime(work: () => Promise<void>) {
	let running: Promise<void> | undefined;
	return {
		run(): Promise<void> {
			running ??= work()
				.catch(() => {})
				.finally(() => {
					running = undefined;
				});
			return running;
		},
		ended: () => running ?? Promise.resolve(),
	};
}

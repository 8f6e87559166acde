import type { Clock } from "../lib/clock.ts";
import type { Logger } from "../telemetry/logger.ts";
import { createPolling } from "./polling.ts";
import { createSight } from "./sight.ts";
import { systemTimers, type Timers, within } from "./timers.ts";
import type { Change, ChangeFeed, Nudges } from "./types.ts";

/** What is kept in memory of the shared database. */
export interface Reloadable {
	/**
	 * Reads these again, and what an earlier call could not: in force when the promise resolves. Rejects when the database
	 * does not answer.
	 */
	reload(ids: readonly string[]): Promise<void>;
}

export interface FollowerDeps {
	readonly feed: ChangeFeed;
	/** undefined: changes are found by polling alone. */
	readonly nudges?: Pick<Nudges, "listen"> | undefined;
	readonly keys: Reloadable;
	readonly teams: Reloadable;
	readonly rotation: Reloadable;
	readonly clock: Clock;
	readonly logger: Pick<Logger, "info" | "warn" | "error">;
	readonly timers?: Timers | undefined;
}

/** Brings what others change into this process. */
export interface Follower {
	/**
	 * Resolves when a poll that began after the call is in force, or after a second. Calls share polls, and cause one each
	 * 50 ms at most: a guess of a key may ask for it. Never rejects.
	 */
	catchUp(): Promise<void>;
	/** Nothing was heard of the others for so long (30 s) that a key known here may have been revoked long ago. */
	isStale(): boolean;
	/** Nothing is polled or logged from now on. Resolves when the running poll has ended, or after 1 s. */
	close(): Promise<void>;
}

const POLL_MS = 500;
const CATCH_UP_GAP_MS = 50;
const CATCH_UP_MAX_MS = 1_000;
const CLOSE_MAX_MS = 1_000;

/**
 * Polls each 500 ms, and at once when nudged. What could not be read is read by a later poll: a change that was told is
 * never forgotten. Opened after the feed and before anything is served.
 */
export function createFollower(deps: FollowerDeps): Follower {
	const { feed, nudges, keys, teams, rotation, clock, logger, timers = systemTimers } = deps;
	const sight = createSight({ clock, logger });
	const polling = createPolling({ round, clock, timers });
	let isClosed = false;

	async function round(): Promise<void> {
		const problem = await poll().catch((error: unknown) => ({ error }));
		if (!isClosed) {
			sight.looked(problem);
		}
	}
	async function poll(): Promise<undefined> {
		const changes = await feed.next();
		if (isClosed) {
			return;
		}
		const reloads = [
			keys.reload(idsOf(changes, "key")),
			teams.reload(idsOf(changes, "team")),
			rotation.reload(idsOf(changes, "deployment")),
		];
		// All of them, though one may fail: it has kept what it could not read, and is asked again by the next poll.
		const refused = (await Promise.allSettled(reloads)).find((outcome) => outcome.status === "rejected");
		if (refused !== undefined) {
			throw refused.reason;
		}
	}
	function look(): void {
		sight.passed();
		void polling.ask(0);
	}

	const stopPolling = timers.every(POLL_MS, look);
	void polling.ask(0);
	nudges?.listen(() => void polling.ask(0));
	return {
		catchUp: () => within(CATCH_UP_MAX_MS, polling.ask(CATCH_UP_GAP_MS), timers),
		isStale: sight.isStale,
		close() {
			isClosed = true;
			stopPolling();
			return within(CLOSE_MAX_MS, polling.close(), timers);
		},
	};
}

function idsOf(changes: readonly Change[], kind: Change["kind"]): readonly string[] {
	return changes.filter((change) => change.kind === kind).map(({ id }) => id);
}

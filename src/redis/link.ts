import type { Clock } from "../lib/clock.ts";
import { createBreaker } from "./breaker.ts";
import { type OpenRedis, type RedisConnection, redisConnector } from "./connection.ts";
import { DeadlinePassed, withinDeadline } from "./deadline.ts";
import { addressProblem } from "./diagnose.ts";
import { evaluate, RedisRefused } from "./evaluate.ts";
import { createLinkState, type RedisState, type StateWatcher } from "./link-state.ts";
import { createProbedConnection } from "./probed-connection.ts";
import type { RedisScript } from "./scripts.ts";

/** The way to Redis, which may be gone at any time: nobody ever waits for it longer than the deadline. */
export interface RedisLink {
	state(): RedisState;
	/**
	 * Runs a script. Rejects at once while Redis is down, and after the deadline otherwise; then nobody knows whether it has
	 * run. Scripts run in the order of the calls, except across a loss of the connection.
	 */
	run(script: RedisScript, keys: readonly string[], args: readonly string[]): Promise<unknown>;
	/** Called after each change of the state. Returns how to end that. */
	watch(onState: StateWatcher): () => void;
	/** Nothing is sent any more. */
	close(): void;
}

export interface RedisLinkDeps {
	/** As configured; holds a secret. */
	readonly url: string;
	readonly clock: Clock;
	/** Called once for each change, and for the first state that is known. */
	readonly onState?: StateWatcher | undefined;
	/** Longest that a caller waits, milliseconds. */
	readonly deadlineMs?: number | undefined;
	readonly open?: OpenRedis | undefined;
}

const DEADLINE_MS = 25;
const PROBE_EVERY_MS = 250;

/**
 * Opens after five failures within a second or in a row, and when the connection is lost; nothing is sent then but one probe each
 * 250 ms. Closes after a probe that was as fast as a command must be.
 */
export function createRedisLink(deps: RedisLinkDeps): RedisLink {
	const { url, clock, deadlineMs = DEADLINE_MS } = deps;
	const impossible = addressProblem(url);
	const slow = `Redis takes longer than ${deadlineMs} ms to answer`;
	const breaker = createBreaker();
	const state = createLinkState(clock, impossible ?? "not connected yet", deps.onState);
	const line = createProbedConnection({
		url,
		open: deps.open ?? redisConnector(url),
		clock,
		fastMs: deadlineMs,
		onLost: () => state.become("down", "the connection to Redis was lost"),
	});
	let isProbing = false;

	async function look(): Promise<void> {
		if (isProbing || state.now().name === "ok") {
			return;
		}
		isProbing = true;
		try {
			await line.probe();
			if (line.current()) {
				breaker.reset();
				state.become("ok", undefined);
			}
		} catch (error) {
			state.become("down", reasonOf(error));
		} finally {
			isProbing = false;
		}
	}

	function failed(error: unknown, used: RedisConnection): void {
		if (line.current() !== used || state.now().name !== "ok") {
			return;
		}
		const hasTripped = breaker.failed(clock.monotonic());
		if (hasTripped || error instanceof RedisRefused) {
			state.become("down", error instanceof RedisRefused ? error.message : slow);
		}
	}

	const timer = impossible === undefined ? setInterval(() => void look(), PROBE_EVERY_MS) : undefined;
	timer?.unref();
	// Not before the caller, who may want to say something of the first state, has the link.
	queueMicrotask(() => (impossible === undefined ? void look() : state.become("down", impossible)));
	return {
		state: state.now,
		watch: state.watch,
		async run(script, keys, args) {
			const used = line.current();
			const { name, reason } = state.now();
			if (name !== "ok" || used === undefined) {
				throw new RedisRefused(reason ?? "Redis is away");
			}
			try {
				const answer = await withinDeadline(evaluate(used, script, keys, args), deadlineMs, clock);
				breaker.worked();
				return answer;
			} catch (error) {
				failed(error, used);
				throw error;
			}
		},
		close() {
			clearInterval(timer);
			state.close();
			line.close();
		},
	};
}

/** What is not known to be harmless is not repeated. */
function reasonOf(error: unknown): string {
	if (error instanceof RedisRefused) {
		return error.message;
	}
	return error instanceof DeadlinePassed ? "Redis does not answer" : "no connection to Redis";
}

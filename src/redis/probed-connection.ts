import type { Clock } from "../lib/clock.ts";
import type { OpenRedis, RedisConnection } from "./connection.ts";
import { withinDeadline } from "./deadline.ts";
import { whyUnreachable } from "./diagnose.ts";
import { evaluate, RedisRefused } from "./evaluate.ts";
import { createPatience } from "./patience.ts";
import { PROBE_KEYS, PROBE_SCRIPT } from "./scripts.ts";

export interface ProbedConnectionDeps {
	readonly url: string;
	readonly open: OpenRedis;
	readonly clock: Clock;
	/** A probe that took longer has failed. */
	readonly fastMs: number;
	readonly onLost: () => void;
}

/** A probe may take longer than a command: a slow Redis is alive, though of no use to requests. */
const DEADLINE_MS = 200;
/** Silent for so long, a connection is given up: its other end may not know of it any more. */
const SILENCE_MAX_MS = 3_000;

/** The connection of the limits: opened by a probe when there is none, and replaced when it was lost or stays silent. */
export function createProbedConnection({ url, open, clock, fastMs, onLost }: ProbedConnectionDeps) {
	let connection: RedisConnection | undefined;
	let heardAtMs = 0;
	let isClosed = false;

	async function connect(): Promise<RedisConnection> {
		let opened: RedisConnection | undefined;
		try {
			opened = await open(() => {
				if (opened !== undefined && connection === opened) {
					connection = undefined;
					onLost();
				}
			});
		} catch {
			throw new RedisRefused(isClosed ? "closed" : await whyUnreachable(url));
		}
		if (isClosed) {
			opened.close();
			throw new RedisRefused("closed");
		}
		connection = opened;
		heardAtMs = clock.monotonic();
		return opened;
	}

	return {
		current: () => connection,
		/** Rejects when Redis does not do, quickly, what the limits need. */
		async probe(): Promise<void> {
			const used = connection ?? (await connect());
			let isSlow = false;
			const endPatience = createPatience(clock).wait(fastMs, () => {
				isSlow = true;
			});
			const answer = evaluate(used, PROBE_SCRIPT, PROBE_KEYS, []).then(() => {
				heardAtMs = clock.monotonic();
			});
			try {
				await withinDeadline(answer, Math.max(DEADLINE_MS, fastMs), clock);
			} catch (error) {
				if (connection === used && clock.monotonic() - heardAtMs > SILENCE_MAX_MS) {
					connection = undefined;
					used.close();
				}
				throw error;
			} finally {
				endPatience();
			}
			if (isSlow) {
				throw new RedisRefused(`Redis takes longer than ${fastMs} ms to answer`);
			}
		},
		close(): void {
			isClosed = true;
			connection?.close();
			connection = undefined;
		},
	};
}

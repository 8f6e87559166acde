import type { Nudges } from "../instances/types.ts";
import type { Clock } from "../lib/clock.ts";
import { type OpenRedis, type RedisConnection, redisConnector } from "./connection.ts";
import { DeadlinePassed, withinDeadline } from "./deadline.ts";
import { addressProblem } from "./diagnose.ts";
import { KEY_PREFIX } from "./scripts.ts";

/** Nudges by Redis publish/subscribe. */
export interface RedisNudges extends Nudges {
	/** True while nudges of others arrive, as far as is known. */
	isListening(): boolean;
	close(): void;
}

export interface RedisNudgesDeps {
	/** As configured; holds a secret. */
	readonly url: string;
	readonly clock: Clock;
	readonly open?: OpenRedis | undefined;
}

const CHANNEL = `${KEY_PREFIX}changes`;
const LOOK_EVERY_MS = 500;
const PING_EVERY_MS = 2_000;
const DEADLINE_MS = 1_000;

/**
 * One connection to send and one to listen, apart from the one of the limits. Both are replaced when they are lost or
 * silent, and the new one subscribes again. What was published meanwhile is lost, so each new subscription is a nudge of
 * its own.
 */
export function createRedisNudges({ url, clock, open = redisConnector(url) }: RedisNudgesDeps): RedisNudges {
	const listeners: (() => void)[] = [];
	let isClosed = addressProblem(url) !== undefined;

	function tell(): void {
		if (!isClosed) {
			for (const listener of listeners) {
				listener();
			}
		}
	}
	const sender = createKeptConnection({ open, clock, prepare: async () => {} });
	const receiver = createKeptConnection({
		open,
		clock,
		prepare: async (connection) => {
			await connection.subscribe(CHANNEL, tell);
			tell();
		},
	});
	function look(): void {
		if (!isClosed) {
			void sender.look();
			void receiver.look();
		}
	}
	const timer = setInterval(look, LOOK_EVERY_MS);
	timer.unref();
	look();
	return {
		send() {
			sender
				.current()
				?.send("PUBLISH", [CHANNEL, "1"])
				.catch(() => {});
		},
		listen(onNudge) {
			listeners.push(onNudge);
		},
		isListening: () => receiver.current() !== undefined,
		close() {
			isClosed = true;
			clearInterval(timer);
			sender.close();
			receiver.close();
		},
	};
}

interface KeptConnectionDeps {
	readonly open: OpenRedis;
	readonly clock: Clock;
	/** What a new connection does before it is used. */
	readonly prepare: (connection: RedisConnection) => Promise<void>;
}

/** A connection that is opened again when it was lost, and asked now and then whether it still is one. */
function createKeptConnection({ open, clock, prepare }: KeptConnectionDeps) {
	let connection: RedisConnection | undefined;
	let askedAtMs = 0;
	let isLooking = false;
	let isClosed = false;

	async function renew(): Promise<void> {
		const opened = await open(() => {});
		try {
			await withinDeadline(prepare(opened), DEADLINE_MS, clock);
		} catch (error) {
			opened.close();
			throw error;
		}
		if (isClosed) {
			opened.close();
		} else {
			connection = opened;
			askedAtMs = clock.monotonic();
		}
	}
	async function ask(asked: RedisConnection): Promise<void> {
		askedAtMs = clock.monotonic();
		try {
			await withinDeadline(asked.send("PING", []), DEADLINE_MS, clock);
		} catch (error) {
			if (error instanceof DeadlinePassed || asked.isLost()) {
				asked.close();
			}
		}
	}
	return {
		current: () => (connection?.isLost() ? undefined : connection),
		/** Never rejects. */
		async look(): Promise<void> {
			if (isLooking || isClosed) {
				return;
			}
			isLooking = true;
			try {
				if (connection === undefined || connection.isLost()) {
					await renew();
				} else if (clock.monotonic() - askedAtMs >= PING_EVERY_MS) {
					await ask(connection);
				}
			} catch {
				// Tried again at the next look. That Redis is away is told by the link of the limits.
			} finally {
				isLooking = false;
			}
		},
		close(): void {
			isClosed = true;
			connection?.close();
		},
	};
}

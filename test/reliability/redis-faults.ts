import type { RedisProcess, RedisServer } from "../support/redis.ts";
import { until } from "../support/wait.ts";

/** Something that happens to a Redis in use. */
export interface RedisFault {
	readonly what: string;
	/** Instances notice, and say so. */
	readonly isOutage: boolean;
	/** It begins; resolves when it can. */
	begin(): Promise<unknown>;
	/** Redis is as before, but for its data. */
	end(): Promise<unknown>;
}

const NOTHING = async () => {};

export function redisFaults({ command, process }: RedisServer): readonly RedisFault[] {
	// These are for servers of our own: nobody else's is killed.
	const own = process as RedisProcess;
	return [
		{
			what: "stopped in order",
			isOutage: true,
			async begin() {
				// It answers by closing the connection.
				await command("SHUTDOWN", "NOSAVE").catch(NOTHING);
				await until("it is gone", async () => {
					try {
						await command("PING");
						return false;
					} catch {
						return true;
					}
				});
			},
			end: own.start,
		},
		{ what: "killed, and started with nothing", isOutage: true, begin: own.kill, end: own.start },
		{ what: "standing still", isOutage: true, begin: async () => own.freeze(), end: async () => own.thaw() },
		{ what: "without its data (FLUSHALL)", isOutage: false, begin: () => command("FLUSHALL"), end: NOTHING },
		{
			what: "without its scripts (SCRIPT FLUSH)",
			isOutage: false,
			begin: () => command("SCRIPT", "FLUSH"),
			end: NOTHING,
		},
		{
			what: "closing all connections (CLIENT KILL)",
			isOutage: false,
			begin: () => command("CLIENT", "KILL", "TYPE", "normal"),
			end: NOTHING,
		},
	];
}

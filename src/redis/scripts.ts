import { createHash } from "node:crypto";

/** A script that Redis runs in one step: nothing else happens meanwhile. */
export interface RedisScript {
	readonly text: string;
	/** By which Redis knows it once it has run. */
	readonly sha: string;
}

export function redisScript(text: string): RedisScript {
	return { text, sha: createHash("sha1").update(text).digest("hex") };
}

/**
 * What all our keys begin with. The braces make one hash tag of it: in a cluster all of them lie in one slot, so that one
 * script may touch the counters of a key and of its team.
 * @see https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags
 */
export const KEY_PREFIX = "gateway-llm:{limits}:";

/**
 * Does a little of all that the limits do, so that one that may not is found out: a replica, a user without the right,
 * a server without memory.
 */
export const PROBE_SCRIPT = redisScript(`redis.call('TIME')
redis.call('HSET', KEYS[1], 'probe', '1')
redis.call('ZADD', KEYS[2], 0, 'probe')
redis.call('PEXPIRE', KEYS[1], 60000)
redis.call('PEXPIRE', KEYS[2], 60000)
return 1`);

export const PROBE_KEYS: readonly string[] = [`${KEY_PREFIX}probe`, `${KEY_PREFIX}probes`];

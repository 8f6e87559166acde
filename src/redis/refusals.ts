/**
 * Why no command of ours can succeed, in words for an operator: the server answers, and refuses. undefined = the answer says
 * nothing of the kind.
 * @see https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors for the upper-case first word.
 */
export function refusalReason(answer: string): string | undefined {
	const code = /^-?([A-Z]+)\b/.exec(answer)?.[1] ?? "";
	// Of a command inside a script: the words of Redis 7.2, and of those before it.
	if (answer.includes("ACL failure in script") || answer.includes("can't run this command or subcommand")) {
		return REASONS.NOPERM;
	}
	if (/unknown command/i.test(answer)) {
		return REASONS.UNKNOWN;
	}
	return Object.hasOwn(REASONS, code) ? REASONS[code as keyof typeof REASONS] : undefined;
}

const REASONS = {
	WRONGPASS: "Redis refuses the user name or the password of redis.url",
	NOAUTH: "Redis asks for a password, and redis.url has none",
	NOPERM: "the Redis user of redis.url may not run scripts (EVAL, EVALSHA) or their commands",
	UNKNOWN: "this Redis does not know a command that is needed (EVAL and EVALSHA must not be renamed)",
	READONLY: "redis.url names a read-only replica",
	OOM: "Redis has no memory left (maxmemory)",
	MISCONF: "Redis takes no writes, since it cannot save to its disk (MISCONF)",
	LOADING: "Redis is still loading its data",
	BUSY: "Redis is busy with a script",
	MASTERDOWN: "redis.url names a replica without its primary",
	CLUSTERDOWN: "the Redis cluster is down",
	MOVED: "redis.url names a cluster node that does not serve the keys of this gateway",
	DENIED: "Redis runs in protected mode and takes no connections from elsewhere",
} as const;

import type { RedisConnection } from "./connection.ts";
import { refusalReason } from "./refusals.ts";
import type { RedisScript } from "./scripts.ts";

/** The server answers, and refuses what is asked. The message is fit for an operator. */
export class RedisRefused extends Error {
	constructor(reason: string) {
		super(reason);
		this.name = "RedisRefused";
	}
}

/** Runs a script by its digest, and by its text where Redis does not know it (any more). */
export async function evaluate(
	connection: RedisConnection,
	script: RedisScript,
	keys: readonly string[],
	args: readonly string[],
): Promise<unknown> {
	const rest = [`${keys.length}`, ...keys, ...args];
	try {
		return await connection.send("EVALSHA", [script.sha, ...rest]);
	} catch (error) {
		if (!messageOf(error).startsWith("NOSCRIPT")) {
			throw known(error);
		}
	}
	return connection.send("EVAL", [script.text, ...rest]).catch((error: unknown) => {
		throw known(error);
	});
}

function known(error: unknown): unknown {
	const reason = refusalReason(messageOf(error));
	return reason === undefined ? error : new RedisRefused(reason);
}

function messageOf(error: unknown): string {
	return error instanceof Error ? error.message : "";
}

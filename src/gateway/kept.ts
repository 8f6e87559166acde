import type { KeyRecord } from "../keys/types.ts";
import type { Clock } from "../lib/clock.ts";
import { badRequest, GatewayError, notFound } from "../lib/errors.ts";
import type { Maker } from "../responses/types.ts";
import type { ConversationStore, HistoryBounds, Horizon, ResponseStore } from "../store/types.ts";
import type { Logger } from "../telemetry/logger.ts";

/** What kept responses and conversations stand on. */
export interface KeptDeps {
	readonly responses: ResponseStore;
	readonly conversations: ConversationStore;
	readonly clock: Clock;
	/** `responses.retention` as it is now; 0 = nothing is kept. */
	readonly retentionMs: () => number;
	readonly logger: Logger;
}

/** How much may stand in front of a request: turns of a chain, and bytes of JSON. */
export const CHAIN_BOUNDS: HistoryBounds = { countMax: 1_000, bytesMax: 32 * 1024 * 1024 };

/** What is still there, as of now. */
export function horizonOf({ clock, retentionMs }: Pick<KeptDeps, "clock" | "retentionMs">): Horizon {
	const nowMs = clock.now();
	return { nowMs, keptSinceMs: nowMs - retentionMs() };
}

export function makerOf({ id, team }: KeyRecord): Maker {
	return { keyId: id, team };
}

/** The same words for one that does not exist and for somebody else's. */
export function conversationNotFound(id: string, param: "conversation" | "conversation_id"): GatewayError {
	return notFound(`Conversation with id '${id.slice(0, 100)}' not found.`, "conversation_not_found", param);
}

export function historyTooLong(): GatewayError {
	const megabytes = CHAIN_BOUNDS.bytesMax / 1024 / 1024;
	return badRequest(
		`What came before is more than ${CHAIN_BOUNDS.countMax} responses or ${megabytes} MiB. Start anew with what still matters.`,
		"input",
		"history_too_long",
	);
}

/** A write that is to be on disk. @throws GatewayError 503 when the disk refuses it. */
export async function written<Result>(write: Promise<Result>): Promise<Result> {
	try {
		return await write;
	} catch (cause) {
		throw new GatewayError({
			status: 503,
			type: "service_unavailable",
			message: "The gateway cannot store this at the moment. Try again later.",
			code: "storage_unavailable",
			retryAfterSeconds: 5,
			cause,
		});
	}
}

import type { KeyRecord } from "../keys/types.ts";
import { badRequest } from "../lib/errors.ts";
import type { JsonObject } from "../lib/json-types.ts";
import { checkInclude, listObject, pageOf, readListQuery } from "../responses/input-items.ts";
import { inputList, outputItems, toItem } from "../responses/items.ts";
import { asksForSeals, withoutSeals } from "../responses/seals.ts";
import type { ResponseRecord } from "../responses/types.ts";
import type { TurnWrite } from "../store/types.ts";
import { horizonOf, type KeptDeps, makerOf, written } from "./kept.ts";
import { type Recalled, recall } from "./kept-history.ts";
import { owns } from "./owns.ts";

/** Ids are opaque, but they are not paths. */
const RESPONSE_ID = /^[A-Za-z0-9_-]{1,200}$/;

/** A turn that is over. */
export interface FinishedTurn {
	readonly principal: KeyRecord;
	/** As the client named it. */
	readonly alias: string;
	/** As the client sent it. */
	readonly request: JsonObject;
	/** What `recall` made of it. */
	readonly recalled: Recalled | undefined;
	/** The final response object, exactly as the client sees it. */
	readonly response: JsonObject;
	/** The provider keeps the response itself: here it is only added to its conversation. */
	readonly keptByProvider: boolean;
}

/** `too_large`: over 8 MiB. `id_taken`, `no_id`: the answer has no id that is its own. `store_failed`: see the log. */
type RefusalReason = "too_large" | "id_taken" | "no_id" | "store_failed";

export type KeepOutcome =
	| { readonly kept: true }
	/** `not_wanted`: `store: false`, or nothing is kept at all. */
	| { readonly kept: false; readonly reason: "not_wanted" | RefusalReason };

/**
 * Responses that the gateway keeps for providers that keep none. What is not here, or not this key's, is undefined: the
 * provider may still have it, and whoever asks says 404 in the same words either way.
 */
export interface KeptResponses {
	/**
	 * A request with what it builds upon put in front; undefined when it builds upon nothing that is kept here.
	 * @throws GatewayError 400 (both fields given, unknown or doubled items, too long), 404 (conversation, broken chain).
	 */
	recall(json: JsonObject, principal: KeyRecord): Promise<Recalled | undefined>;
	/** Resolves once the turn is on disk. Never rejects: an answer that was paid for is not lost to a disk. */
	keep(turn: FinishedTurn): Promise<KeepOutcome>;
	retrieve(id: string, principal: KeyRecord, query: URLSearchParams): Promise<JsonObject | undefined>;
	inputItems(id: string, principal: KeyRecord, query: URLSearchParams): Promise<JsonObject | undefined>;
	delete(id: string, principal: KeyRecord): Promise<JsonObject | undefined>;
	/** @throws GatewayError 400: what is kept here is finished. */
	cancel(id: string, principal: KeyRecord): Promise<JsonObject | undefined>;
}

export function createKeptResponses(deps: KeptDeps): KeptResponses {
	const { responses } = deps;

	async function find(id: string, principal: KeyRecord): Promise<ResponseRecord | undefined> {
		const record = RESPONSE_ID.test(id) ? await responses.get(id, horizonOf(deps)) : undefined;
		return record !== undefined && owns(principal, record) ? record : undefined;
	}

	return {
		recall: (json, principal) => recall(json, principal, deps),
		keep: (turn) => keep(turn, deps),
		async retrieve(id, principal, query) {
			const record = await find(id, principal);
			if (record !== undefined) {
				checkInclude(query);
				checkNotStreamed(query);
			}
			return record && (asksForSeals(query) ? record.response : withoutSeals(record.response));
		},
		async inputItems(id, principal, query) {
			const record = await find(id, principal);
			return record && listObject(pageOf(record.inputItems, readListQuery(query)));
		},
		async delete(id, principal) {
			const record = await find(id, principal);
			if (record === undefined || !(await written(responses.delete(id)))) {
				return undefined;
			}
			return { id, object: "response", deleted: true };
		},
		async cancel(id, principal) {
			const record = await find(id, principal);
			if (record !== undefined) {
				throw badRequest(
					record.response.background === true
						? `Cannot cancel a ${String(record.response.status)} response.`
						: "Cannot cancel a synchronous response. Only responses created with background: true can be cancelled.",
					"response_id",
					"response_not_cancellable",
				);
			}
			return undefined;
		},
	};
}

async function keep(turn: FinishedTurn, deps: KeptDeps): Promise<KeepOutcome> {
	const { record, append } = turnWrite(turn, deps);
	if (record === undefined && append === undefined) {
		return { kept: false, reason: "not_wanted" };
	}
	try {
		const reason = await save({ record, append }, deps);
		if (reason === undefined) {
			return { kept: true };
		}
		if (record !== undefined && append !== undefined) {
			// What was said in a conversation is kept even where the response cannot be.
			await save({ record: undefined, append }, deps);
		}
		return refused(reason, turn, deps);
	} catch (error) {
		return refused("store_failed", turn, deps, error);
	}
}

/** Why nothing was written; undefined when all was. */
async function save(
	{ record, append }: TurnWrite,
	{ responses, logger }: KeptDeps,
): Promise<RefusalReason | undefined> {
	if (record !== undefined && !RESPONSE_ID.test(record.id)) {
		return "no_id";
	}
	const result = await responses.save({ record, append });
	if (result.saved && !result.appended) {
		// Deleted while its answer was made: there is nothing left to add to.
		logger.warn("conversation_gone", { conversationId: append?.conversationId });
	}
	return result.saved ? undefined : result.reason;
}

/** What is to be kept of a turn: the response unless it is not wanted, and what is said in a conversation always. */
function turnWrite(turn: FinishedTurn, { clock, retentionMs }: KeptDeps): TurnWrite {
	const { request, recalled, response } = turn;
	const keptForMs = retentionMs();
	const conversationId = recalled?.conversationId;
	const isResponseKept = request.store !== false && !turn.keptByProvider;
	if (keptForMs === 0 || (!isResponseKept && conversationId === undefined)) {
		return { record: undefined, append: undefined };
	}
	const nowMs = clock.now();
	const expiresAtMs = nowMs + keptForMs;
	const inputItems = recalled?.turn ?? inputList(request.input).map(toItem);
	const record: ResponseRecord = {
		...makerOf(turn.principal),
		id: typeof response.id === "string" ? response.id : "",
		createdAtMs: nowMs,
		expiresAtMs,
		alias: turn.alias,
		previousResponseId: recalled?.previousResponseId,
		conversationId,
		inputItems,
		response,
	};
	const items = [...inputItems, ...outputItems(response)];
	return {
		record: isResponseKept ? record : undefined,
		append: conversationId === undefined ? undefined : { conversationId, changedAtMs: nowMs, expiresAtMs, items },
	};
}

function refused(
	reason: RefusalReason,
	{ principal, response }: FinishedTurn,
	{ logger }: KeptDeps,
	cause?: unknown,
): KeepOutcome {
	logger.warn("response_not_kept", {
		reason,
		keyId: principal.id,
		responseId: typeof response.id === "string" ? response.id.slice(0, 200) : undefined,
		cause: cause === undefined ? undefined : String(cause),
	});
	return { kept: false, reason };
}

function checkNotStreamed(query: URLSearchParams): void {
	if (query.get("stream") === "true") {
		throw badRequest(
			"This response was not created with background: true, so its events cannot be streamed again. Leave out 'stream'.",
			"stream",
			"response_not_streamable",
		);
	}
}

import type { KeyRecord } from "../keys/types.ts";
import { newRequestId } from "../lib/ids.ts";
import { parseJsonBody } from "../lib/json.ts";
import type { JsonObject } from "../lib/json-types.ts";
import { answerKept } from "./answer-kept.ts";
import { authenticate } from "./authenticate.ts";
import { budgetRemaining } from "./budget-remaining.ts";
import type { KeptConversations } from "./kept-conversations.ts";
import { logWhenFinished } from "./log-request.ts";
import { checkEncoding, checkJsonType, readBytes } from "./receive.ts";
import { refusalFacts, refuse, stopIfLeft } from "./refuse.ts";
import type { GatewayDeps } from "./types.ts";

/** What may be asked about a conversation. Ids are not texts where the path could not be decoded. */
export type ConversationCall =
	| { readonly kind: "create" }
	| { readonly kind: "retrieve" | "update" | "delete" | "listItems" | "addItems"; readonly id: unknown }
	| { readonly kind: "retrieveItem" | "deleteItem"; readonly id: unknown; readonly itemId: unknown };

/** Requests about conversations. Never throws: whatever goes wrong becomes an answer in OpenAI's error shape. */
export type ServeConversations = (
	request: Request,
	call: ConversationCall,
	address: () => string | undefined,
) => Promise<Response>;

export function createConversations(deps: GatewayDeps): ServeConversations {
	return async function serve(request, call, address) {
		const scope = deps.runtime.live.open(newRequestId(), request.signal);
		logWhenFinished(scope, "conversations", deps.runtime);
		try {
			const principal = await authenticate(request.headers, address, deps.authentication, ({ id }) =>
				scope.belongsTo(id),
			);
			const body = await readBody(request, call, deps);
			// A key that was revoked while its body arrived changes nothing any more.
			stopIfLeft(scope);
			const answer = await perform(call, { request, body, principal }, deps.kept.conversations);
			scope.note({ status: 200 });
			const remainingNano = budgetRemaining(principal, deps.accounts);
			return answerKept(answer, scope.requestId, "gateway-llm/conversations", remainingNano);
		} catch (error) {
			const response = refuse(error, scope.requestId, deps.runtime.logger);
			scope.note({ status: response.status, ...refusalFacts(error) });
			return response;
		} finally {
			scope.finish();
		}
	};
}

/** The body of a call that has one. A new conversation may be asked for with none at all. */
async function readBody(request: Request, { kind }: ConversationCall, deps: GatewayDeps): Promise<JsonObject> {
	if (kind !== "create" && kind !== "update" && kind !== "addItems") {
		return {};
	}
	const { bodyBytesMax, readTimeoutMs } = deps.config.current().server;
	checkEncoding(request.headers.get("content-encoding"));
	checkJsonType(request.headers.get("content-type"));
	const bytes = await readBytes(request, {
		bytesMax: bodyBytesMax,
		silenceMs: readTimeoutMs,
		deadlines: deps.runtime.deadlines,
	});
	return kind === "create" && bytes.length === 0 ? {} : parseJsonBody(bytes).json;
}

interface Asked {
	readonly request: Request;
	readonly body: JsonObject;
	readonly principal: KeyRecord;
}

function perform(
	call: ConversationCall,
	{ request, body, principal }: Asked,
	kept: KeptConversations,
): Promise<JsonObject> {
	const query = new URL(request.url).searchParams;
	if (call.kind === "create") {
		return kept.create(body, principal);
	}
	const id = text(call.id);
	switch (call.kind) {
		case "retrieve":
			return kept.retrieve(id, principal);
		case "update":
			return kept.update(id, body, principal);
		case "delete":
			return kept.delete(id, principal);
		case "listItems":
			return kept.listItems(id, query, principal);
		case "addItems":
			return kept.addItems(id, body, query, principal);
		case "retrieveItem":
			return kept.retrieveItem(id, text(call.itemId), query, principal);
		case "deleteItem":
			return kept.deleteItem(id, text(call.itemId), principal);
		default:
			return call satisfies never;
	}
}

function text(id: unknown): string {
	return typeof id === "string" ? id : "";
}

import { type JsonObject, type JsonValue, objectOf } from "../lib/json-types.ts";
import { CACHED_TOKENS_MIN } from "../routing/stickiness.ts";
import type { Session, SessionSource } from "../routing/types.ts";
import { openingHash } from "./opening-hash.ts";
import type { Admitted } from "./types.ts";

/** No client's name of a conversation is longer; what is, is something else. */
const NAME_LENGTH_MAX = 1_024;

/**
 * By which clients name a conversation: OpenCode the first two, OpenRouter's clients the first, Codex the next two,
 * Claude Code, apps written for LiteLLM, Helicone and xAI.
 * @see https://github.com/anomalyco/opencode/blob/dev/packages/opencode/src/session/llm/request.ts
 * @see https://github.com/openai/codex/blob/main/codex-rs/codex-api/src/requests/headers.rs
 * @see https://code.claude.com/docs/en/llm-gateway-protocol
 */
export const SESSION_HEADERS = [
	"x-session-id",
	"x-session-affinity",
	"session_id",
	"session-id",
	"x-claude-code-session-id",
	"x-litellm-session-id",
	"helicone-session-id",
	"x-grok-conv-id",
] as const;

/** What of a request says to which conversation it belongs. */
type Speaking = Pick<Admitted, "body" | "clientHeaders" | "envelope" | "recollection"> & {
	readonly principal: Pick<Admitted["principal"], "id">;
	readonly alias: Pick<Admitted["alias"], "name">;
	readonly ingress: Pick<Admitted["ingress"], "operation">;
};

/**
 * The conversation a request belongs to, by what its client says or else by how it begins; undefined = it stands alone.
 * A name counts within its key and alias, and however short the prompt is. Without one a prompt that no provider would
 * cache stands alone. Never throws: fields of other types than expected are passed over.
 */
export function sessionOf(admitted: Speaking): Session | undefined {
	const { body, envelope, ingress } = admitted;
	if (!envelope.generates || body.kind !== "json") {
		return undefined;
	}
	const named = nameOf(body.json, admitted);
	if (named !== undefined) {
		return { id: idOf(`n${Bun.hash(named.name).toString(36)}`, admitted), source: named.source };
	}
	// Of a prompt whose beginning lies at a provider, what is here is no beginning.
	if (envelope.promptTokensMax < CACHED_TOKENS_MIN || envelope.previousResponseId !== undefined) {
		return undefined;
	}
	const opening = openingHash(ingress.operation, body.json);
	return opening === undefined ? undefined : { id: idOf(`p${opening.toString(36)}`, admitted), source: "prefix" };
}

/** The key is in it as it is: whatever a tenant names its conversations, it is never the name of another's. */
function idOf(hash: string, { principal, alias }: Speaking): string {
	return `${principal.id}\n${alias.name}\n${hash}`;
}

function nameOf(
	json: JsonObject,
	{ clientHeaders, envelope, recollection }: Speaking,
): { readonly name: string; readonly source: SessionSource } | undefined {
	const cacheKey = usable(json.prompt_cache_key);
	if (cacheKey !== undefined) {
		return { name: cacheKey, source: "prompt_cache_key" };
	}
	for (const header of SESSION_HEADERS) {
		const name = usable(clientHeaders.get(header));
		if (name !== undefined) {
			return { name, source: "header" };
		}
	}
	// Taken out of the body where the gateway has put the conversation's items into it.
	const conversation = usable(recollection?.recalled.conversationId ?? envelope.conversationId);
	if (conversation !== undefined) {
		return { name: conversation, source: "conversation" };
	}
	const metadata = objectOf(json.metadata);
	const name = usable(metadata.session_id) ?? usable(metadata.user_id);
	return name === undefined ? undefined : { name, source: "user_id" };
}

function usable(value: JsonValue | undefined): string | undefined {
	return typeof value === "string" && value !== "" && value.length <= NAME_LENGTH_MAX ? value : undefined;
}

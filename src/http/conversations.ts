import { Elysia } from "elysia";
import type { ConversationCall, ServeConversations } from "../gateway/conversations.ts";
import { methodNotAllowed } from "./errors.ts";

/** OpenAI's Conversations API, which the gateway answers itself. */
export function conversationRoutes(serve: ServeConversations) {
	const answer = (toCall: (params: Params) => ConversationCall) =>
		function answered({ request, params, server }: ConversationContext): Promise<Response> {
			return serve(request, toCall(params), () => server?.requestIP(request)?.address);
		};
	const about = (kind: AboutOne) => answer(({ id }) => ({ kind, id }));
	const aboutItem = (kind: AboutItem) => answer(({ id, itemId }) => ({ kind, id, itemId }));
	return new Elysia({ name: "conversations" })
		.post(
			"/v1/conversations",
			answer(() => ({ kind: "create" })),
			{ parse: "none" },
		)
		.get("/v1/conversations/:id", about("retrieve"), { parse: "none" })
		.post("/v1/conversations/:id", about("update"), { parse: "none" })
		.delete("/v1/conversations/:id", about("delete"), { parse: "none" })
		.get("/v1/conversations/:id/items", about("listItems"), { parse: "none" })
		.post("/v1/conversations/:id/items", about("addItems"), { parse: "none" })
		.get("/v1/conversations/:id/items/:itemId", aboutItem("retrieveItem"), { parse: "none" })
		.delete("/v1/conversations/:id/items/:itemId", aboutItem("deleteItem"), { parse: "none" })
		.all("/v1/conversations", methodNotAllowed(["POST"]), { parse: "none" })
		.all("/v1/conversations/:id", methodNotAllowed(["GET", "POST", "DELETE"]), { parse: "none" })
		.all("/v1/conversations/:id/items", methodNotAllowed(["GET", "POST"]), { parse: "none" })
		.all("/v1/conversations/:id/items/:itemId", methodNotAllowed(["GET", "DELETE"]), { parse: "none" });
}

type AboutOne = Exclude<ConversationCall, { readonly kind: "create" } | { readonly itemId: unknown }>["kind"];
type AboutItem = Extract<ConversationCall, { readonly itemId: unknown }>["kind"];

interface Params {
	readonly id?: unknown;
	readonly itemId?: unknown;
}

/** What these handlers take from Elysia's context. */
interface ConversationContext {
	readonly request: Request;
	readonly params: Params;
	readonly server: { requestIP(request: Request): { readonly address: string } | null } | null;
}

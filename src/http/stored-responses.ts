import { Elysia } from "elysia";
import type { StoredRequest, StoredResponses } from "../gateway/stored-responses.ts";
import { methodNotAllowed } from "./errors.ts";

/** Stored responses of the Responses API, by id: read, list the input of, cancel, delete. */
export function storedResponseRoutes(stored: StoredResponses) {
	const forward = (method: StoredRequest["method"], suffix: StoredRequest["suffix"]) =>
		function forwarded({ request, params, server }: StoredContext): Promise<Response> {
			return stored.forward(request, { id: params.id, method, suffix }, () => server?.requestIP(request)?.address);
		};
	return new Elysia({ name: "stored-responses" })
		.get("/v1/responses/:id", forward("GET", ""), { parse: "none" })
		.delete("/v1/responses/:id", forward("DELETE", ""), { parse: "none" })
		.get("/v1/responses/:id/input_items", forward("GET", "/input_items"), { parse: "none" })
		.post("/v1/responses/:id/cancel", forward("POST", "/cancel"), { parse: "none" })
		.all("/v1/responses/:id", methodNotAllowed(["GET", "DELETE"]), { parse: "none" })
		.all("/v1/responses/:id/input_items", methodNotAllowed(["GET"]), { parse: "none" })
		.all("/v1/responses/:id/cancel", methodNotAllowed(["POST"]), { parse: "none" });
}

/** What these handlers take from Elysia's context. */
interface StoredContext {
	readonly request: Request;
	readonly params: { readonly id: string };
	readonly server: { requestIP(request: Request): { readonly address: string } | null } | null;
}

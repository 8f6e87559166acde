import { Elysia } from "elysia";
import type { StoredResponses } from "../gateway/stored-responses.ts";
import { methodNotAllowed } from "./errors.ts";

/** Stored responses of the Responses API, by id: read, list the input of, cancel, delete. */
export function storedResponseRoutes(stored: StoredResponses) {
	return new Elysia({ name: "stored-responses" })
		.get(
			"/v1/responses/:id",
			({ request, params }) => stored.forward(request, { id: params.id, method: "GET", suffix: "" }),
			{ parse: "none" },
		)
		.delete(
			"/v1/responses/:id",
			({ request, params }) => stored.forward(request, { id: params.id, method: "DELETE", suffix: "" }),
			{ parse: "none" },
		)
		.get(
			"/v1/responses/:id/input_items",
			({ request, params }) => stored.forward(request, { id: params.id, method: "GET", suffix: "/input_items" }),
			{ parse: "none" },
		)
		.post(
			"/v1/responses/:id/cancel",
			({ request, params }) => stored.forward(request, { id: params.id, method: "POST", suffix: "/cancel" }),
			{ parse: "none" },
		)
		.all("/v1/responses/:id", methodNotAllowed(["GET", "DELETE"]), { parse: "none" })
		.all("/v1/responses/:id/input_items", methodNotAllowed(["GET"]), { parse: "none" })
		.all("/v1/responses/:id/cancel", methodNotAllowed(["POST"]), { parse: "none" });
}

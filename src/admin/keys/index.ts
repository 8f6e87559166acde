import { Elysia } from "elysia";
import { readJson } from "../../http/body.ts";
import { methodNotAllowed } from "../../http/errors.ts";
import { parseQuery } from "../input.ts";
import { keyListQuerySchema } from "./schema.ts";
import { createKeyService, type KeyServiceDeps } from "./service.ts";

/** `/admin/keys`: mint, list, inspect, change and revoke virtual keys. Authentication is the mounting group's. */
export function keysController(deps: KeyServiceDeps) {
	const service = createKeyService(deps);
	return new Elysia({ name: "admin.keys", prefix: "/admin/keys" })
		.post(
			"",
			async ({ request, set }) => {
				const created = await service.create(await readJson(request));
				set.status = 201;
				set.headers.location = `/admin/keys/${created.id}`;
				return created;
			},
			{ parse: "none" },
		)
		.get("", ({ request }) => service.list(parseQuery(keyListQuerySchema, request)))
		.get("/:id", ({ params }) => service.inspect(params.id))
		.patch("/:id", async ({ params, request }) => service.update(params.id, await readJson(request)), {
			parse: "none",
		})
		.delete("/:id", ({ params }) => service.revoke(params.id), { parse: "none" })
		.all("", methodNotAllowed(["GET", "POST"]), { parse: "none" })
		.all("/:id", methodNotAllowed(["GET", "PATCH", "DELETE"]), { parse: "none" });
}

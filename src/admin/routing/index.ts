import { Elysia } from "elysia";
import { methodNotAllowed } from "../../http/errors.ts";
import { parseQuery } from "../input.ts";
import { routingQuerySchema } from "./schema.ts";
import { createRoutingService, type RoutingServiceDeps } from "./service.ts";

/** `/admin/routing/report`: what routing did, what shadow strategies would have done, what other thresholds would have cost. */
export function routingController(deps: RoutingServiceDeps) {
	const report = createRoutingService(deps);
	return new Elysia({ name: "admin.routing", prefix: "/admin/routing" })
		.all("/report", methodNotAllowed(["GET"]), { parse: "none" })
		.get("/report", ({ request }) => report(parseQuery(routingQuerySchema, request), request.signal));
}

import { Elysia } from "elysia";
import { unroutedHeaders } from "../../gateway/answer-headers.ts";
import { methodNotAllowed } from "../../http/errors.ts";
import type { KeyRecord } from "../../keys/types.ts";
import { newRequestId } from "../../lib/ids.ts";
import type { NanoUsd } from "../../lib/money.ts";
import { createRequestService, type RequestSources } from "./service.ts";

/** `/admin/requests/:id`: the trail of any request. Authentication is the mounting group's. */
export function requestsController(sources: RequestSources) {
	const service = createRequestService(sources);
	return new Elysia({ name: "admin.requests", prefix: "/admin/requests" })
		.get("/:id", ({ params }) => service.requestTrail(params.id, { kind: "administrator" }))
		.all("/:id", methodNotAllowed(["GET"]), { parse: "none" });
}

/**
 * `/v1/requests/:id`: the trail of a request that the asking key, or a key of its team, has made.
 * `authenticate` is the data plane's own guard: it throws the 401.
 */
export function ownRequestsController({
	authenticate,
	remaining,
	...sources
}: RequestSources & {
	readonly authenticate: (request: Request, address: () => string | undefined) => KeyRecord | Promise<KeyRecord>;
	/** What is left of a key's budgets, for its headers. */
	readonly remaining: (key: KeyRecord) => NanoUsd | undefined;
}) {
	const service = createRequestService(sources);
	return new Elysia({ name: "v1.requests", prefix: "/v1/requests" })
		.get("/:id", async ({ params, request, server, set }) => {
			const key = await authenticate(request, () => server?.requestIP(request)?.address);
			Object.assign(set.headers, unroutedHeaders(newRequestId(), "gateway-llm/requests", remaining(key)));
			return service.requestTrail(params.id, { kind: "key", keyId: key.id, team: key.team });
		})
		.all("/:id", methodNotAllowed(["GET"]), { parse: "none" });
}

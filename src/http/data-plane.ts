import { Elysia } from "elysia";
import type { Ingress, OperationId } from "../dialects/types.ts";
import type { Handle } from "../gateway/handle.ts";
import { methodNotAllowed } from "./errors.ts";

/** What the edge needs of the server it runs in. Absent in tests that call the app without a socket. */
interface Connections {
	requestIP(request: Request): { readonly address: string } | null;
	timeout(request: Request, seconds: number): void;
}

/** An idle connection is kept this long; load balancers give up after sixty. Silence with work in it is bounded elsewhere. */
export const IDLE_CONNECTION_SECONDS = 120;
/** Uploads beyond this may take longer than the server's idle time-out, which their bytes do not reset. */
const LONG_UPLOAD_BYTES = 256 * 1024;

/** One route for each operation of OpenAI's API; Elysia reads nothing of their bodies. */
export function dataPlane(handle: Handle, ingressOf: Readonly<Record<OperationId, Ingress>>) {
	const app = new Elysia({ name: "data-plane" });
	for (const ingress of Object.values(ingressOf)) {
		const path = `/v1${ingress.path}`;
		app.post(path, ({ request, server }) => serve(handle, ingress, request, server), { parse: "none" });
		app.all(path, methodNotAllowed(["POST"]), { parse: "none" });
	}
	return app;
}

function serve(handle: Handle, ingress: Ingress, request: Request, server: Connections | null): Promise<Response> {
	const declared = request.headers.get("content-length");
	const answer = handle(request, ingress, () => server?.requestIP(request)?.address);
	if (server === null || (declared !== null && Number(declared) <= LONG_UPLOAD_BYTES)) {
		return answer;
	}
	// Silence within the body has a deadline of ours; once it has come, the server's own counts again.
	server.timeout(request, 0);
	return answer.finally(() => server.timeout(request, IDLE_CONNECTION_SECONDS));
}

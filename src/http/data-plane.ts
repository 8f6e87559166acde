import { Elysia } from "elysia";
import type { Ingress, OperationId } from "../dialects/types.ts";
import type { Handle } from "../gateway/handle.ts";
import { methodNotAllowed } from "./errors.ts";

/** What the edge needs of the server it runs in. Absent in tests that call the app without a socket. */
interface Connections {
	requestIP(request: Request): { readonly address: string } | null;
	timeout(request: Request, seconds: number): void;
}

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
	if (declared === null || Number(declared) > LONG_UPLOAD_BYTES) {
		// Silence within the body has a deadline of ours.
		server?.timeout(request, 0);
	}
	return handle(request, ingress, () => server?.requestIP(request)?.address);
}

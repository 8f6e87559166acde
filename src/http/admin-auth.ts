import { Elysia } from "elysia";
import { type Authentication, bearerToken, recognised, slowedDown } from "../gateway/authenticate.ts";
import { forbidden, GatewayError, unauthorized } from "../lib/errors.ts";
import { newRequestId } from "../lib/ids.ts";

/**
 * The master key, demanded on the route group itself: a route mounted here cannot be reached without it, whatever the
 * path looked like on the way in.
 */
export function masterKeyOnly(authentication: Authentication) {
	return new Elysia({ name: "master-key-only" }).onBeforeHandle({ as: "scoped" }, async ({ request, server, set }) => {
		set.headers["x-request-id"] = newRequestId();
		set.headers["cache-control"] = "no-store";
		await checkMasterKey(request.headers, authentication, () => server?.requestIP(request)?.address);
	});
}

/** @throws GatewayError 401 without the master key, 403 for a virtual key. `path` is for the message. */
export async function checkMasterKey(
	headers: Headers,
	authentication: Authentication,
	address: () => string | undefined,
	path = "/admin",
): Promise<void> {
	const token = bearerToken(headers);
	if (authentication.isMasterKey(token)) {
		return;
	}
	if (await isVirtualKey(token, authentication)) {
		throw forbidden(`A virtual key may not use ${path}. Use the master key.`, "master_key_required");
	}
	throw slowedDown(unauthorized("This is not the master key."), address, authentication.failures);
}

async function isVirtualKey(token: string, authentication: Authentication): Promise<boolean> {
	try {
		return await recognised(token, authentication, () => true);
	} catch (error) {
		if (error instanceof GatewayError) {
			return false;
		}
		throw error;
	}
}

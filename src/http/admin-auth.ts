import { Elysia } from "elysia";
import { type Authentication, bearerToken, slowedDown } from "../gateway/authenticate.ts";
import { forbidden, GatewayError, unauthorized } from "../lib/errors.ts";
import { newRequestId } from "../lib/ids.ts";

/**
 * The master key, demanded on the route group itself: a route mounted here cannot be reached without it, whatever the
 * path looked like on the way in.
 */
export function masterKeyOnly(authentication: Authentication) {
	return new Elysia({ name: "master-key-only" }).onBeforeHandle({ as: "scoped" }, ({ request, server, set }) => {
		set.headers["x-request-id"] = newRequestId();
		set.headers["cache-control"] = "no-store";
		checkMasterKey(request.headers, authentication, () => server?.requestIP(request)?.address);
	});
}

function checkMasterKey(headers: Headers, authentication: Authentication, address: () => string | undefined): void {
	const token = bearerToken(headers);
	if (authentication.isMasterKey(token)) {
		return;
	}
	if (isVirtualKey(token, authentication)) {
		throw forbidden("A virtual key may not use /admin. Use the master key.", "master_key_required");
	}
	throw slowedDown(unauthorized("This is not the master key."), address, authentication.failures);
}

function isVirtualKey(token: string, authentication: Authentication): boolean {
	try {
		authentication.keys.verify(token);
		return true;
	} catch (error) {
		if (error instanceof GatewayError) {
			return false;
		}
		throw error;
	}
}

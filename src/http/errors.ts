import { Elysia } from "elysia";
import { refuse } from "../gateway/refuse.ts";
import { GatewayError, notFound } from "../lib/errors.ts";
import { newRequestId } from "../lib/ids.ts";
import type { Logger } from "../telemetry/logger.ts";

/** Owns every byte of every error outside the data plane: none of Elysia's own bodies reaches a client. */
export function errors(logger: Logger) {
	return new Elysia({ name: "errors" }).onError({ as: "global" }, ({ error, code, set }) => {
		const requestId = typeof set.headers["x-request-id"] === "string" ? set.headers["x-request-id"] : newRequestId();
		return refuse(code === "NOT_FOUND" ? nothingHere() : error, requestId, logger);
	});
}

/** 404: no such path. */
export function nothingHere(): GatewayError {
	return notFound("There is nothing at this path. GET /openapi.json describes what there is.");
}

/** Answers every other method of a path: 405 with `Allow`, where Elysia would say 404. */
export function methodNotAllowed(allowed: readonly string[]): () => never {
	return () => {
		throw new GatewayError({
			status: 405,
			type: "invalid_request_error",
			message: `This path takes ${allowed.join(", ")}.`,
			code: "method_not_allowed",
			headers: { allow: allowed.join(", ") },
		});
	};
}

import { checkJsonType, readBytes } from "../gateway/receive.ts";
import { systemClock } from "../lib/clock.ts";
import { createDeadlines } from "../lib/deadlines.ts";
import { GatewayError } from "../lib/errors.ts";
import { parseJsonBody } from "../lib/json.ts";
import type { JsonObject } from "../lib/json-types.ts";

/** Admin bodies are settings, not prompts (bytes). */
const ADMIN_BODY_BYTES_MAX = 1024 * 1024;
const SILENCE_MS = 10_000;
const deadlines = createDeadlines(systemClock);

/** The JSON object in the body of an admin request. GatewayError 400, 408, 413 or 415 when there is none. */
export async function readJson(request: Request): Promise<JsonObject> {
	checkJsonType(request.headers.get("content-type"));
	if (request.headers.has("content-encoding")) {
		throw new GatewayError({
			status: 415,
			type: "invalid_request_error",
			message: "Compressed request bodies are not accepted.",
			code: "unsupported_media_type",
		});
	}
	return parseJsonBody(await readBytes(request, { bytesMax: ADMIN_BODY_BYTES_MAX, silenceMs: SILENCE_MS, deadlines }))
		.json;
}

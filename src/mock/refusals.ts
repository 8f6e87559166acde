import { MockRefusal } from "./reply.ts";

/** `error.type` and `error.code` as OpenAI sends them with a status. */
const TYPES: Readonly<Record<number, readonly [type: string, code: string | null]>> = {
	401: ["invalid_request_error", "invalid_api_key"],
	403: ["invalid_request_error", "unsupported_country_region_territory"],
	404: ["invalid_request_error", "model_not_found"],
	429: ["requests", "rate_limit_exceeded"],
};

/** An error answer that the model's name asked for. */
export function statusResponse(status: number, retryAfterSeconds: number | undefined): Response {
	const [type, code] = TYPES[status] ?? (status < 500 ? ["invalid_request_error", null] : ["server_error", null]);
	return Response.json(
		{ error: { message: `This is the ${status} that was asked for. (mock)`, type, param: null, code } },
		{ status, headers: retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) } },
	);
}

/** An error answer to a request that is wrong. */
export function refusalResponse(refusal: MockRefusal): Response {
	const { status, message, param, code } = refusal;
	return Response.json({ error: { message, type: "invalid_request_error", param, code } }, { status });
}

/** What a client may see of an error. Anything but a refusal is a bug here, told as such. */
export function refusalOf(error: unknown): MockRefusal {
	return error instanceof MockRefusal ? error : new MockRefusal(500, "The mock provider failed.");
}

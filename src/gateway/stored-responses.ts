import type { Deployment } from "../config/types.ts";
import type { KeyRecord } from "../keys/types.ts";
import { GatewayError, notFound } from "../lib/errors.ts";
import { answerHeaders, headerSafe } from "../lib/headers.ts";
import { newRequestId } from "../lib/ids.ts";
import { transportFailure } from "../transport/upstream.ts";
import { authenticate } from "./authenticate.ts";
import { owns } from "./owns.ts";
import { readAnswer } from "./read-answer.ts";
import { refuse } from "./refuse.ts";
import type { GatewayDeps } from "./types.ts";

export interface StoredRequest {
	/** Not a string where the path could not be decoded. */
	readonly id: unknown;
	readonly method: "GET" | "POST" | "DELETE";
	/** What follows the id in the path. */
	readonly suffix: "" | "/input_items" | "/cancel";
}

/** Requests about a response that a provider keeps: only its maker's, and only to the deployment that made it. */
export interface StoredResponses {
	forward(request: Request, stored: StoredRequest): Promise<Response>;
}

/** Ids are opaque, but they are not paths. */
const RESPONSE_ID = /^[A-Za-z0-9_-]{1,200}$/;

export function createStoredResponses(deps: GatewayDeps): StoredResponses {
	return {
		async forward(request, stored) {
			const requestId = newRequestId();
			try {
				const principal = authenticate(request.headers, () => undefined, deps.authentication);
				const deployment = await deploymentOf(stored.id, principal, deps);
				return await fetchStored(request, stored, deployment, requestId, deps);
			} catch (error) {
				return refuse(error, requestId, deps.runtime.logger);
			}
		},
	};
}

async function deploymentOf(given: unknown, principal: KeyRecord, deps: GatewayDeps): Promise<Deployment> {
	const id = typeof given === "string" ? given : "";
	const owner = RESPONSE_ID.test(id) ? await deps.accounts.ledger.ownerOf(id) : undefined;
	// The same words for an id that does not exist and for somebody else's.
	const unknown = notFound(`Response with id '${id.slice(0, 100)}' not found.`, "response_not_found", "response_id");
	if (owner === undefined || !owns(principal, owner)) {
		throw unknown;
	}
	const deployment = deps.config.current().deployments.get(owner.deploymentId);
	if (deployment === undefined || !deployment.provider.storedResponses) {
		throw unknown;
	}
	return deployment;
}

async function fetchStored(
	request: Request,
	stored: StoredRequest,
	deployment: Deployment,
	requestId: string,
	deps: GatewayDeps,
): Promise<Response> {
	const controller = new AbortController();
	const deadline = deps.runtime.deadlines.after(deployment.timeoutMs, () => controller.abort());
	request.signal.addEventListener("abort", () => controller.abort(), { once: true });
	try {
		const { provider } = deployment;
		const path = `${provider.operations.responses ?? "/responses"}/${stored.id}${stored.suffix}`;
		const head = await deps.runtime.send({
			method: stored.method,
			url: withQuery(provider.url(deployment, path), new URL(request.url).search),
			headers: {
				"accept-encoding": "identity",
				"user-agent": "gateway-llm",
				"x-request-id": requestId,
				...provider.auth(deployment.apiKey),
				...deployment.headers,
			},
			body: undefined,
			signal: controller.signal,
		});
		const headers = answerHeaders(head.headers);
		headers["x-request-id"] = requestId;
		headers["x-gateway-decision"] = headerSafe(`${provider.id}/${deployment.model}`);
		if ((head.headers.get("content-type") ?? "").includes("text/event-stream")) {
			// A background response that is read as a stream was paid for when it was made: passed on as it comes.
			return new Response(head.body, { status: head.status, headers });
		}
		return wholeAnswer(head, await readAnswer(head), headers);
	} catch (error) {
		throw unreachable(error);
	} finally {
		deadline.clear();
	}
}

function wholeAnswer(
	head: Response,
	bytes: Uint8Array<ArrayBuffer> | undefined,
	headers: Record<string, string>,
): Response {
	const providersFault =
		head.status >= 500 || head.status === 401 || head.status === 403 || (head.status >= 300 && head.status < 400);
	if (bytes === undefined || providersFault) {
		throw new GatewayError({
			status: 502,
			type: "upstream_error",
			message: "The provider that keeps this response failed.",
			code: "upstream_error",
		});
	}
	return new Response(bytes, { status: head.status, headers });
}

function withQuery(url: string, search: string): string {
	return search === "" ? url : `${url}${url.includes("?") ? "&" : "?"}${search.slice(1)}`;
}

function unreachable(error: unknown): unknown {
	if (error instanceof GatewayError) {
		return error;
	}
	const { class: name } = transportFailure(error);
	return new GatewayError({
		status: 502,
		type: "upstream_error",
		message: "The provider that keeps this response cannot be reached.",
		code: name,
		cause: error,
	});
}

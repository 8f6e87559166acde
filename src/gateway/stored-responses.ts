import type { Deployment } from "../config/types.ts";
import type { KeyRecord } from "../keys/types.ts";
import { GatewayError, notFound } from "../lib/errors.ts";
import { answerHeaders } from "../lib/headers.ts";
import { newRequestId } from "../lib/ids.ts";
import type { JsonObject } from "../lib/json-types.ts";
import { transportFailure } from "../transport/transport-failure.ts";
import { unroutedHeaders } from "./answer-headers.ts";
import { answerKept } from "./answer-kept.ts";
import { authenticate } from "./authenticate.ts";
import { budgetRemaining } from "./budget-remaining.ts";
import type { KeptResponses } from "./kept-responses.ts";
import type { RequestScope } from "./live.ts";
import { logWhenFinished } from "./log-request.ts";
import { owns } from "./owns.ts";
import { passOn } from "./pass-on.ts";
import { readAnswer } from "./read-answer.ts";
import { leftError, refusalFacts, refuse } from "./refuse.ts";
import { storedResponseUrl } from "./stored-url.ts";
import type { GatewayDeps } from "./types.ts";
import { upstreamHeaders } from "./upstream-headers.ts";

export interface StoredRequest {
	/** Not a string where the path could not be decoded. */
	readonly id: unknown;
	readonly method: "GET" | "POST" | "DELETE";
	/** What follows the id in the path. */
	readonly suffix: "" | "/input_items" | "/cancel";
}

/**
 * Requests about a response that is kept: by the gateway, which answers itself, or by a provider, which is asked through
 * the deployment that made it. Only its maker's either way.
 */
export interface StoredResponses {
	forward(request: Request, stored: StoredRequest, address: () => string | undefined): Promise<Response>;
}

/** Ids are opaque, but they are not paths. */
const RESPONSE_ID = /^[A-Za-z0-9_-]{1,200}$/;

export function createStoredResponses(deps: GatewayDeps): StoredResponses {
	return {
		async forward(request, stored, address) {
			const scope = deps.runtime.live.open(newRequestId(), request.signal);
			logWhenFinished(scope, "responses.stored", deps.runtime);
			try {
				const principal = await authenticate(request.headers, address, deps.authentication, ({ id }) =>
					scope.belongsTo(id),
				);
				const kept = await keptAnswer(request, stored, principal, deps.kept.responses);
				if (kept !== undefined) {
					scope.note({ status: 200 });
					scope.finish();
					return answerKept(kept, scope.requestId, "gateway-llm/responses", budgetRemaining(principal, deps.accounts));
				}
				const deployment = await deploymentOf(stored.id, principal, deps);
				const response = await fetchStored(request, stored, { deployment, principal, scope }, deps);
				scope.note({ status: response.status });
				return response;
			} catch (error) {
				const response = refuse(error, scope.requestId, deps.runtime.logger);
				scope.note({ status: response.status, ...refusalFacts(error) });
				scope.finish();
				return response;
			}
		},
	};
}

/** What the gateway itself says of a response; undefined when it keeps none of that id for this key. */
function keptAnswer(
	request: Request,
	{ id, method, suffix }: StoredRequest,
	principal: KeyRecord,
	kept: KeptResponses,
): Promise<JsonObject | undefined> {
	const name = typeof id === "string" ? id : "";
	const query = new URL(request.url).searchParams;
	switch (suffix) {
		case "":
			return method === "DELETE" ? kept.delete(name, principal) : kept.retrieve(name, principal, query);
		case "/input_items":
			return kept.inputItems(name, principal, query);
		case "/cancel":
			return kept.cancel(name, principal);
		default:
			return suffix satisfies never;
	}
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
	{
		deployment,
		principal,
		scope,
	}: { readonly deployment: Deployment; readonly principal: KeyRecord; readonly scope: RequestScope },
	deps: GatewayDeps,
): Promise<Response> {
	const { provider } = deployment;
	const controller = new AbortController();
	const abort = () => controller.abort();
	scope.onLeave(abort);
	let late = false;
	const deadline = deps.runtime.deadlines.after(deployment.timeoutMs, () => {
		late = true;
		abort();
	});
	try {
		const head = await deps.runtime.send({
			method: stored.method,
			url: withQuery(storedResponseUrl(deployment, String(stored.id), stored.suffix), new URL(request.url).search),
			headers: upstreamHeaders(deployment, scope.requestId),
			body: undefined,
			signal: controller.signal,
		});
		const headers = {
			...answerHeaders(head.headers),
			...unroutedHeaders(
				scope.requestId,
				`${provider.id}/${deployment.model}`,
				budgetRemaining(principal, deps.accounts),
			),
		};
		if (head.body !== null && (headers["content-type"] ?? "").includes("text/event-stream")) {
			return new Response(passOn(head.body, scope, abort, deps), { status: head.status, headers });
		}
		const response = wholeAnswer(head, await readAnswer(head), headers);
		scope.finish();
		return response;
	} catch (error) {
		const reason = scope.left();
		throw reason === undefined ? unreachable(error, late) : leftError(reason);
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

function unreachable(error: unknown, late: boolean): unknown {
	if (error instanceof GatewayError) {
		return error;
	}
	return new GatewayError({
		status: late ? 504 : 502,
		type: late ? "upstream_timeout" : "upstream_error",
		message: `The provider that keeps this response ${late ? "took too long to answer" : "cannot be reached"}.`,
		code: late ? "upstream_timeout" : transportFailure(error).class,
		cause: error,
	});
}

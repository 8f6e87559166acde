import type { Deployment } from "../config/types.ts";
import { chain } from "../dialects/chain.ts";
import { nativeChat } from "../dialects/openai-chat/native.ts";
import { mayHoldOwnItems, withoutOwnItems } from "../dialects/openai-responses/own-items.ts";
import { restate } from "../dialects/openai-responses/restate.ts";
import type { Target, Translation, Translator } from "../dialects/translation.ts";
import type { OperationId } from "../dialects/types.ts";
import type { JsonObject } from "../lib/json-types.ts";
import type { Speech } from "../providers/types.ts";
import { withContinuation } from "../responses/recall.ts";
import type { Terms } from "./terms.ts";
import type { Admitted, GatewayDeps, Planned } from "./types.ts";
import { outputField } from "./upstream-body.ts";

/** How one request is said to one deployment: where, and in whose words. */
export interface Spoken {
	readonly speech: Speech;
	/** undefined: the provider speaks the client's own words, so the client's bytes travel. */
	readonly translation: Translation | undefined;
}

/** Whether a deployment can do an operation: in its own words, or by way of chat. */
export function serves(
	deployment: Deployment,
	operation: OperationId,
	{ bridges }: Pick<GatewayDeps["dialects"], "bridges">,
): boolean {
	return (
		speechOf(deployment, operation) !== undefined ||
		(bridges[operation] !== undefined && speechOf(deployment, "chat") !== undefined)
	);
}

/** undefined: the deployment does not do it in any words of its own. */
export function speechOf({ provider, model, operations }: Deployment, operation: OperationId): Speech | undefined {
	return operations === undefined || operations.includes(operation) ? provider.speech(operation, model) : undefined;
}

/** Whether the provider fetches what a request names by address; else the request must bring it along. */
export function fetchesMedia(deployment: Deployment, operation: OperationId): boolean {
	return (speechOf(deployment, operation) ?? speechOf(deployment, "chat"))?.fetchesMedia ?? true;
}

/** Whether the provider keeps the responses it makes: a bridged one never reaches such a place. */
export function keepsResponses(deployment: Deployment): boolean {
	return deployment.provider.storedResponses && speechOf(deployment, "responses") !== undefined;
}

/**
 * Says a request in the words of a deployment. The one place where it is decided whether bytes travel or meaning does.
 * @throws GatewayError 400 where the deployment's dialect cannot say it.
 */
export function speak(planned: Planned, deployment: Deployment, terms: Terms, deps: GatewayDeps): Spoken {
	const { operation } = planned.ingress;
	const direct = speechOf(deployment, operation);
	if (direct !== undefined) {
		const translator = direct.translator ?? restatement(planned) ?? cleansing(planned);
		const request = translator === undefined ? undefined : requestOf(planned, deployment, terms);
		const said = request && operation === "responses" ? withoutOwnItems(request) : request;
		const translation = said && translator?.translate(said, targetOf(planned, deployment, terms, deps));
		return { speech: direct, translation };
	}
	const speech = speechOf(deployment, "chat");
	const bridge = deps.dialects.bridges[operation];
	const request = requestOf(planned, deployment, terms);
	if (speech === undefined || bridge === undefined || request === undefined) {
		throw new Error(`${deployment.id} was chosen for ${operation}, which it cannot do`);
	}
	const target = targetOf(planned, deployment, terms, deps);
	const restated = restatement(planned)?.translate(request, target);
	const bridged = bridge.translate(restated?.body ?? request, target);
	const outer = restated === undefined ? bridged : chain(restated, bridged);
	const inner = (speech.translator ?? nativeChat(deployment.provider.quirks)).translate(outer.body, target);
	return { speech, translation: chain(outer, inner) };
}

/** A request that the gateway put its history in front of is answered as if the provider knew of it. */
function restatement({ recollection }: Planned): Translator | undefined {
	return recollection && restate(withContinuation({}, recollection.recalled));
}

/** Nor can a provider make anything of what the client was told of another one in the words of the gateway. */
function cleansing({ ingress, body }: Planned): Translator | undefined {
	const isConcerned = ingress.operation === "responses" && body.kind === "json" && mayHoldOwnItems(body.text);
	return isConcerned ? restate({}) : undefined;
}

function targetOf(planned: Admitted, deployment: Deployment, terms: Terms, deps: GatewayDeps): Target {
	return {
		model: deployment.model,
		stream: planned.envelope.stream,
		outputTokensMax: terms.outputTokensMax,
		answerId: planned.scope.requestId.replace(/^req_/, ""),
		createdAtSeconds: Math.floor(deps.runtime.clock.now() / 1_000),
	};
}

/** The client's request with the bound that its budget sets; undefined where it is no JSON. */
function requestOf(planned: Planned, deployment: Deployment, terms: Terms): JsonObject | undefined {
	const { body } = planned;
	if (body.kind !== "json") {
		return undefined;
	}
	return terms.outputTokensClamp === undefined
		? body.json
		: { ...body.json, [outputField(planned, deployment)]: terms.outputTokensClamp };
}

import type { Deployment } from "../config/types.ts";
import { forwardedHeaders } from "../lib/headers.ts";
import type { AttemptOpening } from "../metering/ledger-types.ts";
import { discard } from "../transport/upstream.ts";
import { answerBinary } from "./answer-binary.ts";
import type { Served } from "./answer-headers.ts";
import { answerRefusal } from "./answer-refusal.ts";
import { answerStream } from "./answer-stream.ts";
import { answerWhole } from "./answer-whole.ts";
import { type AttemptContext, type AttemptResult, failed, givenUp } from "./attempt-result.ts";
import { failureOfStatus } from "./failure.ts";
import { type AttemptRun, startRun } from "./run.ts";
import { openBooks } from "./settle.ts";
import { type Terms, termsOf } from "./terms.ts";
import type { GatewayDeps, Planned } from "./types.ts";
import { upstreamBody } from "./upstream-body.ts";
import { upstreamHeaders } from "./upstream-headers.ts";

/** Stage 4: one deployment, one ledger row, at most one answer. */
export async function attempt(served: Served, isLast: boolean, deps: GatewayDeps): Promise<AttemptResult> {
	const { planned, deployment } = served;
	const terms = termsOf(planned, deployment, deps);
	const opened = deps.accounts.ledger.open(openingOf(served, terms));
	if ("refusal" in opened) {
		return { kind: "unaffordable", refusal: opened.refusal };
	}
	const books = openBooks(planned, deployment, opened.attempt, deps);
	const run = startRun(planned, deployment, isLast, deps);
	const context: AttemptContext = { served, run, books, terms, isLast, deps };
	let head: Response;
	try {
		head = await deps.runtime.send(upstreamRequest(planned, deployment, terms, run));
	} catch (error) {
		return givenUp(context, error);
	}
	return answer(context, head);
}

/** Stage 5: what the provider's head says decides how its body is read. */
function answer(context: AttemptContext, head: Response): Promise<AttemptResult> {
	if (head.status >= 400) {
		return answerRefusal(context, head);
	}
	const redirected = failureOfStatus(head.status, head.headers, undefined, context.deps.runtime.clock.now());
	if (redirected !== undefined) {
		discard(head.body);
		return failed(context, redirected);
	}
	const { planned } = context.served;
	const contentType = head.headers.get("content-type") ?? "";
	// Some servers mislabel their event streams; none sends one as JSON or as a web page.
	if (planned.envelope.stream && !/json|html/.test(contentType)) {
		return answerStream(context, head);
	}
	const reader = context.deps.dialects.readerOf[planned.ingress.operation];
	return reader.answer === "json" || contentType.includes("json")
		? answerWhole(context, head)
		: answerBinary(context, head);
}

function openingOf(served: Served, terms: Terms): AttemptOpening {
	const { planned, deployment } = served;
	return {
		requestId: planned.scope.requestId,
		attempt: served.attempt,
		keyId: planned.principal.id,
		team: planned.principal.team,
		alias: planned.alias.name,
		deploymentId: deployment.id,
		provider: deployment.provider.id,
		model: deployment.model,
		operation: planned.ingress.operation,
		streamed: planned.envelope.stream,
		reservedNano: terms.reservedNano,
		priceVersion: deployment.price?.version,
		budgets: planned.budgets,
	};
}

function upstreamRequest(planned: Planned, deployment: Deployment, terms: Terms, run: AttemptRun) {
	const { provider } = deployment;
	const path = provider.operations[planned.ingress.operation] ?? planned.ingress.path;
	return {
		method: "POST" as const,
		url: provider.url(deployment, path),
		headers: {
			...forwardedHeaders(planned.clientHeaders),
			"content-type": planned.body.kind === "json" ? "application/json" : planned.body.form.contentType,
			...upstreamHeaders(deployment, planned.scope.requestId),
		},
		body: upstreamBody(planned, deployment, terms),
		signal: run.signal,
	};
}

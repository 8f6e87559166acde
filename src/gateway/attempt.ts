import { GatewayError } from "../lib/errors.ts";
import type { AttemptOpening } from "../metering/ledger-types.ts";
import { discard } from "../transport/upstream.ts";
import { answerBinary } from "./answer-binary.ts";
import type { Served } from "./answer-headers.ts";
import { answerRefusal } from "./answer-refusal.ts";
import { answerStream } from "./answer-stream.ts";
import { answerWhole } from "./answer-whole.ts";
import { type AttemptContext, type AttemptResult, failed, givenUp } from "./attempt-result.ts";
import { failureOfStatus } from "./failure.ts";
import { startRun } from "./run.ts";
import { openBooks } from "./settle.ts";
import { type Spoken, speak } from "./spoken.ts";
import { type Terms, termsOf } from "./terms.ts";
import type { GatewayDeps } from "./types.ts";
import { callOf } from "./upstream-call.ts";

/** Stage 4: one deployment, one ledger row, at most one answer. */
export async function attempt(
	candidate: Omit<Served, "dropped">,
	isLast: boolean,
	deps: GatewayDeps,
): Promise<AttemptResult> {
	const { planned, deployment } = candidate;
	const terms = termsOf(planned, deployment, deps);
	const spoken = say(candidate, terms, deps);
	if (spoken instanceof GatewayError) {
		return { kind: "unsuited", error: spoken };
	}
	const served: Served = { ...candidate, dropped: spoken.translation?.dropped ?? [] };
	const opened = deps.accounts.ledger.open(openingOf(served, terms));
	if ("refusal" in opened) {
		return { kind: "unaffordable", refusal: opened.refusal };
	}
	const books = openBooks(planned, deployment, opened.attempt, deps);
	const run = startRun(planned, deployment, isLast, deps);
	const context: AttemptContext = { served, spoken, run, books, terms, isLast, deps };
	let head: Response;
	try {
		head = await deps.runtime.send(await callOf(context));
	} catch (error) {
		return givenUp(context, error);
	}
	return answer(context, head);
}

/** A dialect refuses what it cannot say without changing its meaning: another deployment may know the words. */
function say({ planned, deployment }: Omit<Served, "dropped">, terms: Terms, deps: GatewayDeps): Spoken | GatewayError {
	try {
		return speak(planned, deployment, terms, deps);
	} catch (error) {
		if (error instanceof GatewayError) {
			return error;
		}
		throw error;
	}
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

function openingOf({ planned, deployment, attempt: ordinal }: Served, terms: Terms): AttemptOpening {
	return {
		requestId: planned.scope.requestId,
		attempt: ordinal,
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

import type { Deployment } from "../config/types.ts";
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
import { isStream } from "./frames.ts";
import { startRun } from "./run.ts";
import { openBooks } from "./settle.ts";
import { fetchesMedia, type Spoken, speak } from "./spoken.ts";
import { type Terms, termsOf } from "./terms.ts";
import type { GatewayDeps, ParsedBody, Planned } from "./types.ts";
import { callOf } from "./upstream-call.ts";

/** Stage 4: one deployment, one ledger row, at most one answer. */
export async function attempt(
	candidate: Omit<Served, "dropped">,
	isLast: boolean,
	deps: GatewayDeps,
): Promise<AttemptResult> {
	const { planned, deployment } = candidate;
	const fetching = fetchesMedia(deployment, planned.ingress.operation) ? undefined : planned.withMedia();
	if (fetching === undefined) {
		return make(candidate, planned.body, isLast, deps);
	}
	const withMedia = await fetching.catch(unsuited);
	const reason = planned.scope.left();
	if (reason !== undefined) {
		return { kind: "left", reason };
	}
	if ("kind" in withMedia) {
		return withMedia;
	}
	// What is kept of the request is what its client sent: only the provider is told the rest.
	const { body, envelope } = withMedia;
	return make({ ...candidate, planned: { ...planned, envelope } }, body, isLast, deps);
}

async function make(
	candidate: Omit<Served, "dropped">,
	body: ParsedBody,
	isLast: boolean,
	deps: GatewayDeps,
): Promise<AttemptResult> {
	const { planned, deployment } = candidate;
	const terms = termsOf(planned, deployment, deps);
	const spoken = say(body === planned.body ? planned : { ...planned, body }, deployment, terms, deps);
	if ("kind" in spoken) {
		return spoken;
	}
	const served: Served = { ...candidate, dropped: spoken.translation?.dropped ?? [] };
	const opened = await deps.accounts.ledger.open(openingOf(served, terms));
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

type Unsuited = Extract<AttemptResult, { kind: "unsuited" }>;

/** A dialect refuses what it cannot say without changing its meaning: another deployment may know the words. */
function say(planned: Planned, deployment: Deployment, terms: Terms, deps: GatewayDeps): Spoken | Unsuited {
	try {
		return speak(planned, deployment, terms, deps);
	} catch (error) {
		return unsuited(error);
	}
}

/** Anything but a refusal of ours is a bug. */
function unsuited(error: unknown): Unsuited {
	if (error instanceof GatewayError) {
		return { kind: "unsuited", error };
	}
	throw error;
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
	if (planned.envelope.stream && isStream(context.spoken, contentType)) {
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

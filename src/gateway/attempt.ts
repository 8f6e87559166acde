import type { Deployment } from "../config/types.ts";
import { GatewayError } from "../lib/errors.ts";
import type { AttemptOpening, OpenAttempt } from "../metering/ledger-types.ts";
import { discard } from "../transport/upstream.ts";
import { answerBinary } from "./answer-binary.ts";
import type { Served } from "./answer-headers.ts";
import { answerRefusal } from "./answer-refusal.ts";
import { answerStream } from "./answer-stream.ts";
import { answerWhole } from "./answer-whole.ts";
import { type AttemptContext, type AttemptResult, failed, givenUp } from "./attempt-result.ts";
import { type Readable, readableFor } from "./bound-state.ts";
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
	how: Pick<AttemptContext, "isLast" | "hasRelief" | "freshConnection">,
	deps: GatewayDeps,
): Promise<AttemptResult> {
	const { planned, deployment } = candidate;
	const fetching = fetchesMedia(deployment, planned.ingress.operation) ? undefined : planned.withMedia();
	if (fetching === undefined) {
		return make(candidate, planned.body, how, deps);
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
	return make({ ...candidate, planned: { ...planned, envelope } }, body, how, deps);
}

async function make(
	candidate: Omit<Served, "dropped">,
	body: ParsedBody,
	how: Pick<AttemptContext, "isLast" | "hasRelief" | "freshConnection">,
	deps: GatewayDeps,
): Promise<AttemptResult> {
	const { planned, deployment } = candidate;
	const reserved = await reserve(candidate, body, deps);
	if ("kind" in reserved) {
		return reserved;
	}
	const { served, said, sent, spoken, terms, opened } = reserved;
	const books = openBooks(planned, deployment, opened, deps);
	const run = startRun(planned, deployment, how.hasRelief, deps);
	const context: AttemptContext = { served, said, sent, spoken, run, books, terms, ...how, deps };
	let head: Response;
	try {
		head = await deps.runtime.send(await callOf(context));
	} catch (error) {
		return givenUp(context, error);
	}
	run.reached();
	return answer(context, head);
}

interface Reserved extends Pick<AttemptContext, "served" | "said" | "sent" | "spoken" | "terms"> {
	readonly opened: OpenAttempt;
}

const RESERVE_TRIES_MAX = 3;

/**
 * Sets aside what the attempt may cost. A client that named no bound gets one that fits into what is left: where other
 * instances have spent of the budget too, that may be less than was known here, and is learnt by being refused.
 */
async function reserve(
	candidate: Omit<Served, "dropped">,
	body: ParsedBody,
	deps: GatewayDeps,
): Promise<Reserved | Unsuited | Extract<AttemptResult, { kind: "unaffordable" }>> {
	const { planned, deployment } = candidate;
	const readable = read(candidate, body, deps);
	if ("kind" in readable) {
		return readable;
	}
	const { body: said, sent } = readable;
	let terms = termsOf(planned, deployment, deps);
	for (let tries = 1; ; tries += 1) {
		const spoken = say(said === planned.body ? planned : { ...planned, body: said }, deployment, terms, deps);
		if ("kind" in spoken) {
			return spoken;
		}
		const served: Served = { ...candidate, dropped: droppedBy(readable, spoken) };
		const outcome = await deps.accounts.ledger.open(openingOf(served, terms));
		if ("attempt" in outcome) {
			return { served, said, sent, spoken, terms, opened: outcome.attempt };
		}
		const { refusal } = outcome;
		const lesser = termsOf(planned, deployment, deps, refusal.availableNano);
		const fits = lesser.reservedNano < terms.reservedNano && lesser.reservedNano <= refusal.availableNano;
		if (!fits || tries === RESERVE_TRIES_MAX) {
			return { kind: "unaffordable", refusal };
		}
		terms = lesser;
	}
}

function droppedBy({ dropped: unread }: Readable, { translation }: Spoken): readonly string[] {
	const unsaid = translation?.dropped ?? [];
	return unread.length === 0 ? unsaid : [...new Set([...unsaid, ...unread])];
}

type Unsuited = Extract<AttemptResult, { kind: "unsuited" }>;

/** What only another provider can read is left out; where that is what was said, somebody else must be asked. */
function read(
	{ planned: { state, ingress }, deployment }: Omit<Served, "dropped">,
	body: ParsedBody,
	{ routing: { seals } }: GatewayDeps,
): Readable | Unsuited {
	try {
		return readableFor(deployment, { body, state }, { operation: ingress.operation, seals });
	} catch (error) {
		return unsuited(error);
	}
}

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
		decision: ordinal === 0 ? planned.decision : undefined,
	};
}

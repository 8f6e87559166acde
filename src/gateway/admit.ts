import type { Alias, Snapshot } from "../config/types.ts";
import type { KeyRecord } from "../keys/types.ts";
import { forbidden, GatewayError, notFound, wholeSeconds } from "../lib/errors.ts";
import { formatUsd } from "../lib/money.ts";
import { budgetsOf, subjectsOf } from "../limits/subjects.ts";
import type { BudgetRefusal, LimitRefusal } from "../limits/types.ts";
import { serves } from "./spoken.ts";
import type { Admitted, GatewayDeps, Received } from "./types.ts";

/** Stage 2: may this key use this alias, can any deployment do the operation, and do the limits have room? Takes the ticket. */
export async function admit(received: Received, snapshot: Snapshot, deps: GatewayDeps): Promise<Admitted> {
	const { principal, envelope } = received;
	const alias = allowedAlias(snapshot, principal, envelope.model);
	received.scope.note({ alias: alias.name, stream: envelope.stream });
	if (!alias.deployments.some((deployment) => serves(deployment, received.ingress.operation, deps.dialects))) {
		throw unsupportedOperation(alias, `/v1${received.ingress.path}`);
	}
	const { limiter, budgets: book, teams } = deps.accounts;
	const decision = await limiter.take(subjectsOf(principal, teams), envelope.promptTokensMax);
	if ("refusal" in decision) {
		throw limitExceeded(decision.refusal);
	}
	received.scope.onFinish(() => decision.ticket.release());
	const budgets = budgetsOf(principal, teams);
	return { ...received, alias, ticket: decision.ticket, budgets, budgetRemainingNano: () => book.available(budgets) };
}

/** The alias of that name, if the key may use it. 404 for an unknown one, 403 for one outside the key's list. */
export function allowedAlias(snapshot: Snapshot, principal: KeyRecord, model: string): Alias {
	const alias = snapshot.aliases.get(model);
	if (alias === undefined) {
		const shown = model.length > 100 ? `${model.slice(0, 100)}…` : model;
		throw notFound(
			`The model '${shown}' does not exist. GET /v1/models lists the models this key may use.`,
			"model_not_found",
			"model",
		);
	}
	if (!mayUse(principal, alias.name)) {
		throw forbidden(
			`This key may not use the model '${alias.name}'. GET /v1/models lists the models it may use.`,
			"model_not_allowed",
		);
	}
	return alias;
}

export function mayUse(principal: KeyRecord, alias: string): boolean {
	return principal.models.length === 0 || principal.models.includes(alias);
}

function unsupportedOperation(alias: Alias, path: string): GatewayError {
	const providers = [...new Set(alias.deployments.map((deployment) => deployment.provider.title))].join(", ");
	return new GatewayError({
		status: 400,
		type: "invalid_request_error",
		message: `${path} is not supported by ${providers}, which serves the model '${alias.name}'.`,
		code: "unsupported_operation",
		param: "model",
	});
}

const LIMIT_WORDS = { rpm: "req/min", tpm: "tokens/min", parallel: "parallel requests" } as const;

/** Whose limit it is: the name for the message, and the word for `X-Gateway-Limit-Scope`. */
function ownerOf(subject: string): { readonly scope: "key" | "team"; readonly name: string } {
	return subject.startsWith("team:")
		? { scope: "team", name: `team '${subject.slice("team:".length)}'` }
		: { scope: "key", name: `key ${subject.slice("key:".length)}` };
}

function capitalised(words: string): string {
	return `${words.slice(0, 1).toUpperCase()}${words.slice(1)}`;
}

function limitExceeded(refusal: LimitRefusal): GatewayError {
	const never = refusal.retryAfterMs === undefined;
	const { scope, name } = ownerOf(refusal.subject);
	return new GatewayError({
		status: 429,
		type: "rate_limit_exceeded",
		message: never
			? `This request alone is larger than the ${refusal.limit} ${LIMIT_WORDS[refusal.kind]} limit of ${name}.`
			: `${capitalised(name)} exceeded its ${refusal.limit} ${LIMIT_WORDS[refusal.kind]} limit.`,
		code: "rate_limit_exceeded",
		kind: refusal.kind,
		retryAfterSeconds: wholeSeconds(refusal.retryAfterMs ?? 60_000),
		headers: { "x-gateway-limit-scope": scope, ...(never ? { "x-should-retry": "false" } : {}) },
	});
}

/** 429 `budget`: no attempt fits into what is left of the month. */
export function budgetExceeded(refusal: BudgetRefusal, nowMs: number): GatewayError {
	const { scope, name } = ownerOf(refusal.subject);
	return new GatewayError({
		status: 429,
		type: "budget_exceeded",
		message:
			`${capitalised(name)} has $${formatUsd(Math.max(0, refusal.availableNano))} left of its $${formatUsd(refusal.limitNano)} monthly budget, ` +
			"which this request could exceed. Ask for fewer tokens (max_tokens) or raise the budget.",
		code: "budget_exceeded",
		kind: "budget",
		retryAfterSeconds: wholeSeconds(refusal.resetAtMs - nowMs),
		headers: { "x-gateway-limit-scope": scope, "x-should-retry": "false" },
	});
}

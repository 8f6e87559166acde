import type { Seal } from "../dialects/seal.ts";
import type { GatewayError } from "../lib/errors.ts";
import type { BudgetRefusal } from "../limits/types.ts";
import { CredentialsFailed } from "../transport/credentials-failed.ts";
import { NeverSent } from "../transport/never-sent.ts";
import { transportFailure } from "../transport/transport-failure.ts";
import type { Served } from "./answer-headers.ts";
import type { LeaveReason } from "./live.ts";
import type { AttemptRun } from "./run.ts";
import type { AttemptBooks } from "./settle.ts";
import type { Spoken } from "./spoken.ts";
import type { Terms } from "./terms.ts";
import type { AttemptFailure, GatewayDeps, ParsedBody } from "./types.ts";

/** The head is on its way to the client. */
export interface Answered {
	readonly kind: "answered";
	readonly response: Response;
	/** The body is still being made: it finishes the request's scope itself. */
	readonly inMotion: boolean;
}

export type AttemptResult =
	| Answered
	/** Nothing has reached the client: another deployment may be tried. */
	| { readonly kind: "failed"; readonly failure: AttemptFailure }
	/** Its worst case does not fit into what is left of a budget: it was not made. */
	| { readonly kind: "unaffordable"; readonly refusal: BudgetRefusal }
	/** The model says that it cannot read as long a prompt: `answered` is what it said. Another one may. */
	| { readonly kind: "too_long"; readonly answered: Answered }
	/**
	 * The provider cannot read what is sealed in the conversation: `answered` is what it said. It is known from now on, so
	 * where some of it can be left out the same deployment can be asked again.
	 */
	| { readonly kind: "unreadable_state"; readonly answered: Answered; readonly canLeaveOut: boolean }
	/** The deployment's dialect cannot say what the client asks: it was not made, and need not be tried again. */
	| { readonly kind: "unsuited"; readonly error: GatewayError }
	/** The client left or the request was cut: nobody is waiting any more. */
	| { readonly kind: "left"; readonly reason: LeaveReason };

/** Everything one attempt carries while it runs. */
export interface AttemptContext {
	readonly served: Served;
	/** The client's request, or what of it this deployment can read. */
	readonly said: ParsedBody;
	/** What of it is sealed. */
	readonly sent: readonly Seal[];
	readonly spoken: Spoken;
	readonly run: AttemptRun;
	readonly books: AttemptBooks;
	readonly terms: Terms;
	/** No further attempt will follow a failure of this one. */
	readonly isLast: boolean;
	/** Another deployment could take over. */
	readonly hasRelief: boolean;
	/** Not over a connection that was used before. */
	readonly freshConnection: boolean;
	readonly deps: GatewayDeps;
}

/** Ends an attempt of which nothing has reached the client. */
export async function failed(context: AttemptContext, failure: AttemptFailure): Promise<AttemptResult> {
	context.run.close();
	// Whatever the provider still sends is for nobody.
	context.run.abort();
	await context.books.settle({ outcome: "upstream_failed", failure, seen: undefined });
	return { kind: "failed", failure };
}

/** Ends an attempt whose transport threw: because the client left, because a deadline of ours passed, or by itself. */
export async function givenUp(context: AttemptContext, error: unknown, status?: number): Promise<AttemptResult> {
	const reason = context.served.planned.scope.left();
	if (reason !== undefined) {
		context.run.close();
		const outcome = reason === "client" ? "client_gone" : "cut";
		await context.books.settle(error instanceof NeverSent ? { outcome, unsent: true } : { outcome, seen: undefined });
		return { kind: "left", reason };
	}
	if (error instanceof CredentialsFailed) {
		return failed(context, { class: "provider_auth", status, retryAfterMs: undefined, detail: error.message });
	}
	const { class: name, detail, stale } = transportFailure(error);
	const expired = context.run.expired();
	return failed(context, {
		class: expired ?? name,
		status,
		retryAfterMs: undefined,
		detail,
		...(stale && expired === undefined ? { stale } : {}),
	});
}

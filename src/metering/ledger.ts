import type { Clock } from "../lib/clock.ts";
import { GatewayError } from "../lib/errors.ts";
import type { NanoUsd } from "../lib/money.ts";
import type { BudgetBook, BudgetHold, BudgetOutcome } from "../limits/types.ts";
import type { AttemptReader, AttemptWriter } from "../store/types.ts";
import type { AttemptClosing, AttemptOpening, Ledger, ObjectOwner, OpenAttempt, OpenOutcome } from "./ledger-types.ts";
import { createObjectOwners } from "./object-owners.ts";

export interface LedgerDeps {
	readonly budgets: BudgetBook;
	readonly writer: AttemptWriter;
	readonly reader: Pick<AttemptReader, "ownerOf">;
	readonly clock: Clock;
	/** Told of what must never happen; the request itself goes on. */
	readonly reportBug: (error: Error) => void;
}

interface Running {
	readonly hold: BudgetHold;
	/** The object this attempt is making, if it has said so: at most one. */
	objectId: string | undefined;
}

const UNHEALTHY_RETRY_SECONDS = 5;

/**
 * The ledger of provider attempts over a budget book and a store. The reservation is taken in memory, before anything
 * is awaited, which is what keeps budgets exact; rows follow in the writer's next commit.
 */
export function createLedger({ budgets, writer, reader, clock, reportBug }: LedgerDeps): Ledger {
	const running = new Map<OpenAttempt, Running>();
	const owners = createObjectOwners();

	function open(opening: AttemptOpening): OpenOutcome | Promise<OpenOutcome> {
		if (!writer.healthy()) {
			throw ledgerUnavailable();
		}
		const outcome = budgets.reserve({
			budgets: opening.budgets,
			counted: subjectsOf(opening),
			amountNano: opening.reservedNano,
		});
		return outcome instanceof Promise ? outcome.then((told) => begin(opening, told)) : begin(opening, outcome);
	}

	function begin(opening: AttemptOpening, outcome: BudgetOutcome): OpenOutcome {
		if ("unavailable" in outcome) {
			throw budgetUnavailable(outcome.unavailable.subject);
		}
		if ("refusal" in outcome) {
			return outcome;
		}
		const attempt: OpenAttempt = { opening, openedAtMs: clock.now() };
		running.set(attempt, { hold: outcome.hold, objectId: undefined });
		writer.opened(opening, attempt.openedAtMs);
		return { attempt };
	}

	async function settle(attempt: OpenAttempt, closing: AttemptClosing): Promise<void> {
		const { opening, openedAtMs } = attempt;
		const entry = running.get(attempt);
		if (!entry) {
			reportBug(new Error(`attempt ${opening.attempt} of ${opening.requestId} was settled twice`));
			return;
		}
		running.delete(attempt);
		const objectId = closing.objectId ?? entry.objectId;
		const costNano = checkedCost(opening, closing.costNano);
		try {
			entry.hold.settle(costNano);
			await writer.settled(opening, openedAtMs, { ...closing, costNano, objectId }, clock.now());
		} catch (cause) {
			reportBug(new Error(`attempt ${opening.attempt} of ${opening.requestId} could not be settled`, { cause }));
		}
		owners.abandoned(entry.objectId);
		if (objectId !== undefined) {
			owners.finished(objectId, ownerIn(opening));
		}
	}

	/** A cost that is no amount must neither be free nor leave its reservation standing. */
	function checkedCost({ requestId, attempt, reservedNano }: AttemptOpening, costNano: NanoUsd): NanoUsd {
		if (Number.isSafeInteger(costNano) && costNano >= 0) {
			return costNano;
		}
		reportBug(new Error(`attempt ${attempt} of ${requestId} cost ${costNano}: charged at its reservation`));
		return reservedNano;
	}

	function claimObject(objectId: string, attempt: OpenAttempt): void {
		const entry = running.get(attempt);
		if (!entry) {
			owners.finished(objectId, ownerIn(attempt.opening));
			return;
		}
		owners.abandoned(entry.objectId);
		entry.objectId = objectId;
		owners.running(objectId, ownerIn(attempt.opening));
	}

	return {
		open,
		settle,
		claimObject,
		async ownerOf(objectId): Promise<ObjectOwner | undefined> {
			return owners.find(objectId) ?? (await reader.ownerOf(objectId));
		},
		healthy: () => writer.healthy(),
		openCount: () => running.size,
		flush: () => writer.flush(),
	};
}

/** Whose spend an attempt counts towards, with or without a budget: the names that budgets use too. */
function subjectsOf({ keyId, team }: AttemptOpening): readonly string[] {
	return team === undefined ? [`key:${keyId}`] : [`key:${keyId}`, `team:${team}`];
}

function ownerIn({ keyId, team, deploymentId, requestId }: AttemptOpening): ObjectOwner {
	return { keyId, team, deploymentId, requestId };
}

function ledgerUnavailable(): GatewayError {
	return new GatewayError({
		status: 503,
		type: "service_unavailable",
		kind: "ledger_unavailable",
		code: "ledger_unavailable",
		message:
			"The gateway cannot record spend at the moment, so it takes no new requests; running ones go on. " +
			"Operator: see /health/ready and the log for the database's error, then its free disk space and write permission.",
		retryAfterSeconds: UNHEALTHY_RETRY_SECONDS,
	});
}

function budgetUnavailable(subject: string): GatewayError {
	return new GatewayError({
		status: 503,
		type: "service_unavailable",
		kind: "budget_unavailable",
		code: "budget_unavailable",
		message:
			`Nobody can say at the moment what is left of the budget of ${subject.replace(":", " ")}: this instance has used up ` +
			"its part, and the database that could grant more does not answer. Try again. Operator: see /health/ready.",
		retryAfterSeconds: UNHEALTHY_RETRY_SECONDS,
	});
}

import type { AttemptWriter } from "../../src/store/types.ts";
import { PROMPT_TOKENS } from "./routing-fates.ts";
import type { Call } from "./routing-network.ts";
import type { Scenario } from "./routing-scenario.ts";
import type { Asked, Fail, Row } from "./routing-state.ts";
import type { SimulatedTime } from "./routing-time.ts";

/** The ledger's disk, and the sums that somebody else would draw from it. */
export interface Books {
	readonly writer: AttemptWriter;
	/** A call has arrived at its provider. */
	called(call: Call): void;
	/** Grows with each row that is opened or settled. */
	changes(): number;
	/** Tokens of all rows that count any. */
	tokens(): number;
	openRows(): number;
	openRowsAt(deploymentId: string): number;
	/** What must be spent and reserved, by the rows. */
	sumsOf(subject: string): { readonly spentNano: number; readonly reservedNano: number };
}

export function createBooks(deps: {
	readonly scenario: Scenario;
	readonly time: SimulatedTime;
	readonly askedOf: (requestId: string) => Asked;
	readonly onOpened: (asked: Asked, row: Row) => void;
	readonly onSettled: (asked: Asked, row: Row) => void;
	readonly fail: Fail;
}): Books {
	const { scenario, time, askedOf, fail } = deps;
	const prices = new Map(scenario.deployments.map(({ deployment, price }) => [deployment.id, price]));
	const sums = new Map<string, { spentNano: number; reservedNano: number }>();
	const open = new Map<string, number>();
	let openTotal = 0;
	let changes = 0;
	let tokens = 0;

	function sumsOf(subject: string) {
		const known = sums.get(subject) ?? { spentNano: 0, reservedNano: 0 };
		sums.set(subject, known);
		return known;
	}
	function count(deploymentId: string, by: number): void {
		open.set(deploymentId, (open.get(deploymentId) ?? 0) + by);
		openTotal += by;
		changes += 1;
	}
	const subjectsOf = ({ opening }: Row) => [
		`key:${opening.keyId}`,
		...(opening.team === undefined ? [] : [`team:${opening.team}`]),
	];

	function checkCost({ closing, call, opening }: Row, hasAnswered: boolean): void {
		if (closing === undefined) {
			return;
		}
		const { usage, usageSource, costNano, outcome } = closing;
		const price = prices.get(opening.deploymentId);
		const expected =
			usageSource === "none" || price === undefined ? 0 : usage.input * price.input + usage.output * price.output;
		const facts = { requestId: opening.requestId, usage, usageSource, outcome, costNano, expected };
		if (costNano !== expected) {
			fail("a cost is price times usage", facts);
		}
		if (costNano > opening.reservedNano) {
			fail("a cost is within its reservation", { ...facts, reserved: opening.reservedNano });
		}
		if (outcome === "ok" && call?.isComplete !== true) {
			fail("what is not complete is not booked as complete", facts);
		}
		if (usageSource === "provider" && call !== undefined && call.fate.isTold) {
			if (usage.input !== PROMPT_TOKENS || usage.output !== call.fate.tokens) {
				fail("the provider's count is what counts", { ...facts, tokens: call.fate.tokens });
			}
		}
		if (usageSource === "partial" && usage.output < (call?.given ?? 0)) {
			fail("what was seen of an answer is paid for", { ...facts, given: call?.given });
		}
		if (outcome === "upstream_failed" && !hasAnswered && (call?.given ?? 0) === 0 && costNano > 0) {
			fail("what has produced nothing is free", facts);
		}
	}

	const writer: AttemptWriter = {
		opened(opening) {
			const asked = askedOf(opening.requestId);
			const row: Row = {
				opening,
				openedMs: time.clock.monotonic(),
				closing: undefined,
				settledMs: undefined,
				call: undefined,
			};
			if (opening.attempt !== asked.rows.length) {
				fail("rows of a request are numbered in order", { requestId: opening.requestId, attempt: opening.attempt });
			}
			if (asked.rows.some(({ closing }) => closing === undefined)) {
				fail("one attempt at a time", { requestId: opening.requestId });
			}
			asked.rows.push(row);
			count(opening.deploymentId, 1);
			for (const subject of subjectsOf(row)) {
				sumsOf(subject).reservedNano += opening.reservedNano;
			}
			deps.onOpened(asked, row);
		},
		settled(opening, _openedAtMs, closing) {
			const asked = askedOf(opening.requestId);
			const row = asked.rows[opening.attempt];
			if (row === undefined || row.closing !== undefined) {
				fail("a row is settled once", { requestId: opening.requestId, attempt: opening.attempt });
				return Promise.resolve();
			}
			row.closing = closing;
			row.settledMs = time.clock.monotonic();
			count(opening.deploymentId, -1);
			for (const subject of subjectsOf(row)) {
				const sum = sumsOf(subject);
				sum.reservedNano -= opening.reservedNano;
				sum.spentNano += closing.costNano;
			}
			tokens += closing.usageSource === "none" ? 0 : closing.usage.input + closing.usage.output;
			checkCost(row, asked.answeredMs !== undefined);
			deps.onSettled(asked, row);
			return scenario.commitMs === 0
				? Promise.resolve()
				: new Promise((resolve) => void time.after(scenario.commitMs, resolve));
		},
		healthy: () => true,
		flush: () => Promise.resolve(),
	};

	return {
		writer,
		called(call) {
			const row = askedOf(call.requestId).rows.at(-1);
			const isIts = row?.opening.deploymentId === call.deploymentId && row.call === undefined;
			if (row === undefined || !isIts || row.closing !== undefined) {
				fail("every call has a row of its own, opened before it", { call: call.id, deployment: call.deploymentId });
			} else {
				row.call = call;
			}
		},
		changes: () => changes,
		tokens: () => tokens,
		openRows: () => openTotal,
		openRowsAt: (deploymentId) => open.get(deploymentId) ?? 0,
		sumsOf,
	};
}

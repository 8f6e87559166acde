import { type Audit, type AuditInput, audit } from "./audit.ts";
import type { BookRow } from "./books.ts";
import { costNano } from "./call-plan.ts";
import type { BookedCall } from "./ledger-upstream.ts";

/** An audit of several gateways, and what it found that must be expected of them. */
export interface InstancesAudit extends Pick<Audit, "counts" | "statement" | "unsentCharged"> {
	/** Only those with something in them. */
	readonly findings: Readonly<Record<string, readonly unknown[]>>;
	/** Calls without a row. */
	readonly unwritten: readonly BookedCall[];
	/** Streams that broke off, of which the gateway has read less than was sent. */
	readonly torn: readonly BookRow[];
}

/** From the call to its row in the database, or on local disk: 150 ms are documented, a slow machine takes its time. */
const UNWRITTEN_MS = 1_500;

/**
 * Two things are no fault of the books. The row of a call travels to the database while the call travels to the provider:
 * a gateway that is killed in that moment leaves a call without one, of which nobody has had an answer. And the pieces of
 * a stream that arrive together with its violent end are dropped by the HTTP library: the row has at least what was passed
 * on.
 * @param killedAtMs When gateways were killed, Unix milliseconds.
 */
export function auditInstances(input: AuditInput, killedAtMs: readonly number[] = []): InstancesAudit {
	const { findings, ...rest } = audit(input);
	const whole = new Set(input.sightings.filter(({ kind }) => kind === "whole").map(({ requestId }) => requestId));
	const pieces = new Map(input.sightings.map((sighting) => [sighting.requestId, sighting.pieces]));
	// What audit() calls so are calls of the provider's ledger.
	const lost = (findings.lost ?? []) as readonly BookedCall[];
	const below = (findings.below_the_provider ?? []) as readonly { readonly row: BookRow; readonly call: BookedCall }[];

	function diedOver({ request_id, at_ms }: BookedCall): boolean {
		return !whole.has(request_id) && killedAtMs.some((ms) => ms >= at_ms && ms - at_ms <= UNWRITTEN_MS);
	}
	function isTorn({ row, call }: { readonly row: BookRow; readonly call: BookedCall }): boolean {
		const rates = input.rates[call.model];
		if (rates === undefined || call.fate !== "breaks_off" || row.outcome !== "upstream_failed") {
			return false;
		}
		// Writes to a cache are told at the end only: before that they count as fresh ones.
		const seen = { prompt: call.prompt_tokens, cached: call.cached_tokens, written: 0 };
		const passedOn = costNano({ ...seen, completion: pieces.get(row.request_id) ?? 0 }, rates);
		return row.usage_source === "partial" && row.cost_nano >= BigInt(passedOn);
	}
	const found = {
		...findings,
		lost: lost.filter((call) => !diedOver(call)),
		below_the_provider: below.filter((pair) => !isTorn(pair)),
	};
	return {
		...rest,
		findings: Object.fromEntries(Object.entries(found).filter(([, list]) => list.length > 0)),
		unwritten: lost.filter(diedOver),
		torn: below.filter(isTorn).map(({ row }) => row),
	};
}

import { FREE_PRICE } from "../config/price-override.ts";
import type { Snapshot } from "../config/types.ts";
import { pricesOf } from "../metering/prices.ts";
import { recompute } from "../metering/recompute.ts";
import type { PriceSheet } from "../metering/types.ts";
import type { Provider } from "../providers/types.ts";
import type { AttemptRow } from "../store/types.ts";
import type { RowFinding } from "./reconcile-types.ts";

/** Looks at each row by itself. */
export interface RowChecks {
	check(row: AttemptRow): void;
	readonly differences: readonly RowFinding[];
	readonly notes: readonly RowFinding[];
	recomputed(): number;
	/** Rows by the price version that is not known here. */
	unknown(): Readonly<Record<string, number>>;
}

/** The price of a deployment's own `price` section: its version does not tell one edition of the file from the next. */
const CONFIGURED = "config";

export function createRowChecks(snapshot: Snapshot, providers: ReadonlyMap<string, Provider>): RowChecks {
	const differences: RowFinding[] = [];
	const notes: RowFinding[] = [];
	const unknown = new Map<string, number>();
	const sheetsOf = createSheets(snapshot, providers);
	let recomputed = 0;

	function checkCost({ opening, closing }: AttemptRow): void {
		if (closing === undefined) {
			return;
		}
		const { requestId: request_id, attempt, priceVersion, reservedNano } = opening;
		const found = recompute({ priceVersion, reservedNano, ...closing }, sheetsOf(opening));
		if (found.kind === "unknown") {
			unknown.set(priceVersion ?? "", (unknown.get(priceVersion ?? "") ?? 0) + 1);
			return;
		}
		recomputed += 1;
		if (found.kind === "other") {
			const facts = { request_id, attempt, figure: "cost_nano" };
			const amounts = { ledger: String(closing.costNano), expected: String(found.costNano) };
			if (priceVersion === CONFIGURED && closing.usageSource !== "crash_estimate" && closing.usageSource !== "none") {
				notes.push({ kind: "price_changed", ...facts, ...amounts });
			} else {
				differences.push({ kind: "cost", ...facts, ...amounts });
			}
		}
		if (priceVersion !== undefined && closing.costNano > reservedNano) {
			const amounts = { ledger: String(closing.costNano), expected: `<= ${reservedNano}` };
			notes.push({ kind: "above_reservation", request_id, attempt, figure: "cost_nano", ...amounts });
		}
	}

	function checkNumbers({ opening, closing, settledAtMs }: AttemptRow): void {
		const { requestId: request_id, attempt } = opening;
		const numbers = { reserved_nano: opening.reservedNano, cost_nano: closing?.costNano ?? 0, ...closing?.usage };
		for (const [figure, value] of Object.entries(numbers)) {
			if (!(value >= 0)) {
				differences.push({ kind: "negative", request_id, attempt, figure, ledger: String(value), expected: ">= 0" });
			}
		}
		if (settledAtMs !== undefined && closing === undefined) {
			const facts = { figure: "outcome", ledger: "none", expected: "one" };
			differences.push({ kind: "settled_without_outcome", request_id, attempt, ...facts });
		}
	}

	return {
		check(row) {
			checkNumbers(row);
			checkCost(row);
		},
		differences,
		notes,
		recomputed: () => recomputed,
		unknown: () => Object.fromEntries(unknown),
	};
}

/** Every price sheet of a row's version that can still be found: in the configuration, the catalogue, the provider. */
function createSheets(snapshot: Snapshot, providers: ReadonlyMap<string, Provider>) {
	const known = new Map<string, readonly PriceSheet[]>();
	return ({ deploymentId, provider, model, priceVersion }: AttemptRow["opening"]): readonly PriceSheet[] => {
		const name = `${deploymentId}\n${provider}\n${model}\n${priceVersion}`;
		let sheets = known.get(name);
		if (sheets === undefined) {
			const declared = providers.get(provider);
			const catalogue = declared?.priceCatalogue;
			const all = [
				snapshot.deployments.get(deploymentId)?.price,
				...(catalogue === undefined ? [] : pricesOf(catalogue, model)),
				declared?.builtInPrice,
				FREE_PRICE,
			];
			sheets = all.filter((sheet) => sheet !== undefined).filter(({ version }) => version === priceVersion);
			known.set(name, sheets);
		}
		return sheets;
	};
}

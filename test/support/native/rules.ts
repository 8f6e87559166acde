import type { Json } from "../oracle/json.ts";

/** Collects what is wrong. */
export interface Faults {
	/** Notes the fault unless the condition holds. */
	demand(condition: boolean, fault: string): void;
	list(): string[];
}

export function createFaults(): Faults {
	const found: string[] = [];
	return {
		demand: (condition, fault) => {
			if (!condition) {
				found.push(fault);
			}
		},
		list: () => found,
	};
}

/** Fields that the provider's document does not have: it refuses them. */
export function demandKnown(faults: Faults, where: string, value: Json, known: readonly string[]): void {
	for (const name of Object.keys(value)) {
		faults.demand(known.includes(name), `${where}.${name}: extra inputs are not permitted`);
	}
}

export function sameJson(left: unknown, right: unknown): boolean {
	return Bun.deepEquals(left, right);
}

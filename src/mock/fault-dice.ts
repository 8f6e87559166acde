import type { MockScript } from "./script.ts";

/** Model names whose turns are counted at once; the oldest is forgotten first. */
const COUNTED_MAX = 1_000;

/** Decides which requests a fault strikes. No chance in it: the same sequence every time, evenly spread. */
export interface FaultDice {
	/** Counts one request of this model. */
	strikes(model: string, script: MockScript): boolean;
}

/** Of any hundred requests in a row of one model exactly `faultPercent` are struck. */
export function createFaultDice(): FaultDice {
	const turns = new Map<string, number>();
	return {
		strikes(model, { fault, faultPercent }) {
			if (fault === undefined || faultPercent === 100) {
				return fault !== undefined;
			}
			const turn = turns.get(model) ?? 0;
			turns.set(model, turn + 1);
			const oldest = turns.keys().next().value;
			if (turns.size > COUNTED_MAX && oldest !== undefined) {
				turns.delete(oldest);
			}
			return Math.floor(((turn + 1) * faultPercent) / 100) > Math.floor((turn * faultPercent) / 100);
		},
	};
}

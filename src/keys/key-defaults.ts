import type { KeySettings } from "./types.ts";

/** A key about which nothing was said: it may use everything, without limits. */
export const KEY_DEFAULTS: KeySettings = {
	name: undefined,
	team: undefined,
	models: [],
	rpm: undefined,
	tpm: undefined,
	monthlyBudgetNano: undefined,
	maxParallelRequests: undefined,
	forceStrategy: undefined,
	expiresAt: undefined,
	metadata: {},
	enabled: true,
};

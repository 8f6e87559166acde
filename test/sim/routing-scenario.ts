import type { Alias, Deployment, Strategy } from "../../src/config/types.ts";
import type { KeyRecord } from "../../src/keys/types.ts";
import type { TeamLimits } from "../../src/limits/team-types.ts";
import { NO_RATES } from "../../src/metering/no-rates.ts";
import type { PriceSheet } from "../../src/metering/types.ts";
import { alias as aliasNamed, deployment as deploymentOf } from "../unit/routing/fakes.ts";
import { type Chance, createChance } from "./routing-chance.ts";

/** How a provider is, for a while. */
export type Mood =
	| "well"
	/** Its answers begin late: later than some deadlines. */
	| "slow"
	| "refusing"
	| "resetting"
	/** 5xx to a share of its requests. */
	| "erring"
	/** 429, with or without a word about when to come back. */
	| "limiting"
	/** Takes requests and says nothing, or falls silent after the head. */
	| "hanging"
	/** Nobody takes the connection. */
	| "unreachable"
	/** 200, and something that is no answer. */
	| "babbling"
	/** Its streams break off, before the first token or after it. */
	| "breaking"
	/** It refuses the gateway's credential. */
	| "locked";

export interface MoodSpan {
	readonly fromMs: number;
	readonly mood: Mood;
	/** Of requests that fare badly; the others are answered. */
	readonly share: number;
	/** Seconds, a date, milliseconds, nothing at all. */
	readonly retryAfter: { readonly form: "seconds" | "date" | "ms" | "none" | "quota"; readonly ms: number };
}

export interface SimDeployment {
	readonly deployment: Deployment;
	/** Nano-USD a token. */
	readonly price: { readonly input: number; readonly output: number } | undefined;
	readonly headMs: number;
	readonly gapMs: number;
	/** In order; the last one lasts for ever. */
	readonly moods: readonly MoodSpan[];
	/** Taken out of rotation from here to there. */
	readonly disabled: { readonly fromMs: number; readonly toMs: number } | undefined;
}

export interface RequestPlan {
	readonly atMs: number;
	readonly key: KeyRecord;
	readonly stream: boolean;
	readonly maxTokens: number | undefined;
	readonly session: string | undefined;
	readonly leavesAfterMs: number | undefined;
	/** `bad`: every provider refuses it. `long`: small models say that they cannot read so much. */
	readonly kind: "fine" | "bad" | "long";
}

/** Everything that a seed decides before the first request comes, but for what providers throw dice for. */
export interface Scenario {
	readonly seed: number;
	readonly alias: Alias;
	readonly fallback: Alias | undefined;
	readonly deployments: readonly SimDeployment[];
	readonly keys: readonly KeyRecord[];
	readonly team: TeamLimits;
	readonly requests: readonly RequestPlan[];
	/** From here on every provider is well and every deployment in rotation. */
	readonly faultsEndMs: number;
	/** How long the disk takes to commit a row. */
	readonly commitMs: number;
	/** When somebody sets the calendar, and by how much. */
	readonly wallStep: { readonly atMs: number; readonly byMs: number } | undefined;
}

const MOODS: readonly Mood[] = [
	"slow",
	"refusing",
	"resetting",
	"erring",
	"erring",
	"limiting",
	"hanging",
	"unreachable",
	"babbling",
	"breaking",
	"locked",
];
const STRATEGIES: readonly Strategy[] = ["round_robin", "least_latency", "least_busy", "cheapest", "classifier"];
const NO_LIMITS: TeamLimits = {
	rpm: undefined,
	tpm: undefined,
	monthlyBudgetNano: undefined,
	maxParallelRequests: undefined,
};
/** Who asks when the faults are over, and has no limits. */
export const CALM_KEY = "vk_calm";
/** Models at least this large read requests of kind `long`. */
export const LARGE_CONTEXT_TOKENS = 100_000;

export function drawScenario(seed: number): Scenario {
	const chance = createChance(seed);
	const requests = chance.pick([6, 8, 12, 16, 26]);
	const paceMs = chance.pick([150, 150, 700, 2_500, 5_000, 20_000]);
	const faultsEndMs = Math.round(Math.min(400_000, Math.max(15_000, requests * paceMs)));
	// A long outage at a slow pace is what makes openings long.
	const storm = chance.of(paceMs === 20_000 ? 0.6 : 0.25) ? chance.pick(MOODS) : undefined;
	const mains = Array.from({ length: chance.pick([1, 2, 2, 3, 4]) }, (_, index) =>
		drawDeployment(chance, { index, alias: "main", faultsEndMs, storm }),
	);
	const spares = Array.from({ length: chance.pick([0, 0, 1, 2]) }, (_, index) =>
		drawDeployment(chance, { index: mains.length + index, alias: "spare", faultsEndMs, storm: undefined }),
	);
	const routing = {
		strategy: chance.pick(STRATEGIES),
		retries: chance.pick([0, 1, 2, 2, 3]),
		retryAfterMs: chance.pick([0, 100, 200, 1_000]),
		stickyForMs: chance.pick([0, 300_000]),
		shadow: chance.of(0.1) ? { percent: 50, strategy: chance.pick(STRATEGIES) } : undefined,
	};
	const fallback = spares.length === 0 ? undefined : aliasOf("spare", spares, routing);
	const keys = [0, 1, 2].map((index) => drawKey(chance, index));
	return {
		seed,
		alias: { ...aliasOf("main", mains, routing), fallbacks: fallback === undefined ? [] : ["spare"] },
		fallback,
		deployments: [...mains, ...spares],
		keys: [...keys, { ...drawKey(chance, 0), id: CALM_KEY, team: undefined, models: [], forceStrategy: undefined }],
		team: {
			...NO_LIMITS,
			rpm: chance.of(0.3) ? chance.int(10, 60) : undefined,
			monthlyBudgetNano: chance.of(0.3) ? chance.int(100_000, 4_000_000) : undefined,
			maxParallelRequests: chance.of(0.3) ? chance.int(1, 6) : undefined,
		},
		requests: drawRequests(chance, { count: requests, paceMs, faultsEndMs, keys }),
		faultsEndMs,
		commitMs: chance.pick([0, 0, 1, 3]),
		wallStep: chance.of(0.1)
			? { atMs: chance.real() * faultsEndMs, byMs: chance.pick([-3_600_000, -1_000, 5_000, 3_600_000]) }
			: undefined,
	};
}

function aliasOf(name: string, of: readonly SimDeployment[], routing: Partial<Alias>): Alias {
	return {
		...aliasNamed(
			name,
			of.map(({ deployment }) => deployment),
		),
		...routing,
	};
}

function drawDeployment(
	chance: Chance,
	place: {
		readonly index: number;
		readonly alias: string;
		readonly faultsEndMs: number;
		readonly storm: Mood | undefined;
	},
): SimDeployment {
	const { index, alias, faultsEndMs, storm } = place;
	const price = chance.of(0.9) ? { input: chance.int(1, 900), output: chance.int(1, 4_000) } : undefined;
	const outFromMs = chance.real() * faultsEndMs;
	return {
		deployment: {
			...deploymentOf(`dep_${index}`, {
				weight: chance.int(1, 3),
				tier: chance.pick([undefined, "simple", "medium", "complex"]),
				priority: chance.of(0.8) ? 0 : 1,
			}),
			alias,
			baseUrl: `http://dep-${index}.invalid/v1`,
			timeoutMs: chance.pick([10_000, 30_000, 60_000]),
			connectTimeoutMs: 4_000,
			ttftTimeoutMs: chance.pick([undefined, 2_000, 5_000]),
			maxContextTokens: chance.pick([undefined, 4_000, LARGE_CONTEXT_TOKENS]),
			price: price && sheetOf(price),
		},
		price,
		headMs: chance.int(20, 800),
		gapMs: chance.pick([0, 5, 90]),
		moods: drawMoods(chance, faultsEndMs, storm),
		disabled: chance.of(0.12) ? { fromMs: outFromMs, toMs: outFromMs + chance.int(1, 30_000) } : undefined,
	};
}

function drawMoods(chance: Chance, faultsEndMs: number, storm: Mood | undefined): readonly MoodSpan[] {
	const spans: MoodSpan[] = [];
	const lastsMs = chance.pick([4_000, 15_000, 60_000]);
	const wellShare = storm === undefined ? chance.pick([0.2, 0.5, 0.9]) : 0.05;
	for (let fromMs = 0; fromMs < faultsEndMs; fromMs += Math.ceil(lastsMs * (0.3 + 1.4 * chance.real()))) {
		const mood = chance.of(wellShare) ? "well" : (storm ?? chance.pick(MOODS));
		spans.push({
			fromMs,
			mood,
			share: chance.pick([0.3, 0.7, 1, 1, 1]),
			retryAfter: {
				form: chance.pick(["seconds", "seconds", "date", "ms", "none", "quota"]),
				ms: chance.pick([0, 1_000, 2_000, 4_000, 20_000, 90_000]),
			},
		});
	}
	return [...spans, { fromMs: faultsEndMs, mood: "well", share: 0, retryAfter: { form: "none", ms: 0 } }];
}

function drawKey(chance: Chance, index: number): KeyRecord {
	const [isLimited, isBudgeted] = [index === 1, index === 2];
	return {
		id: `vk_${index}`,
		name: undefined,
		team: chance.of(0.4) ? "team" : undefined,
		models: chance.of(0.1) ? ["main"] : [],
		rpm: isLimited ? chance.int(3, 40) : undefined,
		tpm: isLimited && chance.of(0.5) ? chance.int(300, 5_000) : undefined,
		monthlyBudgetNano: isBudgeted ? chance.int(50_000, 3_000_000) : undefined,
		maxParallelRequests: isLimited ? chance.int(1, 4) : undefined,
		forceStrategy: chance.of(0.1) ? chance.pick(STRATEGIES) : undefined,
		expiresAt: undefined,
		metadata: {},
		enabled: true,
		createdAt: 0,
		lastUsedAt: undefined,
		revokedAt: undefined,
		keyHint: "",
	};
}

function drawRequests(
	chance: Chance,
	of: {
		readonly count: number;
		readonly paceMs: number;
		readonly faultsEndMs: number;
		readonly keys: readonly KeyRecord[];
	},
): readonly RequestPlan[] {
	const { count, paceMs, faultsEndMs, keys } = of;
	let atMs = 0;
	const streamShare = chance.pick([0, 0.5, 1]);
	return Array.from({ length: count }, () => {
		atMs += chance.of(0.3) ? 0 : Math.round(chance.real() * 2 * paceMs * (chance.of(0.05) ? 8 : 1));
		return {
			atMs: Math.min(atMs, faultsEndMs),
			key: chance.of(0.5) ? (keys[0] ?? chance.pick(keys)) : chance.pick(keys),
			stream: chance.of(streamShare),
			maxTokens: chance.of(0.3) ? undefined : chance.int(40, 200),
			session: chance.of(0.3) ? `s${chance.int(0, 3)}` : undefined,
			leavesAfterMs: chance.of(0.06) ? chance.int(0, 8_000) : undefined,
			kind: chance.of(0.04) ? "bad" : chance.of(0.06) ? "long" : "fine",
		};
	});
}

/** Whole nano-dollars a token: every cost can be told by multiplying twice. */
function sheetOf({ input, output }: { readonly input: number; readonly output: number }): PriceSheet {
	return {
		version: "config",
		base: { ...NO_RATES, inputPerMillion: input * 1_000_000, outputPerMillion: output * 1_000_000 },
		tiers: [],
	};
}

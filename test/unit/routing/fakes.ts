import type { Alias, Deployment, Tier } from "../../../src/config/types.ts";
import type { Clock } from "../../../src/lib/clock.ts";
import { openaiCompatible } from "../../../src/providers/openai-compatible.ts";
import { DEFAULT_THRESHOLDS } from "../../../src/routing/score.ts";

/** A clock that only moves when told. Both hands run together unless the wall clock is stepped. */
export function createFakeClock(wallMs = Date.UTC(2026, 10, 22)): Clock & {
	advance(ms: number): void;
	stepWall(ms: number): void;
} {
	let wall = wallMs;
	let monotonic = 1_000;
	return {
		now: () => wall,
		monotonic: () => monotonic,
		advance(ms) {
			wall += ms;
			monotonic += ms;
		},
		stepWall(ms) {
			wall += ms;
		},
	};
}

export function deployment(
	id: string,
	settings: { readonly weight?: number; readonly tier?: Tier | undefined; readonly priority?: number } = {},
): Deployment {
	return {
		id,
		alias: "smart",
		provider: openaiCompatible,
		model: id,
		apiKey: undefined,
		baseUrl: "http://127.0.0.1:9/v1",
		apiVersion: undefined,
		region: undefined,
		project: undefined,
		location: undefined,
		aws: undefined,
		serviceAccount: undefined,
		operations: undefined,
		supports: undefined,
		weight: settings.weight ?? 1,
		tier: settings.tier,
		priority: settings.priority ?? 0,
		timeoutMs: 600_000,
		connectTimeoutMs: 10_000,
		ttftTimeoutMs: 30_000,
		maxContextTokens: undefined,
		maxOutputTokens: undefined,
		headers: {},
		price: undefined,
	};
}

export function alias(name: string, deployments: readonly Deployment[]): Alias {
	return {
		name,
		deployments,
		fallbacks: [],
		strategy: "round_robin",
		retries: 2,
		retryAfterMs: 200,
		thresholds: DEFAULT_THRESHOLDS,
		stickyForMs: 300_000,
		shadow: undefined,
	};
}

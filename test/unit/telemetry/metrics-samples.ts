import type { Deployment } from "../../../src/config/types.ts";
import { NO_USAGE } from "../../../src/lib/usage.ts";
import type { AttemptClosing, AttemptOpening } from "../../../src/metering/ledger-types.ts";
import { createTrafficMetrics, type TrafficMetrics } from "../../../src/telemetry/metrics-traffic.ts";
import { type Exposition, parseExposition } from "../../support/exposition.ts";
import { alias, deployment } from "../routing/fakes.ts";

/** A configuration of names only, that a test may exchange. */
export interface NamedConfig {
	current(): {
		readonly version: number;
		readonly aliases: ReadonlyMap<string, ReturnType<typeof alias>>;
		readonly deployments: ReadonlyMap<string, Deployment>;
	};
	/** Each alias with one deployment, `dep_ALIAS`. */
	reload(names: readonly string[]): void;
}

export function namedConfig(names: readonly string[]): NamedConfig {
	let version = 0;
	let aliases = new Map<string, ReturnType<typeof alias>>();
	let deployments = new Map<string, Deployment>();
	const config: NamedConfig = {
		current: () => ({ version, aliases, deployments }),
		reload(next) {
			version += 1;
			deployments = new Map(next.map((name) => [`dep_${name}`, { ...deployment(`dep_${name}`), alias: name }]));
			aliases = new Map(next.map((name) => [name, alias(name, [])]));
		},
	};
	config.reload(names);
	return config;
}

export interface Traffic extends TrafficMetrics {
	render(): string;
	read(): Exposition;
}

export function traffic(config: NamedConfig): Traffic {
	const metrics = createTrafficMetrics(config);
	const render = () => metrics.parts.map((part) => part()).join("");
	return { ...metrics, render, read: () => parseExposition(render()) };
}

export function opening(more: Partial<AttemptOpening> = {}): AttemptOpening {
	const name = more.alias ?? "chat";
	return {
		requestId: "req_1",
		attempt: 0,
		keyId: "vk_SECRETIVE",
		team: "team-SECRETIVE",
		alias: name,
		deploymentId: `dep_${name}`,
		provider: "openai",
		model: "gpt-4o-mini",
		operation: "chat",
		streamed: false,
		reservedNano: 500,
		priceVersion: "v1",
		budgets: [],
		...more,
	};
}

export function closing(more: Partial<AttemptClosing> = {}): AttemptClosing {
	return {
		outcome: "ok",
		upstreamStatus: 200,
		errorClass: undefined,
		usage: { ...NO_USAGE, input: 60, output: 150 },
		usageSource: "provider",
		costNano: 99_000,
		ttftMs: 300,
		durationMs: 1_000,
		objectId: undefined,
		...more,
	};
}

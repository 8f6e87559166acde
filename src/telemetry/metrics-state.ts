import type { Deployment } from "../config/types.ts";
import type { BreakerState, HealthBook } from "../routing/types.ts";
import type { ConfiguredNames } from "./metrics-families.ts";
import type { Figure, StateSources } from "./metrics-sources.ts";
import { familyHead, labelPairs, type MetricKind, numberText, seriesLine } from "./metrics-text.ts";

/** What is read, not counted, when somebody asks. */
export interface StateDeps {
	readonly config: ConfiguredNames;
	readonly health: Pick<HealthBook, "view">;
	readonly isEnabled: (deploymentId: string) => boolean;
	readonly requestsInFlight: () => number;
	readonly attemptsOpen: () => number;
	readonly ledgerHealthy: () => boolean;
	readonly sources: StateSources;
	readonly build: { readonly version: string; readonly runtime: string };
}

/** Deployments that are shown one by one; the configuration may have more. */
const DEPLOYMENTS_MAX = 500;
const BREAKER_STATES: readonly BreakerState[] = ["closed", "open", "half_open"];

interface Reading {
	readonly name: string;
	readonly kind: MetricKind;
	readonly help: string;
	readonly read: Figure;
}

/** @param storeReady Whether the database answered lately. */
export function renderState(deps: StateDeps, storeReady: boolean): string {
	return [
		...[...ownReadings(deps, storeReady), ...sourceReadings(deps.sources)].map(renderReading),
		infoFamily(
			"gateway_llm_build_info",
			"The program and what runs it.",
			["version", "runtime"],
			[[deps.build.version, deps.build.runtime]],
		),
		renderDeployments(deps),
	].join("");
}

function renderReading({ name, kind, help, read }: Reading): string {
	const value = read();
	return value === undefined ? "" : familyHead(name, kind, help) + seriesLine(name, "", numberText(value));
}

function ownReadings(deps: StateDeps, storeReady: boolean): readonly Reading[] {
	const gauge = (name: string, help: string, read: Figure): Reading => ({ name, kind: "gauge", help, read });
	return [
		gauge("gateway_llm_requests_in_flight", "Requests of the data plane under way.", deps.requestsInFlight),
		gauge(
			"gateway_llm_upstream_attempts_open",
			"Attempts that are dispatched and not yet settled, responses in the background included.",
			deps.attemptsOpen,
		),
		gauge("gateway_llm_store_ready", "1 while the database answers.", () => Number(storeReady)),
		gauge("gateway_llm_ledger_healthy", "1 while spend can be recorded durably; 0: new requests are refused.", () =>
			Number(deps.ledgerHealthy()),
		),
		gauge(
			"gateway_llm_config_version",
			"1 at the start, one more with each configuration put in force.",
			() => deps.config.current().version,
		),
	];
}

/** Those that somebody tells. */
function sourceReadings(sources: StateSources): readonly Reading[] {
	const readings: readonly (Omit<Reading, "read"> & { readonly read: Figure | undefined })[] = [
		{
			name: "gateway_llm_redis_up",
			kind: "gauge",
			help: "1 while Redis decides limits; 0: each instance decides by its part of them.",
			read: () => redisUp(sources),
		},
		{
			name: "gateway_llm_redis_waits_total",
			kind: "counter",
			help: "Decisions about limits that had to wait for Redis.",
			read: sources.redisWaits,
		},
		{
			name: "gateway_llm_redis_failures_total",
			kind: "counter",
			help: "Commands that Redis refused, or did not answer in time.",
			read: sources.redisFailures,
		},
		{
			name: "gateway_llm_instances",
			kind: "gauge",
			help: "Instances known to share the database, this one included.",
			read: sources.instances,
		},
		{
			name: "gateway_llm_ledger_queued_rows",
			kind: "gauge",
			help: "Ledger rows in memory that are not yet on disk.",
			read: sources.ledgerQueuedRows,
		},
		{
			name: "gateway_llm_outbox_rows",
			kind: "gauge",
			help: "Ledger rows on local disk that wait for the database.",
			read: sources.outboxRows,
		},
		{
			name: "gateway_llm_budget_lease_waits_total",
			kind: "counter",
			help: "Requests that had to wait for the database to grant budget.",
			read: sources.budgetLeaseWaits,
		},
		{
			name: "gateway_llm_budget_lease_unavailable_total",
			kind: "counter",
			help: "Requests refused because the database could not be asked for budget.",
			read: sources.budgetLeaseUnavailable,
		},
	];
	return readings.flatMap(({ read, ...reading }) => (read === undefined ? [] : [{ ...reading, read }]));
}

function redisUp({ redis }: StateSources): number | undefined {
	const state = redis?.();
	return state === undefined ? undefined : Number(state === "ok");
}

/** Labels that say what something is; always 1. */
function infoFamily(
	name: string,
	help: string,
	labels: readonly string[],
	rows: readonly (readonly string[])[],
): string {
	const lines = rows.map((values) => seriesLine(name, labelPairs(labels, values), "1"));
	return lines.length === 0 ? "" : familyHead(name, "gauge", help) + lines.join("");
}

function renderDeployments(deps: StateDeps): string {
	const shown = [...deps.config.current().deployments.values()].slice(0, DEPLOYMENTS_MAX);
	const views = shown.map(({ id }) => ({ pairs: labelPairs(["deployment"], [id]), id, view: deps.health.view(id) }));
	const family = (name: string, help: string, lines: readonly string[]) =>
		lines.length === 0 ? "" : familyHead(name, "gauge", help) + lines.join("");
	return [
		infoFamily(
			"gateway_llm_deployment_info",
			"What a deployment is: to be joined to the others by its id.",
			["deployment", "alias", "provider", "model"],
			shown.map(({ id, alias, provider, model }: Deployment) => [id, alias, provider.id, model]),
		),
		family(
			"gateway_llm_deployment_enabled",
			"0 for a deployment that an administrator took out of rotation.",
			views.map(({ pairs, id }) => seriesLine("gateway_llm_deployment_enabled", pairs, deps.isEnabled(id) ? "1" : "0")),
		),
		family(
			"gateway_llm_deployment_in_flight",
			"Attempts under way at a deployment.",
			views.map(({ pairs, view }) => seriesLine("gateway_llm_deployment_in_flight", pairs, String(view.inFlight))),
		),
		family(
			"gateway_llm_deployment_breaker_state",
			"1 for the state that the circuit breaker is in, 0 for the others.",
			views.flatMap(({ pairs, view }) =>
				BREAKER_STATES.map((state) =>
					seriesLine(
						"gateway_llm_deployment_breaker_state",
						`${pairs},${labelPairs(["state"], [state])}`,
						view.breaker === state ? "1" : "0",
					),
				),
			),
		),
	].join("");
}

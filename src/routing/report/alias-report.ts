import type { Tier } from "../../config/types.ts";
import { formatUsd } from "../../lib/money.ts";
import { type Decision, EXCLUSIONS, type ExclusionReason, SESSION_OUTCOMES, type SessionOutcome } from "../types.ts";
import { isWithoutText } from "./price-at.ts";
import { createShadowSums } from "./shadow.ts";
import type { AliasReport, RoutedAttempt, RoutedBy, RoutedRequest } from "./types.ts";

const BUCKETS: readonly (Tier | undefined)[] = ["simple", "medium", "complex", undefined];
const SHARE_STEPS = 10_000;

interface Sum {
	requests: number;
	errors: number;
	costNano: bigint;
}

interface DeploymentSum extends Sum {
	readonly deploymentId: string;
	readonly provider: string;
	readonly model: string;
}

/** Adds up the requests of one alias. */
export interface AliasSums {
	add(request: RoutedRequest): void;
	report(): AliasReport;
}

export function createAliasSums(alias: string, by: RoutedBy): AliasSums {
	const total = { ...nothing(), failed: 0, failovers: 0, unserved: 0 };
	const buckets = new Map(BUCKETS.map((bucket) => [bucket, nothing()]));
	const deployments = new Map<string, DeploymentSum>();
	const decisions = createDecisionSums();
	const shadow = createShadowSums(by);

	function deploymentOf({ deploymentId, provider, model }: RoutedAttempt): DeploymentSum {
		let sum = deployments.get(deploymentId);
		if (sum === undefined) {
			sum = { deploymentId, provider, model, ...nothing() };
			deployments.set(deploymentId, sum);
		}
		return sum;
	}

	function addAttempts({ attempts, begun }: RoutedRequest, bucket: Sum): void {
		total.failovers += attempts.length - (begun && attempts.length > 0 ? 1 : 0);
		for (const attempt of attempts) {
			const costNano = BigInt(attempt.costNano);
			const errors = attempt.outcome === "upstream_failed" ? 1 : 0;
			for (const sum of [total, bucket, deploymentOf(attempt)]) {
				sum.costNano += costNano;
				sum.errors += errors;
			}
		}
	}

	return {
		add(request) {
			const { decision } = request;
			if (request.unserved) {
				total.unserved += 1;
				decisions.addExcluded(decision?.excluded ?? []);
				return;
			}
			const bucket = buckets.get(decision?.bucket) ?? nothing();
			addAttempts(request, bucket);
			if (!request.begun) {
				return;
			}
			total.requests += 1;
			bucket.requests += 1;
			const { last } = request;
			if (last?.outcome === "upstream_failed" || last?.outcome === "crashed") {
				total.failed += 1;
			} else if (last !== undefined) {
				deploymentOf(last).requests += 1;
			}
			if (decision !== undefined) {
				decisions.add(decision);
				shadow.add(request, decision);
			}
		},
		report() {
			return {
				model_alias: alias,
				requests: total.requests,
				failed_requests: total.failed,
				unserved_requests: total.unserved,
				failovers: total.failovers,
				errors: total.errors,
				cost_usd: formatUsd(total.costNano),
				by_bucket: [...buckets].flatMap(([bucket, sum]) =>
					isNothing(sum) ? [] : [{ bucket: bucket ?? null, ...figures(sum) }],
				),
				by_deployment: byDeployment([...deployments.values()], by),
				...decisions.report(),
				shadow: shadow.report(),
			};
		},
	};
}

function byDeployment(sums: readonly DeploymentSum[], { deployments }: RoutedBy): AliasReport["by_deployment"] {
	const served = sums.reduce((count, { requests }) => count + requests, 0);
	return sums
		.toSorted((left, right) => right.requests - left.requests || (left.deploymentId < right.deploymentId ? -1 : 1))
		.map((sum) => ({
			deployment_id: sum.deploymentId,
			provider: sum.provider,
			model: sum.model,
			tier: deployments.get(sum.deploymentId)?.tier ?? null,
			...figures(sum),
			share: served === 0 ? 0 : Math.round((sum.requests / served) * SHARE_STEPS) / SHARE_STEPS,
		}));
}

/** What decisions say of themselves. */
function createDecisionSums() {
	const scores = Array.from({ length: 10 }, () => 0);
	let withoutText = 0;
	const exclusions = new Map<ExclusionReason, { requests: number; deployments: number }>();
	const sessions = new Map<SessionOutcome, number>();

	function addExcluded(excluded: Decision["excluded"]): void {
		const seen = new Set<ExclusionReason>();
		for (const { reason } of excluded) {
			const sum = exclusions.get(reason) ?? { requests: 0, deployments: 0 };
			sum.deployments += 1;
			sum.requests += seen.has(reason) ? 0 : 1;
			seen.add(reason);
			exclusions.set(reason, sum);
		}
	}

	return {
		addExcluded,
		add(decision: Decision): void {
			const { score, excluded, session } = decision;
			if (isWithoutText(decision)) {
				withoutText += 1;
			} else {
				// A score of 1 is in the last tenth.
				const tenth = Math.min(Math.floor(score * scores.length), scores.length - 1);
				scores[tenth] = (scores[tenth] ?? 0) + 1;
			}
			addExcluded(excluded);
			if (session !== undefined) {
				sessions.set(session.outcome, (sessions.get(session.outcome) ?? 0) + 1);
			}
		},
		report() {
			return {
				scores: [...scores],
				without_text: withoutText,
				exclusions: EXCLUSIONS.flatMap((reason) => {
					const sum = exclusions.get(reason);
					return sum === undefined ? [] : [{ reason, ...sum }];
				}),
				sessions: SESSION_OUTCOMES.flatMap((outcome) => {
					const requests = sessions.get(outcome);
					return requests === undefined ? [] : [{ outcome, requests }];
				}),
			};
		},
	};
}

function nothing(): Sum {
	return { requests: 0, errors: 0, costNano: 0n };
}

function isNothing({ requests, errors, costNano }: Sum): boolean {
	return requests === 0 && errors === 0 && costNano === 0n;
}

function figures({ requests, errors, costNano }: Sum) {
	return { requests, errors, cost_usd: formatUsd(costNano) };
}

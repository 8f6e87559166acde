import type { z } from "zod";
import type { ConfigSource } from "../../config/types.ts";
import { decodeDecision } from "../../routing/decision-text.ts";
import type { RequestRouting, routedDeploymentSchema } from "./routing-schema.ts";

/** How a request was routed, from the text that is kept of it. null: nothing is, or it is of a form that is not known. */
export type ToRouting = (decision: string | undefined) => RequestRouting | null;

/** Deployments are kept by their ids alone: what they are is read from the current configuration. */
export function createToRouting(config: ConfigSource): ToRouting {
	return (text) => {
		const decision = decodeDecision(text);
		if (decision === undefined) {
			return null;
		}
		const { deployments } = config.current();
		const named = (id: string): z.output<typeof routedDeploymentSchema> => {
			const deployment = deployments.get(id);
			return {
				deployment_id: id,
				provider: deployment?.provider.id ?? null,
				model: deployment?.model ?? null,
			};
		};
		const { strategy, score, bucket, signals, candidates, excluded, session, shadow } = decision;
		return {
			...{ strategy, score, bucket },
			signals: signals.map(({ name, contribution }) => ({ name, contribution })),
			candidates: candidates.map((id) => ({ ...named(id), tier: deployments.get(id)?.tier ?? null })),
			excluded: excluded.map(({ deploymentId, reason }) => ({ ...named(deploymentId), reason })),
			session: session
				? { source: session.source, outcome: session.outcome, warm_deployment_id: session.warmAt ?? null }
				: null,
			shadow: shadow ? { strategy: shadow.strategy, ...named(shadow.deploymentId) } : null,
		};
	};
}

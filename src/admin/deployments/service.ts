import type { z } from "zod";
import type { ConfigSource, Deployment } from "../../config/types.ts";
import { badRequest, notFound } from "../../lib/errors.ts";
import type { JsonObject } from "../../lib/json-types.ts";
import type { Rotation } from "../../routing/rotation.ts";
import type { HealthBook } from "../../routing/types.ts";
import { parseInput } from "../input.ts";
import {
	type DeploymentSelector,
	type deploymentChangeSchema,
	type deploymentListSchema,
	type deploymentSchema,
	deploymentSelectorSchema,
} from "./schema.ts";

export interface DeploymentServiceDeps {
	readonly config: ConfigSource;
	readonly health: HealthBook;
	readonly rotation: Rotation;
}

/**
 * What is configured, how it is doing, and taking it out of rotation and back. A change is persisted.
 * @throws GatewayError 400 naming the field, 404 `deployment_not_found`.
 */
export function createDeploymentService({ config, health, rotation }: DeploymentServiceDeps) {
	function toApi(deployment: Deployment): z.output<typeof deploymentSchema> {
		const view = health.view(deployment.id);
		return {
			id: deployment.id,
			model_alias: deployment.alias,
			provider: deployment.provider.id,
			model: deployment.model,
			host: hostOf(deployment.baseUrl),
			tier: deployment.tier ?? null,
			weight: deployment.weight,
			priority: deployment.priority,
			enabled: rotation.isEnabled(deployment.id),
			breaker: view.breaker,
			available_at: view.availableAtMs === undefined ? null : new Date(view.availableAtMs).toISOString(),
			in_flight: view.inFlight,
			requests: view.requests,
			errors: view.errors,
			latency_p50_ms: view.ttftP50Ms === undefined ? null : Math.round(view.ttftP50Ms * 10) / 10,
			last_error:
				view.lastError === undefined
					? null
					: { class: view.lastError.class, at: new Date(view.lastError.atMs).toISOString() },
			priced: deployment.price !== undefined,
		};
	}

	function select(selector: DeploymentSelector): readonly Deployment[] {
		const { deployments } = config.current();
		if (selector.id !== undefined) {
			if (selector.model_alias !== undefined || selector.provider !== undefined || selector.model !== undefined) {
				throw badRequest("Give either id, or model_alias, provider and model, not both.", "id");
			}
			const deployment = deployments.get(selector.id);
			return deployment === undefined ? [] : [deployment];
		}
		for (const field of ["model_alias", "provider", "model"] as const) {
			if (selector[field] === undefined) {
				throw badRequest(`${field}: is required unless id is given.`, field);
			}
		}
		return [...deployments.values()].filter(
			(deployment) =>
				deployment.alias === selector.model_alias &&
				deployment.provider.id === selector.provider &&
				deployment.model === selector.model,
		);
	}

	/** Another instance may have changed something just now. Without the database, what is in force here is told. */
	async function refreshed(): Promise<void> {
		await rotation.reload([...config.current().deployments.keys()]).catch(() => {});
	}

	return {
		async list(): Promise<z.output<typeof deploymentListSchema>> {
			await refreshed();
			return { object: "list", data: [...config.current().deployments.values()].map(toApi) };
		},

		async setEnabled(body: JsonObject, enabled: boolean): Promise<z.output<typeof deploymentChangeSchema>> {
			const selected = select(parseInput(deploymentSelectorSchema, body));
			if (selected.length === 0) {
				throw notFound("There is no such deployment.", "deployment_not_found");
			}
			await refreshed();
			for (const deployment of selected) {
				await rotation.setEnabled(deployment.id, enabled);
			}
			const idle = withoutDeployments(new Set(selected.map(({ alias }) => alias)), { config, rotation });
			return {
				object: "list",
				data: selected.map(toApi),
				warning:
					idle.length === 0 ? null : `No deployment of ${idle.join(", ")} is enabled: requests to it are answered 503.`,
			};
		},
	};
}

/** Which of these aliases have nothing enabled to serve them. */
function withoutDeployments(
	names: ReadonlySet<string>,
	{ config, rotation }: Pick<DeploymentServiceDeps, "config" | "rotation">,
): readonly string[] {
	const { aliases } = config.current();
	return [...names].filter((name) =>
		aliases.get(name)?.deployments.every((deployment) => !rotation.isEnabled(deployment.id)),
	);
}

/** Only the host: a path may hold an account or a project, and a query a key. Null for the mock, which has none. */
function hostOf(baseUrl: string): string | null {
	return URL.canParse(baseUrl) ? new URL(baseUrl).host : null;
}

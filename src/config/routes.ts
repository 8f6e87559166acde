import { z } from "zod";
import { type DeploymentFile, deploymentSchema } from "../schemas/deployment.ts";
import { type RouteFile, routeSchema } from "../schemas/route.ts";
import { valueAt } from "./issues.ts";
import type { Path } from "./problem.ts";

/** One entry of `model_list`, with the places its parts were read from. */
export interface LocatedRoute extends Omit<RouteFile, "deployments"> {
	readonly path: Path;
	readonly deployments: readonly LocatedDeployment[];
}

export interface LocatedDeployment {
	readonly path: Path;
	readonly file: DeploymentFile;
}

// Unknown keys have been reported by then, and are no reason to leave the rest of an entry unchecked.
const tolerantRoute = z.object(routeSchema.shape).omit({ deployments: true });
const tolerantDeployment = z.object(deploymentSchema.shape);

/**
 * The entries of `model_list` that have the right shape each by itself, so that one misspelt key elsewhere does not
 * hide what else is wrong. For a file of the right shape: all of them.
 */
export function collectRoutes(value: unknown): readonly LocatedRoute[] {
	return listAt(value, ["model_list"]).flatMap(({ path, item }) => {
		const route = tolerantRoute.safeParse(item);
		return route.success ? [{ ...route.data, path, deployments: collectDeployments(value, path) }] : [];
	});
}

function collectDeployments(value: unknown, routePath: Path): readonly LocatedDeployment[] {
	return listAt(value, [...routePath, "deployments"]).flatMap(({ path, item }) => {
		const deployment = tolerantDeployment.safeParse(item);
		return deployment.success ? [{ path, file: deployment.data }] : [];
	});
}

function listAt(value: unknown, path: Path): readonly { readonly path: Path; readonly item: unknown }[] {
	const list = valueAt(value, path);
	return Array.isArray(list) ? list.map((item: unknown, index) => ({ path: [...path, index], item })) : [];
}

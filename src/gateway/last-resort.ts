import type { Deployment } from "../config/types.ts";
import type { Exclusion, GatewayDeps } from "./types.ts";

/**
 * Where a request may go when everybody who could serve it has been failing. Breakers are there to prefer somebody else:
 * with nobody else, one that fails only now and then is better than no answer. One that always fails gets a request a
 * second, the one that is due first, so that an outage ends for the clients when it ends at the provider.
 * @returns Nobody: the client is told when to come again.
 */
export function lastResort(
	excluded: readonly Exclusion[],
	{ routing: { health } }: GatewayDeps,
): readonly Deployment[] {
	const failing = excluded.flatMap(({ deployment, reason }) => (reason === "breaker_open" ? [deployment] : []));
	const sometimes = failing.filter(({ id }) => !health.alwaysFails(id));
	if (sometimes.length > 0) {
		return sometimes;
	}
	const dueAtMs = ({ id }: Deployment) => health.view(id).availableAtMs ?? 0;
	const next = failing
		.toSorted((left, right) => dueAtMs(left) - dueAtMs(right))
		.find(({ id }) => health.lastResort(id));
	return next === undefined ? [] : [next];
}

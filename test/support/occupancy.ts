import type { GatewayClient } from "./gateway-client.ts";

/** What a request in flight holds of its key and of the deployments of its alias. */
export interface Occupancy {
	readonly slots: number;
	readonly reservedUsd: number;
	readonly spentUsd: string;
	readonly inFlight: number;
}

/** What is held at this moment, as an administrator sees it. */
export async function occupancyOf(gateway: GatewayClient, keyId: string, alias: string): Promise<Occupancy> {
	const [key, deployments] = await Promise.all([
		gateway.admin("GET", `/keys/${keyId}`),
		gateway.admin("GET", "/deployments"),
	]);
	// A revoked key is gone, and with it what could be held of it.
	const { usage } = key.json<{
		usage?: { parallel_in_use: number; reserved_usd: string; spent_usd: string };
	}>();
	const { data } = deployments.json<{ data: { model_alias: string; in_flight: number }[] }>();
	return {
		slots: usage?.parallel_in_use ?? 0,
		reservedUsd: Number(usage?.reserved_usd ?? 0),
		spentUsd: usage?.spent_usd ?? "",
		inFlight: data.filter((row) => row.model_alias === alias).reduce((sum, row) => sum + row.in_flight, 0),
	};
}

import { Elysia } from "elysia";
import type { ConfigSource } from "../config/types.ts";
import type { Authentication } from "../gateway/authenticate.ts";
import { newRequestId } from "../lib/ids.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { METRICS_CONTENT_TYPE } from "../telemetry/metrics-text.ts";
import { checkMasterKey } from "./admin-auth.ts";
import { methodNotAllowed, nothingHere } from "./errors.ts";
import type { StoreProbe } from "./store-probe.ts";

export interface MetricsDeps {
	readonly config: ConfigSource;
	readonly authentication: Authentication;
	readonly metrics: Pick<Metrics, "render">;
	readonly storeReady: StoreProbe;
}

/** `GET /metrics`, for whom `server.metrics` says, as it says at the moment. Goes on while the gateway drains. */
export function metricsRoutes({ config, authentication, metrics, storeReady }: MetricsDeps) {
	const refuseOthers = methodNotAllowed(["GET"]);
	const refuseAll = () => {
		throw nothingHere();
	};
	const isOff = () => config.current().server.metrics === "off";
	return new Elysia({ name: "metrics" })
		.get("/metrics", async ({ request, server, set }) => {
			set.headers["x-request-id"] = newRequestId();
			set.headers["cache-control"] = "no-store";
			if (isOff()) {
				refuseAll();
			}
			if (config.current().server.metrics === "keyed") {
				await checkMasterKey(request.headers, authentication, () => server?.requestIP(request)?.address, "/metrics");
			}
			set.headers["content-type"] = METRICS_CONTENT_TYPE;
			return metrics.render(await storeReady());
		})
		.all("/metrics", () => (isOff() ? refuseAll() : refuseOthers()), { parse: "none" });
}

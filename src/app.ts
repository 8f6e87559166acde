import { Elysia } from "elysia";
import { deploymentsController } from "./admin/deployments/index.ts";
import { keysController } from "./admin/keys/index.ts";
import { ownRequestsController, requestsController } from "./admin/requests/index.ts";
import { routingController } from "./admin/routing/index.ts";
import { spendController } from "./admin/spend/index.ts";
import { teamsController } from "./admin/teams/index.ts";
import type { Deps } from "./deps.ts";
import { authenticate } from "./gateway/authenticate.ts";
import { budgetRemaining } from "./gateway/budget-remaining.ts";
import { createConversations } from "./gateway/conversations.ts";
import { createHandle } from "./gateway/handle.ts";
import { createStoredResponses } from "./gateway/stored-responses.ts";
import { masterKeyOnly } from "./http/admin-auth.ts";
import { conversationRoutes } from "./http/conversations.ts";
import { dataPlane } from "./http/data-plane.ts";
import { docsController } from "./http/docs.ts";
import { errors } from "./http/errors.ts";
import { guard } from "./http/guard.ts";
import { healthRoutes } from "./http/health.ts";
import { meRoutes } from "./http/me.ts";
import { metricsRoutes } from "./http/metrics.ts";
import { modelRoutes } from "./http/models.ts";
import { createStoreProbe } from "./http/store-probe.ts";
import { storedResponseRoutes } from "./http/stored-responses.ts";

/** The whole HTTP surface over its parts. No I/O of its own: tests may call `app.handle`. */
export function createApp(deps: Deps, isDraining: () => boolean) {
	const { gateway, keys, teams, store, rotation, metrics, sources } = deps;
	const { limiter, budgets, ledger } = gateway.accounts;
	const { clock } = gateway.runtime;
	const trails = { attempts: store.attempts, unserved: store.unserved, config: gateway.config };
	const storeReady = createStoreProbe(() => store.ready(), clock);
	const admin = new Elysia({ name: "admin" })
		.use(masterKeyOnly(gateway.authentication))
		.use(keysController({ keys, limiter, budgets, clock }))
		.use(teamsController({ teams, keys, limiter, budgets }))
		.use(deploymentsController({ config: gateway.config, health: gateway.routing.health, rotation }))
		.use(spendController({ attempts: store.attempts, clock }))
		.use(requestsController(trails))
		.use(routingController({ attempts: store.attempts, config: gateway.config, clock }));
	// A host name of one letter is a host name: Elysia must not skip characters of the URL to save time.
	return new Elysia({ name: "gateway-llm", strictPath: true, handler: { standardHostname: false } })
		.use(errors(deps.logger))
		.use(guard(isDraining))
		.use(dataPlane(createHandle(gateway), gateway.dialects.ingressOf))
		.use(storedResponseRoutes(createStoredResponses(gateway)))
		.use(conversationRoutes(createConversations(gateway)))
		.use(modelRoutes(gateway))
		.use(meRoutes({ ...gateway, attempts: store.attempts }))
		.use(
			ownRequestsController({
				...trails,
				authenticate: (request, address) => authenticate(request.headers, address, gateway.authentication),
				remaining: (key) => budgetRemaining(key, gateway.accounts),
			}),
		)
		.use(docsController())
		.use(
			healthRoutes({
				config: gateway.config,
				health: gateway.routing.health,
				...{ storeReady, isDraining, sources },
				ledgerHealthy: () => ledger.healthy(),
				isEnabled: rotation.isEnabled,
			}),
		)
		.use(metricsRoutes({ config: gateway.config, authentication: gateway.authentication, metrics, storeReady }))
		.use(admin);
}

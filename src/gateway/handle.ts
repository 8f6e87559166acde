import type { Ingress } from "../dialects/types.ts";
import { newRequestId } from "../lib/ids.ts";
import { admit } from "./admit.ts";
import { authenticate } from "./authenticate.ts";
import { logWhenFinished } from "./log-request.ts";
import { plan } from "./plan.ts";
import { receive } from "./receive.ts";
import { recollect } from "./recollect.ts";
import { refusalFacts, refuse, stopIfLeft } from "./refuse.ts";
import { tryTargets } from "./try-targets.ts";
import type { GatewayDeps } from "./types.ts";

/** Serves one request of the data plane. Never throws: whatever goes wrong becomes an answer in OpenAI's error shape. */
export type Handle = (request: Request, ingress: Ingress, address: () => string | undefined) => Promise<Response>;

/**
 * The story of a request: who asks → what for → what came before → may it → where to → try until one answers.
 * An answer in motion finishes its own scope when its last byte has left; everything else is finished here.
 */
export function createHandle(deps: GatewayDeps): Handle {
	return async function handle(request, ingress, address) {
		const scope = deps.runtime.live.open(newRequestId(), request.signal);
		logWhenFinished(scope, ingress.operation, deps.runtime);
		const snapshot = deps.config.current();
		try {
			const principal = await authenticate(request.headers, address, deps.authentication, ({ id }) =>
				scope.belongsTo(id),
			);
			const received = await receive(request, ingress, { scope, principal, server: snapshot.server }, deps);
			stopIfLeft(scope);
			const admitted = await admit(await recollect(received, deps), snapshot, deps);
			const planned = await plan(admitted, snapshot, deps);
			const { response, inMotion } = await tryTargets(planned, deps);
			scope.note({ status: response.status });
			if (!inMotion) {
				scope.finish();
			}
			return response;
		} catch (error) {
			const response = refuse(error, scope.requestId, deps.runtime.logger);
			scope.note({ status: response.status, ...refusalFacts(error) });
			scope.finish();
			return response;
		}
	};
}

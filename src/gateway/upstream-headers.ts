import type { Deployment } from "../config/types.ts";

/** What every call to a provider carries: who calls, the deployment's own headers and its credentials. */
export function upstreamHeaders(deployment: Deployment, requestId: string): Record<string, string> {
	return {
		"accept-encoding": "identity",
		"user-agent": "gateway-llm",
		"x-request-id": requestId,
		...deployment.provider.auth(deployment.apiKey),
		...deployment.headers,
	};
}

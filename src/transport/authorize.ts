import type { Deployment } from "../config/types.ts";
import type { Clock } from "../lib/clock.ts";
import type { Deadlines } from "../lib/deadlines.ts";
import { createGoogleTokens } from "./google-token.ts";
import { signAws } from "./sigv4.ts";
import type { SendUpstream, UpstreamRequest } from "./upstream.ts";

/**
 * The headers that prove who calls, where a plain key does not: undefined for a deployment that has one.
 * The promise rejects with CredentialsFailed where the account gives no proof.
 */
export type Authorize = (
	call: UpstreamRequest,
	deployment: Deployment,
) => Promise<Readonly<Record<string, string>>> | undefined;

const AWS_SERVICE = "bedrock";

export function createAuthorize(deps: {
	readonly clock: Clock;
	readonly deadlines: Deadlines;
	readonly send: SendUpstream;
}): Authorize {
	const tokens = createGoogleTokens(deps);
	return (call, deployment) => {
		const { apiKey, aws, serviceAccount, region = "" } = deployment;
		if (apiKey !== undefined) {
			return undefined;
		}
		if (aws !== undefined) {
			return signAws({ ...call, body: call.body ?? "" }, aws, { region, service: AWS_SERVICE }, deps.clock.now());
		}
		return serviceAccount === undefined
			? undefined
			: tokens.tokenOf(serviceAccount).then((token) => ({ authorization: `Bearer ${token}` }));
	};
}

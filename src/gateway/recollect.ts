import { parseJsonBody } from "../lib/json.ts";
import type { GatewayDeps, Received } from "./types.ts";

const encoder = new TextEncoder();

/**
 * Between the stages 1 and 2: a request that builds upon what the gateway keeps (an earlier response, a conversation) gets it put in front,
 * so that limits, routing and every provider see the whole of it. Any other request goes on as it is.
 */
export async function recollect(received: Received, deps: GatewayDeps): Promise<Received> {
	const { body, ingress, principal } = received;
	if (ingress.operation !== "responses" || body.kind !== "json") {
		return received;
	}
	const recalled = await deps.kept.responses.recall(body.json, principal);
	if (recalled === undefined) {
		return received;
	}
	const expanded = { kind: "json", ...parseJsonBody(encoder.encode(JSON.stringify(recalled.json))) } as const;
	const envelope = ingress.readEnvelope(expanded);
	return { ...received, body: expanded, envelope, recollection: { asked: body.json, recalled } };
}

import type { UnservedRequest } from "../../../src/store/types.ts";
import { MIDNIGHT_MS } from "./ledger-samples.ts";

/** A request that no provider was asked for. */
export function unserved(facts: Partial<UnservedRequest> & Pick<UnservedRequest, "requestId">): UnservedRequest {
	return {
		keyId: "vk_A",
		team: "blue",
		alias: "smart",
		operation: "chat",
		streamed: false,
		atMs: MIDNIGHT_MS,
		status: 503,
		code: "upstream_unavailable",
		decision: "[1,0,0,0,[],[],[],0,0]",
		...facts,
	};
}

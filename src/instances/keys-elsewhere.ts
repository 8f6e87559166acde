import type { KeysElsewhere } from "../gateway/authenticate.ts";
import type { Follower } from "./follow-changes.ts";

/**
 * What authentication asks of a follower.
 * @param staleKeys `database.stale_keys` as it was at the start.
 */
export function createKeysElsewhere(
	follower: Pick<Follower, "catchUp" | "isStale">,
	staleKeys: "allow" | "deny",
): KeysElsewhere {
	return {
		catchUp: follower.catchUp,
		isDoubtful: () => staleKeys === "deny" && follower.isStale(),
	};
}

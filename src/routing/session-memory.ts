import { createRecent } from "../lib/recent.ts";

/** Sessions remembered at once: some 15 MB. The one not served for longest is forgotten first. */
const SESSIONS_MAX = 50_000;
/** Deployments remembered of one session. */
const PLACES_MAX = 4;

/** Where a session was served, and how much of it. */
export interface Place {
	readonly deploymentId: string;
	/** Monotonic milliseconds. */
	readonly atMs: number;
	/** Upper bound of the tokens of the prompt. */
	readonly promptTokens: number;
}

/** Where sessions were served of late. Bounded. */
export interface SessionMemory {
	/** Newest first, at most one for each deployment; undefined = never, or forgotten. */
	placesOf(sessionId: string): readonly Place[] | undefined;
	note(sessionId: string, place: Place): void;
	/** Sessions remembered. */
	size(): number;
}

export function createSessionMemory(sessionsMax = SESSIONS_MAX): SessionMemory {
	const sessions = createRecent<readonly Place[]>(sessionsMax);
	return {
		placesOf: sessions.get,
		note(sessionId, place) {
			const earlier = sessions.get(sessionId) ?? [];
			const others = earlier.filter(({ deploymentId }) => deploymentId !== place.deploymentId);
			sessions.put(sessionId, [place, ...others.slice(0, PLACES_MAX - 1)]);
		},
		size: sessions.size,
	};
}

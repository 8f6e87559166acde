import type { Stickiness } from "./types.ts";

export function createStickiness(): Stickiness {
	return {
		order: ({ session, ordered }) => ({
			ordered,
			note: { source: session.source, outcome: "placed", warmAt: undefined },
		}),
		served: () => undefined,
	};
}

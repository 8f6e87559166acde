import { expect, test } from "bun:test";
import type { Deployment } from "../../../src/config/types.ts";
import { startRun } from "../../../src/gateway/run.ts";
import type { GatewayDeps, Planned } from "../../../src/gateway/types.ts";
import { systemClock } from "../../../src/lib/clock.ts";
import { createDeadlines } from "../../../src/lib/deadlines.ts";

/** How long the first token may take. */
function ttftOf({ stream, hasRelief, own }: { stream: boolean; hasRelief: boolean; own?: number }): number | undefined {
	// A run looks at nothing else of these.
	const planned = { envelope: { stream }, scope: { onLeave: () => {} } } as unknown as Planned;
	const deployment = { timeoutMs: 600_000, connectTimeoutMs: 10_000, ttftTimeoutMs: own } as Deployment;
	const deadlines = createDeadlines(systemClock);
	const run = startRun(planned, deployment, hasRelief, { runtime: { deadlines } } as unknown as GatewayDeps);
	run.close();
	expect(deadlines.count()).toBe(0);
	return run.ttftMs;
}

test("what somebody else could take over must begin in 30 s (streams) or half of its time; what nobody could, has all of it", () => {
	expect(ttftOf({ stream: true, hasRelief: true })).toBe(30_000);
	expect(ttftOf({ stream: true, hasRelief: false })).toBeUndefined();
	expect(ttftOf({ stream: false, hasRelief: true })).toBe(300_000);
	expect(ttftOf({ stream: true, hasRelief: false, own: 2_000 })).toBe(2_000);
});

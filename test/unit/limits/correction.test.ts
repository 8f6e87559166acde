import { expect, test } from "bun:test";
import { createMemoryLimiter } from "../../../src/limits/memory.ts";
import type { LimitTicket } from "../../../src/limits/types.ts";
import { createFakeClock } from "./fake-clock.ts";

test("what was never taken is not given back: a request from before there was a limit is no credit for those after it", () => {
	const limiter = createMemoryLimiter({ clock: createFakeClock() });
	const take = (tpm: number | undefined, tokens: number): LimitTicket => {
		const decision = limiter.take([{ id: "key:a", rpm: undefined, tpm, parallel: undefined }], tokens);
		if ("refusal" in decision) {
			throw new Error("refused");
		}
		return decision.ticket;
	};
	const before = take(undefined, 1_000);
	take(1_000, 1_000);
	before.correctTokens(0);
	expect(() => take(1_000, 1)).toThrow("refused");
});

import { describe, expect, test } from "bun:test";
import { noticingStaleConnections } from "../../../src/transport/stale-connections.ts";
import { StaleConnection } from "../../../src/transport/transport-failure.ts";
import type { SendUpstream, UpstreamRequest } from "../../../src/transport/upstream.ts";
import { createFakeClock } from "../routing/fakes.ts";

const REQUEST: UpstreamRequest = {
	method: "POST",
	url: "https://provider.example/v1/chat/completions",
	headers: {},
	body: "{}",
	signal: new AbortController().signal,
};
const reset = () => Promise.reject(Object.assign(new Error("gone"), { code: "ECONNRESET" }));

function rig() {
	const clock = createFakeClock();
	const state: { answer: () => Promise<Response> } = { answer: () => Promise.resolve(new Response()) };
	const send: SendUpstream = noticingStaleConnections(() => state.answer(), clock);
	const isStale = (request = REQUEST) =>
		send(request).then(
			() => undefined,
			(error: unknown) => error instanceof StaleConnection,
		);
	return { clock, state, send, isStale };
}

describe("a reset at once, by an address that has answered and then been idle", () => {
	test("is that of an old connection", async () => {
		const { clock, state, send, isStale } = rig();
		await send(REQUEST);
		clock.advance(1_000);
		state.answer = reset;
		expect(await isStale()).toBe(true);
	});

	test("is so for every call that was under way at that moment: many old ones may lie in a pool", async () => {
		const { clock, state, send, isStale } = rig();
		await send(REQUEST);
		clock.advance(60_000);
		state.answer = reset;
		expect(await Promise.all([isStale(), isStale(), isStale()])).toEqual([true, true, true]);
	});

	test("is the provider's doing for those that come after it, and over a new connection", async () => {
		const { clock, state, send, isStale } = rig();
		await send(REQUEST);
		clock.advance(60_000);
		state.answer = reset;
		expect(await isStale({ ...REQUEST, freshConnection: true })).toBe(false);
		expect([await isStale(), await isStale()]).toEqual([true, false]);
	});

	test("says nothing where it was busy a moment ago, or comes late", async () => {
		const { clock, state, send, isStale } = rig();
		await send(REQUEST);
		clock.advance(999);
		state.answer = reset;
		expect(await isStale()).toBe(false);
		clock.advance(1);
		state.answer = () => {
			clock.advance(501);
			return reset();
		};
		expect(await isStale()).toBe(false);
	});
});

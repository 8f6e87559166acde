import { expect, test } from "bun:test";
import type { Deployment } from "../../../src/config/types.ts";
import { createCandidates } from "../../../src/gateway/candidates.ts";
import type { AttemptFailure, FailureClass } from "../../../src/gateway/types.ts";

// The order of attempts looks at nothing but the identity of a deployment.
const named = (id: string) => ({ id }) as Deployment;
const [a, b] = [named("a"), named("b")];
const failure = (name: FailureClass, retryAfterMs?: number): AttemptFailure => ({
	class: name,
	status: undefined,
	retryAfterMs,
	detail: "",
});

test("another deployment goes first and at once; the same one again only after the pause", () => {
	const candidates = createCandidates([a, b], { retryAfterMs: 200, random: () => 0 });
	expect(candidates.next()).toEqual({ deployment: a, pauseMs: 0, freshConnection: false });
	candidates.failed(a, failure("reset"));
	expect(candidates.next()).toEqual({ deployment: b, pauseMs: 0, freshConnection: false });
	candidates.failed(b, failure("upstream_5xx"));
	expect(candidates.next()).toEqual({ deployment: a, pauseMs: 200, freshConnection: false });
	candidates.failed(a, failure("reset"));
	expect(candidates.next()).toEqual({ deployment: b, pauseMs: 200, freshConnection: false });
});

test("the pause has jitter of up to a half, so that clients do not retry in step", () => {
	const candidates = createCandidates([a], { retryAfterMs: 200, random: () => 0.999 });
	candidates.next();
	candidates.failed(a, failure("reset"));
	expect(candidates.next()?.pauseMs).toBeCloseTo(300, 0);
});

test("a short Retry-After is waited for, a long one means no second try", () => {
	for (const [retryAfterMs, expected] of [
		[1_000, 1_000],
		[30_000, undefined],
	] as const) {
		const candidates = createCandidates([a], { retryAfterMs: 200, random: () => 0 });
		candidates.next();
		candidates.failed(a, failure("rate_limited", retryAfterMs));
		expect(candidates.next()?.pauseMs).toBe(expected);
	}
});

test("what asking again cannot mend is not asked again", () => {
	for (const name of ["provider_auth", "quota", "redirect", "tls"] as const) {
		const candidates = createCandidates([a], { retryAfterMs: 0, random: () => 0 });
		candidates.next();
		candidates.failed(a, failure(name));
		expect(candidates.next()).toBeUndefined();
	}
});

test("a deployment that was never asked (it did not fit the budget) does not come back", () => {
	const candidates = createCandidates([a], { retryAfterMs: 0, random: () => 0 });
	candidates.next();
	expect(candidates.next()).toBeUndefined();
});

test("one that could not read all of a request is asked again at once with less, and only once", () => {
	let mayTry = true;
	const candidates = createCandidates([a, b], { retryAfterMs: 200, random: () => 0, mayTry: () => mayTry });
	candidates.next();
	candidates.failed(a, failure("reset"));
	candidates.next();
	candidates.readsLess(b);
	// Its answer was one: what was learnt of others meanwhile does not matter.
	mayTry = false;
	expect(candidates.next()).toEqual({ deployment: b, pauseMs: 0, freshConnection: false, readsLess: true });
	mayTry = true;
	candidates.readsLess(b);
	expect(candidates.next()).toEqual({ deployment: a, pauseMs: 200, freshConnection: false });
	expect(candidates.next()).toBeUndefined();
});

test("one that needs a moment is asked after it; one that will still rest then is not waited for", () => {
	const restsMs = { [a.id]: 1_000, [b.id]: 1_500 };
	const candidates = createCandidates([a, b], {
		retryAfterMs: 200,
		random: () => 0,
		mayTry: ({ id }, inMs) => inMs >= (restsMs[id] ?? 0),
	});
	candidates.next();
	candidates.failed(a, failure("rate_limited", 1_000));
	// b rests as well: nobody is there at once.
	expect(candidates.next()).toEqual({ deployment: a, pauseMs: 1_000, freshConnection: false });
	candidates.failed(a, failure("reset"));
	expect(candidates.next()).toBeUndefined();
});

test("what was learnt since the plan was made counts for all but the first, also where nothing has failed", () => {
	const candidates = createCandidates([a, b], { retryAfterMs: 200, random: () => 0, mayTry: () => false });
	expect(candidates.next()?.deployment).toBe(a);
	// Its prompt was too long for a; b is resting by now.
	expect(candidates.next()).toBeUndefined();
});

test("whoever has failed is never asked without any pause: the retry budget tells it by that from one never asked", () => {
	const candidates = createCandidates([a], { retryAfterMs: 0, random: () => 0 });
	candidates.next();
	candidates.failed(a, failure("connect_refused"));
	expect(candidates.next()?.pauseMs).toBeGreaterThan(0);
});

test("relief is whoever was not asked yet or has failed at once: nobody who may not be asked, and nobody as slow", () => {
	let resting: readonly Deployment[] = [];
	const options = { retryAfterMs: 0, random: () => 0, mayTry: (one: Deployment) => !resting.includes(one) };
	const candidates = createCandidates([a, b], options);
	candidates.next();
	expect(candidates.hasRelief()).toBe(true);
	resting = [b];
	expect(candidates.hasRelief()).toBe(false);
	resting = [];
	candidates.failed(a, failure("upstream_5xx"));
	candidates.next();
	expect(candidates.hasRelief()).toBe(true);
	candidates.failed(b, failure("ttft_timeout"));
	candidates.next();
	expect(candidates.hasRelief()).toBe(false);
	const alone = createCandidates([a], options);
	alone.next();
	expect(alone.hasRelief()).toBe(false);
});

test("a server that fails and says when to come again is not asked before", () => {
	for (const [retryAfterMs, expected] of [
		[2_000, 2_000],
		[30_000, undefined],
	] as const) {
		const candidates = createCandidates([a], { retryAfterMs: 200, random: () => 0 });
		candidates.next();
		candidates.failed(a, failure("upstream_5xx", retryAfterMs));
		expect(candidates.next()?.pauseMs).toBe(expected);
	}
});

import { expect, test } from "bun:test";
import { systemClock } from "../../../src/lib/clock.ts";
import { transportFailure } from "../../../src/transport/transport-failure.ts";
import { createSend, type UpstreamRequest } from "../../../src/transport/upstream.ts";

function requestTo(url: string, signal = new AbortController().signal): UpstreamRequest {
	return { method: "POST", url, headers: { "x-api-key": "secret-canary" }, body: "{}", signal };
}

test("a redirect is handed back, never followed, so no key goes where it points", async () => {
	let reached = 0;
	await using elsewhere = Bun.serve({
		port: 0,
		hostname: "127.0.0.1",
		fetch: () => {
			reached += 1;
			return new Response();
		},
	});
	await using provider = Bun.serve({
		port: 0,
		hostname: "127.0.0.1",
		fetch: () => Response.redirect(elsewhere.url.href, 307),
	});
	const head = await createSend({ clock: systemClock })(requestTo(provider.url.href));
	expect([head.status, reached]).toEqual([307, 0]);
});

test("calls of one turn all go out, and what was scheduled before them runs before them", async () => {
	const order: string[] = [];
	await using provider = Bun.serve({
		port: 0,
		hostname: "127.0.0.1",
		fetch: () => {
			order.push("call");
			return new Response("{}");
		},
	});
	const send = createSend({ clock: systemClock });
	setImmediate(() => order.push("commit"));
	const heads = await Promise.all([1, 2, 3].map(() => send(requestTo(provider.url.href))));
	expect(heads.map((head) => head.status)).toEqual([200, 200, 200]);
	expect(order).toEqual(["commit", "call", "call", "call"]);
});

test("one call that fails leaves the others of its turn alone", async () => {
	await using provider = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("{}") });
	const send = createSend({ clock: systemClock });
	const given = new AbortController();
	given.abort();
	const results = await Promise.allSettled([
		send(requestTo("http://127.0.0.1:9/")),
		send(requestTo(provider.url.href, given.signal)),
		send(requestTo(provider.url.href)),
	]);
	expect(results.map((result) => result.status)).toEqual(["rejected", "rejected", "fulfilled"]);
});

test("transport errors are told apart by their codes", async () => {
	const refused = await createSend({ clock: systemClock })(requestTo("http://127.0.0.1:9/")).catch(
		(error: unknown) => transportFailure(error).class,
	);
	expect(refused).toBe("connect_refused");
	const coded = (code: string) => transportFailure(Object.assign(new Error("x"), { code })).class;
	expect(["ECONNRESET", "ENOTFOUND", "EPROTO", "CERT_HAS_EXPIRED", "ETIMEDOUT"].map(coded)).toEqual([
		"reset",
		"dns",
		"tls",
		"tls",
		"network",
	]);
	expect(transportFailure("odd").class).toBe("network");
});

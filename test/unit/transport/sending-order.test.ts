import { expect, test } from "bun:test";
import { systemClock } from "../../../src/lib/clock.ts";
import { NeverSent } from "../../../src/transport/never-sent.ts";
import { createSend, type UpstreamRequest } from "../../../src/transport/upstream.ts";

function startProvider() {
	const order: string[] = [];
	const server = Bun.serve({
		port: 0,
		hostname: "127.0.0.1",
		fetch: () => {
			order.push("call");
			return new Response("{}");
		},
	});
	const request = (signal = new AbortController().signal): UpstreamRequest => ({
		method: "POST",
		url: server.url.href,
		headers: {},
		body: "{}",
		signal,
	});
	return { order, request, [Symbol.asyncDispose]: () => server.stop(true) };
}

test("rows are written before the calls that they tell of, a call that was asked for late in a turn too", async () => {
	await using provider = startProvider();
	let queued = 0;
	const send = createSend({ clock: systemClock, writeRows: () => void provider.order.push(`${queued} rows`) });
	const call = () => {
		queued += 1;
		return send(provider.request());
	};
	const first = call();
	// Between two tasks at the end of a turn, where a failed attempt's successor is made.
	setImmediate(() => undefined);
	const second = Promise.resolve().then(call);
	await Promise.all([first, second]);
	expect(provider.order).toEqual(["2 rows", "call", "call"]);
});

test("calls wait for rows that are written elsewhere", async () => {
	await using provider = startProvider();
	const written = Promise.withResolvers<void>();
	const send = createSend({ clock: systemClock, writeRows: () => written.promise });
	const call = send(provider.request());
	await new Promise((resolve) => setTimeout(resolve, 20));
	provider.order.push("rows");
	written.resolve();
	await call;
	expect(provider.order).toEqual(["rows", "call"]);
});

test("a call that is given up before its turn is never sent, and says so", async () => {
	await using provider = startProvider();
	const given = new AbortController();
	const call = createSend({ clock: systemClock })(provider.request(given.signal));
	given.abort();
	expect(await call.catch((error: unknown) => error)).toBeInstanceOf(NeverSent);
	expect(provider.order).toEqual([]);
});

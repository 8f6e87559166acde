import { expect, test } from "bun:test";
import { systemClock } from "../../../src/lib/clock.ts";
import { createReachable } from "../../../src/transport/reachable.ts";
import { makeIdentity } from "../../support/certificates.ts";
import { startFullServer } from "../../support/full-server.ts";

test("an address that accepts connections is reachable, one that refuses them is not", async () => {
	await using server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
	const reachable = createReachable({ clock: systemClock });
	expect(await reachable(`${server.url.origin}/v1/chat`, 5_000)).toBe(true);
	const { port } = server;
	await server.stop(true);
	expect(await createReachable({ clock: systemClock })(`http://127.0.0.1:${port}`, 5_000)).toBe(false);
});

test("an address that takes no packets is given up in time, and asked once for all who wait", async () => {
	await using server = await startFullServer();
	const reachable = createReachable({ clock: systemClock });
	const first = reachable(server.url, 100);
	expect(reachable(`${server.url}/other`, 100)).toBe(first);
	expect(await first).toBe(false);
});

test("one that was reached is believed for a while", async () => {
	let nowMs = 0;
	let connections = 0;
	using server = Bun.listen({
		port: 0,
		hostname: "127.0.0.1",
		socket: {
			open: () => {
				connections += 1;
			},
			data: () => undefined,
		},
	});
	const reachable = createReachable({ clock: { monotonic: () => nowMs } });
	const ask = () => reachable(`http://127.0.0.1:${server.port}`, 5_000);
	expect([await ask(), await ask(), connections]).toEqual([true, true, 1]);
	nowMs += 5_000;
	expect([await ask(), connections]).toEqual([true, 2]);
});

test("a name that does not exist is not reachable", async () => {
	expect(await createReachable({ clock: systemClock })("https://no-such-host.invalid/v1", 5_000)).toBe(false);
});

test("over TLS only a handshake counts: one that accepts connections and says no more is not reachable", async () => {
	const dropped = Promise.withResolvers<void>();
	using silent = Bun.listen({
		port: 0,
		hostname: "127.0.0.1",
		socket: { data: () => undefined, close: () => dropped.resolve() },
	});
	await using server = Bun.serve({
		port: 0,
		hostname: "127.0.0.1",
		tls: makeIdentity("localhost"),
		fetch: () => new Response(),
	});
	const reachable = createReachable({ clock: systemClock, env: {} });
	expect(await reachable(`https://127.0.0.1:${silent.port}`, 200)).toBe(false);
	await dropped.promise;
	expect(await reachable(`https://127.0.0.1:${server.port}`, 5_000)).toBe(true);
	expect(await reachable(`https://localhost:${server.port}`, 5_000)).toBe(true);
});

test.each(["http_proxy", "HTTP_PROXY"])(
	"behind a proxy (%s) nobody can tell, so nothing is given up for want of a connection",
	async (name) => {
		await using server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
		const url = server.url.origin;
		await server.stop(true);
		expect(await createReachable({ clock: systemClock, env: { [name]: "http://proxy:3128" } })(url, 5_000)).toBe(true);
		expect(await createReachable({ clock: systemClock, env: { https_proxy: "http://proxy:3128" } })(url, 5_000)).toBe(
			false,
		);
	},
);

/**
 * The yardstick: the least a Bun program can do to stand between a client and a provider (buffered request body, fetch,
 * answer returned as it is). No keys, no limits, no ledger. Prints its port and serves until it is killed.
 *
 *   bun bench/pass-through.ts UPSTREAM_URL
 */
const upstream = Bun.argv[2];

const server = Bun.serve({
	hostname: "127.0.0.1",
	port: 0,
	idleTimeout: 0,
	async fetch(request) {
		const body = await request.text();
		const { pathname } = new URL(request.url);
		const answer = await fetch(upstream + pathname, {
			method: "POST",
			headers: { "content-type": "application/json", authorization: request.headers.get("authorization") ?? "" },
			body,
		});
		return new Response(answer.body, {
			status: answer.status,
			headers: { "content-type": answer.headers.get("content-type") ?? "application/json" },
		});
	},
});
console.log(server.port);

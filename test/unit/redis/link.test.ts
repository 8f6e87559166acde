import { afterAll, afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../../src/lib/clock.ts";
import { redisConnector } from "../../../src/redis/connection.ts";
import { createRedisLink, type RedisLink, type RedisLinkDeps } from "../../../src/redis/link.ts";
import type { RedisState } from "../../../src/redis/link-state.ts";
import { redisScript } from "../../../src/redis/scripts.ts";
import { makeIdentity } from "../../support/certificates.ts";
import { type RedisProcess, type RedisServer, startRedis, startSlowProxy } from "../../support/redis.ts";
import { until } from "../../support/wait.ts";

const ADD = redisScript("return redis.call('INCRBY', KEYS[1], ARGV[1])");
// Servers are killed and started, and the machine may be busy.
setDefaultTimeout(30_000);
const server = await startRedis();
afterAll(() => server?.stop());

const links: RedisLink[] = [];
const seen: RedisState[] = [];
afterEach(() => {
	for (const link of links.splice(0)) {
		link.close();
	}
	seen.length = 0;
});

/** Patient, unless a test is about the deadline: the machine may be busy. */
function linkTo(url: string, more: Partial<RedisLinkDeps> = {}): RedisLink {
	const link = createRedisLink({ url, clock: systemClock, deadlineMs: 1_000, onState: (s) => seen.push(s), ...more });
	links.push(link);
	return link;
}
const isOk = (link: RedisLink) => () => link.state().name === "ok";
const names = () => seen.map(({ name }) => name);

test.each([
	["nonsense", "redis.url is no URL"],
	["http://127.0.0.1:1", "redis.url must begin with redis:// or rediss://"],
	["redis://:s3cret@127.0.0.1:1", "nothing listens at the address of redis.url"],
	["redis://:s3cret@no-such-host.invalid", "the host of redis.url is not known"],
	["rediss://127.0.0.1:1", "nothing listens at the address of redis.url"],
])("an address that cannot work (%s) is told in words, and the caller goes on", async (url, reason) => {
	const link = linkTo(url);
	await until("the first state", () => seen.length > 0);
	expect(link.state()).toMatchObject({ name: "down", reason });
	expect(link.run(ADD, ["k"], ["1"])).rejects.toThrow(reason);
	expect(JSON.stringify(seen)).not.toContain("s3cret");
	expect(names()).toEqual(["down"]);
});

// Without a server there is nothing to try: startRedis says so aloud, and fails where CI is set.
describe.skipIf(server === undefined)("a Redis server", () => {
	const { url, command } = server as RedisServer;
	test("runs a script by its digest, and by its text when it has forgotten it", async () => {
		const link = linkTo(url);
		await until("ok", isOk(link));
		expect(await link.run(ADD, ["runs"], ["2"])).toBe(2);
		await command("SCRIPT", "FLUSH");
		expect(await link.run(ADD, ["runs"], ["2"])).toBe(4);
		expect(await link.run(ADD, ["runs"], ["2"])).toBe(6);
		expect(names()).toEqual(["ok"]);
	});

	test("many calls at once are answered in their order", async () => {
		const link = linkTo(url);
		await until("ok", isOk(link));
		const answers = await Promise.all(Array.from({ length: 200 }, () => link.run(ADD, ["many"], ["1"])));
		expect(answers).toEqual(Array.from({ length: 200 }, (_, index) => index + 1));
	});

	test("a script that fails by itself is the caller's failure, and five of them within a second open the breaker", async () => {
		const link = linkTo(url);
		await until("ok", isOk(link));
		const wrong = redisScript("return redis.call('INCRBY', KEYS[1], 'x')");
		const failures = await Promise.allSettled(Array.from({ length: 4 }, () => link.run(wrong, ["wrong"], [])));
		expect(failures.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected", "rejected"]);
		expect(link.state().name).toBe("ok");
		await link.run(wrong, ["wrong"], []).catch(() => {});
		expect(link.state().name).toBe("down");
		await until("ok again, the probe being fine", isOk(link));
		expect(names()).toEqual(["ok", "down", "ok"]);
	});

	test("a slow server is down for those who wait, is not cut off, and is back when it is fast", async () => {
		const proxy = startSlowProxy((server as RedisServer).port);
		let opened = 0;
		const connect = redisConnector(`redis://127.0.0.1:${proxy.port}`);
		const open: typeof connect = (onLost) => {
			opened += 1;
			return connect(onLost);
		};
		const link = linkTo(`redis://127.0.0.1:${proxy.port}`, { deadlineMs: 100, open });
		await until("ok", isOk(link));
		proxy.setDelayMs(150);
		await until("down", async () => {
			await link.run(ADD, ["slow"], ["1"]).catch(() => {});
			return link.state().name === "down";
		});
		// It answers the probes meanwhile, in 150 ms.
		await Bun.sleep(1_000);
		expect(link.state()).toMatchObject({ name: "down", reason: "Redis takes longer than 100 ms to answer" });
		proxy.setDelayMs(0);
		await until("ok again", isOk(link));
		expect(opened).toBe(1);
		expect(names()).toEqual(["ok", "down", "ok"]);
		proxy.stop();
	});

	test("a port that speaks no TLS is told so", async () => {
		const link = linkTo(url.replace("redis:", "rediss:"));
		await until("the first state", () => seen.length > 0);
		expect(link.state().reason).toMatch(/TLS|does not answer/);
	});
});

describe.skipIf(server?.process === undefined)("a Redis server in trouble", () => {
	const running = server?.process as RedisProcess;

	test("frozen: callers wait no longer than the deadline, five of them, then not at all; back when it thaws", async () => {
		const link = linkTo((server as RedisServer).url, { deadlineMs: 60 });
		await until("ok", isOk(link));
		running.freeze();
		for (let call = 0; call < 5; call += 1) {
			await expect(link.run(ADD, ["frozen"], ["1"])).rejects.toThrow("no answer within 60 ms");
		}
		expect(link.state()).toMatchObject({ name: "down", reason: "Redis takes longer than 60 ms to answer" });
		let isAnswered = false;
		const refused = link.run(ADD, ["frozen"], ["1"]).catch(() => {
			isAnswered = true;
		});
		await Promise.resolve().then(() => Promise.resolve());
		expect(isAnswered).toBe(true);
		await refused;
		// Past the silence after which the connection is replaced: a new one cannot be opened either.
		await Bun.sleep(4_000);
		expect(link.state().name).toBe("down");
		running.thaw();
		await until("ok again", isOk(link));
		expect(names()).toEqual(["ok", "down", "ok"]);
	});

	test("killed: down at once, back after the restart, each told once", async () => {
		const link = linkTo((server as RedisServer).url);
		await until("ok", isOk(link));
		const waiting = Promise.allSettled(Array.from({ length: 3 }, () => link.run(ADD, ["killed"], ["1"])));
		await running.kill();
		await waiting;
		await until("down", () => link.state().name === "down");
		expect(link.state().reason).toMatch(/was lost|nothing listens/);
		await until("why", () => link.state().reason === "nothing listens at the address of redis.url");
		await running.start();
		await until("ok again", isOk(link));
		expect(await link.run(ADD, ["killed"], ["1"])).toBe(1);
		expect(names()).toEqual(["ok", "down", "ok"]);
	});
});

describe.skipIf(server?.process === undefined)("a Redis server that refuses", () => {
	const own: RedisServer[] = [];
	afterEach(async () => {
		await Promise.all(own.splice(0).map((one) => one.stop()));
	});
	async function serve(options: Parameters<typeof startRedis>[0]): Promise<RedisServer> {
		const started = (await startRedis(options)) as RedisServer;
		own.push(started);
		return started;
	}

	test("a wrong or a missing password is told, never the password; a right one works", async () => {
		const locked = await serve({ flags: ["--requirepass", "r1ght"], credentials: ":r1ght@" });
		const wrong = linkTo(locked.url.replace("r1ght", "wr0ng"));
		const none = linkTo(locked.url.replace(":r1ght@", ""));
		const right = linkTo(locked.url);
		await until("all three", () => seen.length === 3);
		expect(wrong.state().reason).toBe("Redis refuses the user name or the password of redis.url");
		expect(none.state().reason).toBe("Redis asks for a password, and redis.url has none");
		expect(right.state().name).toBe("ok");
		expect(JSON.stringify(seen)).not.toMatch(/r1ght|wr0ng/);
	});

	test("a user who may not run scripts is told so, and is let in once he may", async () => {
		const one = await serve({});
		await one.command("ACL", "SETUSER", "app", "on", ">pw", "~*", "&*", "+@all", "-@scripting");
		const link = linkTo(one.url.replace("redis://", "redis://app:pw@"));
		await until("the first state", () => seen.length > 0);
		expect(link.state().reason).toBe(
			"the Redis user of redis.url may not run scripts (EVAL, EVALSHA) or their commands",
		);
		await one.command("ACL", "SETUSER", "app", "+@scripting");
		await until("ok", isOk(link));
		await one.command("ACL", "SETUSER", "app", "-hset");
		await link.run(redisScript("return redis.call('HSET', 'a', 'b', 'c')"), [], []).catch(() => {});
		expect(link.state().name).toBe("down");
		expect(names()).toEqual(["down", "ok", "down"]);
	});

	test("a replica takes no writes and is no use", async () => {
		const replica = await serve({ flags: ["--replicaof", `127.0.0.1 ${(server as RedisServer).port}`] });
		const link = linkTo(replica.url);
		await until("the first state", () => seen.length > 0);
		expect(link.state().reason).toMatch(/read-only replica|without its primary|still loading/);
	});

	test("a database number that there is not", async () => {
		const link = linkTo(`${(await serve({ flags: ["--databases", "2"] })).url}/7`);
		await until("the first state", () => seen.length > 0);
		expect(link.state().reason).toBe("Redis refuses the connection (ERR)");
	});

	test("TLS: a server whose certificate nobody vouches for is refused, one that is trusted works", async () => {
		const identity = makeIdentity("localhost");
		const file = (name: string, text: string) => {
			const path = join(tmpdir(), `gateway-llm-${crypto.randomUUID()}-${name}`);
			writeFileSync(path, text, { mode: 0o600 });
			return path;
		};
		const cert = file("cert.pem", identity.cert);
		const key = file("key.pem", identity.key);
		const flags = ["--tls-cert-file", cert, "--tls-key-file", key, "--tls-auth-clients", "no"];
		const secure = await serve({ flags, scheme: "rediss" });
		const link = linkTo(secure.url.replace("127.0.0.1", "localhost"));
		await until("the first state", () => seen.length > 0);
		expect(link.state().reason).toMatch(/^no TLS connection to Redis \([A-Z_]+\)$/);
		const script = `
			const { createRedisLink } = await import(${JSON.stringify(join(import.meta.dir, "../../../src/redis/link.ts"))});
			const { systemClock } = await import(${JSON.stringify(join(import.meta.dir, "../../../src/lib/clock.ts"))});
			createRedisLink({ url: ${JSON.stringify(secure.url.replace("127.0.0.1", "localhost"))}, clock: systemClock,
				deadlineMs: 1000, onState: (s) => { console.log(s.name, s.reason); process.exit(0); } });
			setTimeout(() => {}, 5000);`;
		const child = Bun.spawn(["bun", "-e", script], { env: { ...Bun.env, NODE_EXTRA_CA_CERTS: cert }, stdout: "pipe" });
		expect(await new Response(child.stdout).text()).toBe("ok undefined\n");
	});
});

import { afterAll, afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { systemClock } from "../../../src/lib/clock.ts";
import { createRedisNudges, type RedisNudges } from "../../../src/redis/nudges.ts";
import { type RedisProcess, type RedisServer, startRedis } from "../../support/redis.ts";
import { until } from "../../support/wait.ts";

// Servers are killed and started, and the machine may be busy.
setDefaultTimeout(30_000);
const server = await startRedis();
afterAll(() => server?.stop());

const open: RedisNudges[] = [];
afterEach(() => {
	for (const nudges of open.splice(0)) {
		nudges.close();
	}
});

function nudgesAt(url: string) {
	const nudges = createRedisNudges({ url, clock: systemClock });
	const heard = { count: 0 };
	nudges.listen(() => {
		heard.count += 1;
	});
	open.push(nudges);
	return { nudges, heard };
}

test("without a Redis nothing is thrown and nothing is waited for", async () => {
	for (const url of ["redis://127.0.0.1:1", "nonsense"]) {
		const { nudges } = nudgesAt(url);
		nudges.send();
		expect(nudges.isListening()).toBe(false);
	}
	await Bun.sleep(20);
});

// Without a server there is nothing to try: startRedis says so aloud, and fails where CI is set.
describe.skipIf(server === undefined)("nudges by Redis", () => {
	const { url, command } = server as RedisServer;
	test("every instance hears what any of them sends", async () => {
		const all = [nudgesAt(url), nudgesAt(url), nudgesAt(url)];
		await until("all listen", () => all.every(({ nudges }) => nudges.isListening()));
		const before = all.map(({ heard }) => heard.count);
		await until("each has heard more", () => {
			all[0]?.nudges.send();
			return all.every(({ heard }, index) => heard.count > (before[index] ?? 0));
		});
	});

	test("a subscription that was cut off by the server is made again, and is a nudge itself", async () => {
		const { nudges, heard } = nudgesAt(url);
		await until("listening", () => nudges.isListening());
		const before = heard.count;
		await command("CLIENT", "KILL", "TYPE", "pubsub");
		await until("a nudge by the new subscription alone", () => heard.count > before);
	});

	test("what is closed hears and says nothing any more", async () => {
		const { nudges, heard } = nudgesAt(url);
		await until("listening", () => nudges.isListening());
		nudges.close();
		const before = heard.count;
		await command("PUBLISH", "gateway-llm:{limits}:changes", "1");
		nudges.send();
		expect(heard.count).toBe(before);
	});
});

describe.skipIf(server?.process === undefined)("nudges by a Redis in trouble", () => {
	const running = server?.process as RedisProcess;

	test("after a restart they are heard again", async () => {
		const one = nudgesAt((server as RedisServer).url);
		const two = nudgesAt((server as RedisServer).url);
		await until("both listen", () => one.nudges.isListening() && two.nudges.isListening());
		await running.kill();
		await until("both know", () => !one.nudges.isListening() && !two.nudges.isListening());
		one.nudges.send();
		await running.start();
		await until("both listen again", () => one.nudges.isListening() && two.nudges.isListening());
		const before = two.heard.count;
		await until("heard", () => {
			one.nudges.send();
			return two.heard.count > before;
		});
	});

	test("a server that stands still is found out, and the connection replaced when it is back", async () => {
		const { nudges } = nudgesAt((server as RedisServer).url);
		await until("listening", () => nudges.isListening());
		running.freeze();
		await until("found out", () => !nudges.isListening());
		running.thaw();
		await until("listening again", () => nudges.isListening());
	});
});

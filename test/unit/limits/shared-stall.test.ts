import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { createRandom } from "../../reliability/random.ts";
import { type Instance, isAdmitted, startInstances, subject } from "../../support/counters.ts";
import { type RedisProcess, type RedisServer, startRedis } from "../../support/redis.ts";
import { until } from "../../support/wait.ts";

const LIMIT = 30;
const PATIENCE_MS = 40;

const server = await startRedis();
afterAll(() => server?.stop());

/** Nothing else happens in this process meanwhile. */
function stall(milliseconds: number): void {
	const endMs = performance.now() + milliseconds;
	while (performance.now() < endMs) {
		// Busy.
	}
}

// Without a server there is nothing to try: startRedis says so aloud, and fails where CI is set.
describe.skipIf(server === undefined)("limits of instances that are late themselves", () => {
	const { url } = server as RedisServer;
	const running: Instance[] = [];
	afterEach(async () => {
		for (const { limiter, link } of running.splice(0)) {
			await limiter.close();
			link.close();
		}
	});
	async function three() {
		running.push(...(await startInstances(url, 3, { patienceMs: PATIENCE_MS })));
		await until("all have heard of all", () => running.every(({ limiter }) => limiter.state().instances === 3));
		return running;
	}
	/** How many of so many requests at once are admitted. */
	async function burst(key: ReturnType<typeof subject>, count: number): Promise<number> {
		const asked = Array.from({ length: count }, (_, index) => running[index % 3]?.limiter.take([key], 10));
		const decisions = await Promise.all(asked);
		return decisions.filter((decision) => decision && isAdmitted(decision)).length;
	}
	const failed = () => running.reduce((sum, { limiter }) => sum + limiter.state().counts.waitsFailed, 0);

	test("a process that is busy for 50 to 200 ms decides nothing alone: Redis had answered long since", async () => {
		await three();
		const random = createRandom(3);
		const over: unknown[] = [];
		for (let round = 0; round < 8; round += 1) {
			const key = subject({ rpm: LIMIT, parallel: 200 });
			const stallsMs = Array.from({ length: 3 }, () => random.int(50, 200));
			const beganMs = performance.now();
			const admitted = burst(key, 90);
			stall(stallsMs[0] ?? 0);
			// As the first call has been sent, and as its answer is read.
			setImmediate(() => stall(stallsMs[1] ?? 0));
			setTimeout(() => stall(stallsMs[2] ?? 0), 2);
			const refilled = Math.floor((LIMIT * (performance.now() - beganMs)) / 60_000) + 1;
			if ((await admitted) > LIMIT + refilled) {
				over.push({ stallsMs, admitted: await admitted });
			}
		}
		expect(over).toEqual([]);
		expect(failed()).toBe(0);
	});

	test.skipIf(server?.process === undefined)(
		"what is decided alone while Redis is only late is within the part, and is told to all",
		async () => {
			await three();
			const redis = server?.process as RedisProcess;
			const key = subject({ rpm: LIMIT, tpm: 100_000 });
			const beganMs = performance.now();
			redis.freeze();
			const first = await burst(key, 90);
			const second = await burst(key, 30);
			redis.thaw();
			expect(first + second).toBeGreaterThanOrEqual(LIMIT - 3);
			expect(first + second).toBeLessThanOrEqual(LIMIT + 3);
			expect(failed()).toBeGreaterThan(0);
			await until("Redis is there", () => running.every(({ limiter }) => limiter.state().name === "ok"));
			await until("all is told", async () => {
				const levels = await Promise.all(running.map(({ limiter }) => limiter.levels(key)));
				const refilled = Math.ceil((LIMIT * (performance.now() - beganMs)) / 60_000);
				return levels.every(({ rpmUsed }) => rpmUsed >= first + second - refilled);
			});
			const refilled = Math.floor((LIMIT * (performance.now() - beganMs)) / 60_000) + 1;
			expect(await burst(key, 60)).toBeLessThanOrEqual(refilled);
		},
	);

	test.skipIf(server?.process === undefined)(
		"a slot that another instance is known to hold is not given away because Redis is late",
		async () => {
			const [one, two] = await three();
			const redis = server?.process as RedisProcess;
			const key = subject({ parallel: 6 });
			for (let held = 0; held < 5; held += 1) {
				expect(await one?.limiter.take([key], 1)).toHaveProperty("ticket");
			}
			// The last one, of which the second instance hears what the first one holds.
			expect(await two?.limiter.take([key], 1)).toHaveProperty("ticket");
			redis.freeze();
			const refused = await two?.limiter.take([key], 1);
			redis.thaw();
			expect(refused).toMatchObject({ refusal: { kind: "parallel", limit: 6 } });
		},
	);
});

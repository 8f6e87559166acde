import { until } from "../support/wait.ts";
import type { Fleet } from "./fleet.ts";
import { type AskOptions, askOnce, mintKnown, type Told } from "./limit-storm.ts";
import type { RigKey } from "./rig.ts";

/** Keys of all kinds that are asked with all the time. */
export interface SteadyKeys {
	/** Used up, and asked for three times its refill. */
	readonly rpm: RigKey;
	readonly tpm: RigKey;
	readonly parallel: RigKey;
	/** Limits that nobody reaches: what it waits, it waits for Redis. */
	readonly probe: RigKey;
	/** Runs out of money some time. */
	readonly budget: RigKey;
}

export const STEADY = { rpm: 120, tpm: 1_500, parallel: 6, budgetNano: 250_000n };

export async function mintSteady(fleet: Fleet): Promise<SteadyKeys> {
	const [rpm, tpm, parallel, probe, budget] = await Promise.all([
		mintKnown(fleet, { rpm: STEADY.rpm }),
		mintKnown(fleet, { tpm: STEADY.tpm }),
		mintKnown(fleet, { max_parallel_requests: STEADY.parallel }),
		mintKnown(fleet, { rpm: 1_000_000, tpm: 1_000_000_000, max_parallel_requests: 1_000 }),
		mintKnown(fleet, { rpm: 100_000, budgetNano: STEADY.budgetNano }),
	]);
	return { rpm, tpm, parallel, probe, budget };
}

export interface Steady extends AsyncDisposable {
	/** In the order in which they ended. */
	readonly told: readonly Told[];
	stop(): Promise<void>;
}

/** Requests of each kind at their pace, through all instances, until stopped. */
export function startSteady(fleet: Fleet, keys: SteadyKeys, asking: AskOptions): Steady {
	const told: Told[] = [];
	const underWay = new Set<Promise<unknown>>();
	const ask = (key: RigKey, more: Partial<AskOptions> = {}) => {
		const asked = askOnce(fleet.next(), key, { ...asking, ...more })
			.then((one) => told.push(one))
			.finally(() => underWay.delete(asked));
		underWay.add(asked);
	};
	const timers = [
		setInterval(() => ask(keys.rpm), 1_000 / ((STEADY.rpm / 60) * 3)),
		setInterval(() => ask(keys.tpm, { stream: true }), 120),
		setInterval(() => {
			for (let request = 0; request < STEADY.parallel * 1.5; request += 1) {
				ask(keys.parallel, { alias: "slots" });
			}
		}, 400),
		setInterval(() => ask(keys.probe), 40),
		setInterval(() => ask(keys.budget), 200),
	];
	async function stop(): Promise<void> {
		for (const timer of timers) {
			clearInterval(timer);
		}
		await Promise.all(underWay);
	}
	return { told, stop, [Symbol.asyncDispose]: stop };
}

/** What instances say of Redis: by `/health/ready`, which must be 200 whatever that is, and by `/metrics`. */
export async function readiness(fleet: Fleet): Promise<readonly { status: number; redis: string | undefined }[]> {
	const answers = await Promise.all(fleet.gateways.map((gateway) => gateway.get("/health/ready")));
	return answers.map(({ status, text }) => ({ status, redis: /"redis":"(\w+)"/.exec(text)?.[1] }));
}

/** Milliseconds until all instances say so. @throws Error when one is not ready meanwhile, or they never do. */
export async function untilAllSay(fleet: Fleet, redis: "ok" | "down", deadlineMs: number): Promise<number> {
	const beganMs = performance.now();
	await until(
		`Redis is ${redis} everywhere`,
		async () => {
			const all = await readiness(fleet);
			if (all.some(({ status }) => status !== 200)) {
				throw new Error(`an instance is not ready: ${JSON.stringify(all)}`);
			}
			return all.every((one) => one.redis === redis);
		},
		deadlineMs,
	);
	return performance.now() - beganMs;
}

/** How often each instance said that Redis is gone, and that it is there. */
export function lines(fleet: Fleet): readonly (readonly [down: number, ok: number])[] {
	return fleet.gateways.map((gateway) => {
		const events = gateway.logs().map(({ event }) => event);
		const count = (name: string) => events.filter((event) => event === name).length;
		return [count("redis_down"), count("redis_ok")];
	});
}

/** Of how long requests took that began in this time, milliseconds. */
export function latency(told: readonly Told[], key: RigKey, fromMs: number, toMs: number) {
	const took = told
		.filter(({ keyId, sentAtMs }) => keyId === key.id && sentAtMs >= fromMs && sentAtMs < toMs)
		.map(({ sentAtMs, endedAtMs }) => endedAtMs - sentAtMs)
		.sort((one, other) => one - other);
	const at = (share: number) => Math.round(took[Math.min(took.length - 1, Math.floor(took.length * share))] ?? 0);
	return { count: took.length, p50: at(0.5), p99: at(0.99), most: at(1) };
}

import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import type { GatewayProcess } from "../support/process.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";
import type { Mood } from "./call-plan.ts";
import { createRig, type Rig, type RigShape } from "./rig.ts";

/** Several gateways that share a PostgreSQL and a Redis, as behind a load balancer. Everything ends with it. */
export interface Fleet extends AsyncDisposable {
	readonly rig: Rig;
	readonly postgres: PostgresServer;
	readonly redis: RedisServer;
	readonly databaseUrl: string;
	/** Those that run now. */
	readonly gateways: readonly GatewayProcess[];
	/** Starts one more; the same name is the same data directory. */
	start(name: string): Promise<GatewayProcess>;
	/** The next one's turn. */
	next(): GatewayProcess;
}

export interface FleetShape extends RigShape {
	/** How many are started at once, named `i0`, `i1`… */
	readonly instances: number;
	/** Where gateways find Redis; default: the server itself. undefined as the result: nowhere. */
	readonly redisUrl?: (redis: RedisServer) => string | undefined | Promise<string>;
}

/** @returns undefined where there is no PostgreSQL or no Redis: never in CI, which fails instead. */
export async function createFleet(goal: string, mood: Mood, shape: FleetShape): Promise<Fleet | undefined> {
	const redis = await startRedis();
	const postgres = await startPostgres();
	if (redis === undefined || postgres === undefined) {
		await redis?.stop();
		await postgres?.stop();
		return undefined;
	}
	const database = await postgres.database();
	const redisUrl = shape.redisUrl === undefined ? redis.url : await shape.redisUrl(redis);
	const more = {
		...shape.config?.more,
		database: { url: database.url },
		...(redisUrl === undefined ? {} : { redis: { url: redisUrl } }),
	};
	const rig = await createRig(goal, mood, { ...shape, config: { ...shape.config, more } });
	const running = new Set<GatewayProcess>();
	let turn = 0;

	async function start(name: string): Promise<GatewayProcess> {
		const gateway = await rig.start(name);
		running.add(gateway);
		void gateway.exited.finally(() => running.delete(gateway));
		return gateway;
	}
	const fleet: Fleet = {
		rig,
		postgres,
		redis,
		databaseUrl: database.url,
		get gateways() {
			return [...running];
		},
		start,
		next() {
			const gateways = [...running];
			turn += 1;
			const gateway = gateways[turn % gateways.length];
			if (gateway === undefined) {
				throw new Error("no gateway is running");
			}
			return gateway;
		},
		async [Symbol.asyncDispose]() {
			await Promise.all([...running].map((gateway) => gateway[Symbol.asyncDispose]()));
			await rig[Symbol.asyncDispose]();
			// The server goes with its databases.
			await postgres.stop();
			await redis.stop();
		},
	};
	try {
		await Promise.all(Array.from({ length: shape.instances }, (_, index) => start(`i${index}`)));
		return fleet;
	} catch (error) {
		await fleet[Symbol.asyncDispose]();
		throw error;
	}
}

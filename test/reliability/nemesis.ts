import { basename } from "node:path";
import type { GatewayProcess } from "../support/process.ts";
import { until } from "../support/wait.ts";
import type { Fleet } from "./fleet.ts";
import type { Random } from "./random.ts";
import { killNow, stopCleanly } from "./rig.ts";

/** What is done to a fleet, by a seed, all of it at once. */
export interface Nemesis {
	/** How often each thing was done. */
	readonly done: Readonly<Record<string, number>>;
	/** Unix milliseconds. */
	readonly killedAtMs: readonly number[];
	/** Nothing more is done, and all that was taken away is back. Rejects when a gateway did not end or start as it should. */
	stop(): Promise<void>;
}

export interface NemesisOptions {
	readonly random: Random;
	/** Gateways that may be away together. */
	readonly awayMax: number;
	/** Longest stand-still of PostgreSQL and Redis. */
	readonly freezeMsMax: number;
	/** Whether a gateway may be followed by one on an empty data directory: others have to settle what it leaves. */
	readonly replaces: boolean;
	/** Pause between two blows of one kind. */
	readonly pauseMs: readonly [min: number, max: number];
}

/** A data directory, and who runs on it. */
interface Slot {
	name: string;
	gateway: GatewayProcess | undefined;
}

const FREEZE_MS_MIN = 300;
/** A gateway refuses to start while the database is away: its supervisor tries again. */
const START_WITHIN_MS = 40_000;

export function startNemesis(fleet: Fleet, options: NemesisOptions): Nemesis {
	const { random, pauseMs } = options;
	const done: Record<string, number> = {};
	const killedAtMs: number[] = [];
	const slots: Slot[] = fleet.gateways.map((gateway) => ({
		name: basename(gateway.dataDirectory),
		gateway,
	}));
	let stopped = false;
	let replaced = 0;
	/** Who must not lose the database now. */
	let sparing = 0;

	const note = (what: string) => {
		done[what] = (done[what] ?? 0) + 1;
	};
	const pause = (own: Random) => Bun.sleep(own.int(...pauseMs));

	async function loop(name: string, blow: (own: Random) => Promise<void>): Promise<void> {
		const own = random.fork(name);
		await pause(own);
		while (!stopped) {
			await blow(own);
			await pause(own);
		}
	}

	async function gatewayBlow(own: Random): Promise<void> {
		const slot = own.pick(slots);
		const { gateway } = slot;
		if (gateway === undefined) {
			return;
		}
		const what = own.weighted({ kill: 60, leave: 25, replace: options.replaces ? 15 : 0 });
		slot.gateway = undefined;
		if (what === "replace") {
			await replace(slot, gateway);
		} else if (what === "kill") {
			await kill(gateway);
		} else {
			await stopCleanly(gateway);
		}
		note(what);
		slot.gateway = await start(slot.name);
	}

	async function kill(gateway: GatewayProcess): Promise<void> {
		await killNow(gateway);
		killedAtMs.push(Date.now());
	}

	/** Its disk is gone with it: that is nobody's loss only while the database has what was answered. */
	async function replace(slot: Slot, gateway: GatewayProcess): Promise<void> {
		sparing += 1;
		try {
			await until("an empty outbox", () => isEmpty(gateway), START_WITHIN_MS);
			await kill(gateway);
		} finally {
			sparing -= 1;
		}
		replaced += 1;
		slot.name = `fresh${replaced}`;
	}

	async function start(name: string): Promise<GatewayProcess> {
		let cause: unknown;
		const started = until(
			`${name} to start`,
			() =>
				fleet.start(name).catch((error: unknown) => {
					note("start_refused");
					cause = error;
					return undefined;
				}),
			START_WITHIN_MS,
		);
		return await started.catch((error: unknown) => {
			throw new Error(`${name} does not start: ${cause ?? error}`, { cause: error });
		});
	}

	async function postgresBlow(own: Random): Promise<void> {
		const server = fleet.postgres.process;
		if (server === undefined || sparing > 0) {
			return;
		}
		if (own.chance(0.4)) {
			await server.kill();
			await Bun.sleep(own.int(0, 800));
			await server.start();
			note("postgres_killed");
		} else {
			server.freeze();
			await Bun.sleep(own.int(FREEZE_MS_MIN, options.freezeMsMax));
			server.thaw();
			note("postgres_frozen");
		}
	}

	async function redisBlow(own: Random): Promise<void> {
		const server = fleet.redis.process;
		if (server === undefined) {
			return;
		}
		if (own.chance(0.5)) {
			await server.kill();
			await Bun.sleep(own.int(0, 1_500));
			await server.start();
			note("redis_killed");
		} else {
			server.freeze();
			await Bun.sleep(own.int(FREEZE_MS_MIN, options.freezeMsMax));
			server.thaw();
			note("redis_frozen");
		}
	}

	const loops = [
		...Array.from({ length: options.awayMax }, (_, index) => loop(`gateways ${index}`, gatewayBlow)),
		loop("postgres", postgresBlow),
		loop("redis", redisBlow),
	];
	// Whoever stops it hears of it; until then it is nobody's unhandled rejection.
	const ended = Promise.all(loops);
	ended.catch(() => {});
	return {
		done,
		killedAtMs,
		async stop() {
			stopped = true;
			await ended;
		},
	};
}

async function isEmpty(gateway: GatewayProcess): Promise<boolean> {
	const { status, text } = await gateway.get("/health/ready");
	return status === 200 && /"store":\s*"ok"/.test(text) && /"outbox_rows":\s*0\b/.test(text);
}

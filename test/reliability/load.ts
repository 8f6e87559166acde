import type { Sighting } from "./audit.ts";
import { promptOf } from "./call-plan.ts";
import { exchange, outcomeOf } from "./exchange.ts";
import type { Random } from "./random.ts";
import type { RigKey } from "./rig.ts";

export interface LoadOptions {
	/** Where to send the next request; undefined = nowhere at the moment. */
	readonly url: () => string | undefined;
	readonly keys: () => readonly RigKey[];
	readonly random: Random;
	readonly clients: number;
	/** Share of requests whose client hangs up before the end. */
	readonly leaving: number;
}

export interface Load {
	/** Answers with a request id, in the order in which they ended. */
	readonly sightings: readonly Sighting[];
	/** Requests sent, whatever came of them. */
	sent(): number;
	/** Time with somewhere to send to. */
	busyMs(): number;
	/** Stops sending; resolves when every client has its answer. */
	stop(): Promise<void>;
}

/** Clients that ask one thing after another, of all kinds, for as long as there is a gateway. */
export function startLoad(options: LoadOptions): Load {
	const sightings: Sighting[] = [];
	const state = { stopped: false, sent: 0, busyMs: 0 };
	const clients = Array.from({ length: options.clients }, (_, index) => run(options.random.fork(`client ${index}`)));

	async function run(random: Random): Promise<void> {
		while (!state.stopped) {
			const url = options.url();
			if (url === undefined) {
				await Bun.sleep(2);
				continue;
			}
			const startedAt = performance.now();
			await ask(url, random);
			state.busyMs += performance.now() - startedAt;
		}
	}

	async function ask(url: string, random: Random): Promise<void> {
		const stream = random.chance(0.5);
		const key = random.pick(options.keys());
		state.sent += 1;
		const answer = await exchange({
			url,
			key: key.secret,
			body: {
				model: "chat",
				messages: [{ role: "user", content: promptOf(random, random.int(3, 60)) }],
				...(stream ? { stream: true } : {}),
				...(random.chance(0.7) ? { max_tokens: random.int(8, 150) } : {}),
			},
			leaveAfterMs: random.chance(options.leaving) ? random.int(0, 60) : undefined,
		});
		const outcome = outcomeOf(answer, stream);
		if (outcome.requestId !== undefined) {
			sightings.push({ ...outcome, requestId: outcome.requestId, stream });
		} else if (answer.status === 0) {
			// The gateway is gone, or not there yet: no need to hurry.
			await Bun.sleep(1);
		}
	}

	return {
		sightings,
		sent: () => state.sent,
		busyMs: () => state.busyMs / options.clients,
		async stop() {
			state.stopped = true;
			await Promise.all(clients);
		},
	};
}

import { NeverSent } from "../../src/transport/never-sent.ts";
import { noticingStaleConnections } from "../../src/transport/stale-connections.ts";
import { StaleConnection } from "../../src/transport/transport-failure.ts";
import type { SendUpstream, UpstreamRequest } from "../../src/transport/upstream.ts";
import type { Chance } from "./routing-chance.ts";
import { type Fate, fateOf } from "./routing-fates.ts";
import { LARGE_CONTEXT_TOKENS, type MoodSpan, type SimDeployment } from "./routing-scenario.ts";
import type { SimulatedTime } from "./routing-time.ts";

/** A call as a provider's own books have it. */
export interface Call {
	readonly id: number;
	readonly requestId: string;
	readonly deploymentId: string;
	readonly atMs: number;
	readonly fate: Fate;
	/** Tokens of content that have left. */
	given: number;
	/** Everything has left, to the protocol's own end. */
	isComplete: boolean;
	/** It took an old connection that the other side had given up. */
	isStale: boolean;
}

export interface Network {
	readonly send: SendUpstream;
	readonly reachable: (url: string, withinMs: number) => Promise<boolean>;
	readonly calls: readonly Call[];
	moodAt(deploymentId: string, atMs: number): MoodSpan;
	/** Whether it was well all the time, both ends included. */
	wasWell(deploymentId: string, fromMs: number, toMs: number): boolean;
}

interface Host {
	readonly sim: SimDeployment;
	/** When it answered last over a connection that has been idle since. */
	answeredAtMs: number | undefined;
}

const encoder = new TextEncoder();
const aborted = () => new DOMException("The operation was aborted.", "AbortError");

/** All providers of a world, as they are seen from the gateway's only way out. */
export function createNetwork(
	deployments: readonly SimDeployment[],
	{
		time,
		chance,
		commitMs,
		onCall,
	}: { time: SimulatedTime; chance: Chance; commitMs: number; onCall: (call: Call) => void },
): Network {
	const hosts = new Map<string, Host>();
	for (const sim of deployments) {
		hosts.set(new URL(sim.deployment.baseUrl).hostname, { sim, answeredAtMs: undefined });
	}
	const byId = new Map(deployments.map((sim) => [sim.deployment.id, sim]));
	const calls: Call[] = [];
	const hostOf = (url: string): Host => {
		const host = hosts.get(new URL(url).hostname);
		if (host === undefined) {
			throw new Error(`nobody is at ${url}`);
		}
		return host;
	};

	function callNow(request: UpstreamRequest): Promise<Response> {
		if (request.signal.aborted) {
			return Promise.reject(new NeverSent("given up before it was sent"));
		}
		const host = hostOf(request.url);
		const nowMs = time.clock.monotonic();
		const call: Call = {
			id: calls.length,
			requestId: request.headers["x-request-id"] ?? "",
			deploymentId: host.sim.deployment.id,
			atMs: nowMs,
			fate: fateOf(moodOf(host.sim, nowMs), askedOf(request, host, { callId: calls.length, time }), chance),
			given: 0,
			isComplete: false,
			isStale: false,
		};
		calls.push(call);
		onCall(call);
		return play(call, request.signal, time).then((response) => {
			host.answeredAtMs = time.clock.monotonic();
			return response;
		});
	}
	const noticing = noticingStaleConnections(callNow, time.clock);

	async function send(request: UpstreamRequest): Promise<Response> {
		const at = calls.length;
		const answer = noticing(request);
		// It is made in the same instant.
		const call = calls[at];
		try {
			return await answer;
		} catch (error) {
			if (call !== undefined && error instanceof StaleConnection) {
				call.isStale = true;
				hostOf(request.url).answeredAtMs = undefined;
			}
			throw error;
		}
	}
	/** As in the gateway a call waits for its row. */
	const sentAfter: SendUpstream = (request) =>
		commitMs === 0
			? send(request)
			: new Promise((resolve, reject) => {
					time.after(commitMs, () => void send(request).then(resolve, reject));
				});

	return {
		send: sentAfter,
		reachable: (url, withinMs) => {
			const isThere = moodOf(hostOf(url).sim, time.clock.monotonic()).mood !== "unreachable";
			return new Promise((resolve) => void time.after(isThere ? 1 : withinMs, () => resolve(isThere)));
		},
		calls,
		moodAt: (deploymentId, atMs) => moodOf(simOf(byId, deploymentId), atMs),
		wasWell: (deploymentId, fromMs, toMs) =>
			simOf(byId, deploymentId).moods.every(({ mood, fromMs: begins }, index, moods) => {
				const ends = moods[index + 1]?.fromMs ?? Number.POSITIVE_INFINITY;
				return mood === "well" || begins > toMs || ends <= fromMs;
			}),
	};
}

function simOf(byId: ReadonlyMap<string, SimDeployment>, deploymentId: string): SimDeployment {
	const sim = byId.get(deploymentId);
	if (sim === undefined) {
		throw new Error(`no deployment ${deploymentId}`);
	}
	return sim;
}

function moodOf({ moods }: SimDeployment, atMs: number): MoodSpan {
	const mood = moods.findLast(({ fromMs }) => fromMs <= atMs);
	if (mood === undefined) {
		throw new Error("a provider without a mood");
	}
	return mood;
}

interface AskedBody {
	readonly stream?: boolean;
	readonly max_tokens?: number;
	readonly max_completion_tokens?: number;
	readonly user?: string;
}

function askedOf(request: UpstreamRequest, host: Host, { callId, time }: { callId: number; time: SimulatedTime }) {
	// The gateway's own JSON, by way of JSON.parse.
	const body = JSON.parse(String(request.body)) as AskedBody;
	const { deployment, headMs, gapMs } = host.sim;
	const idleMs = time.clock.monotonic() - (host.answeredAtMs ?? time.clock.monotonic());
	const kind: "fine" | "bad" | "long" = body.user === "bad" || body.user === "long" ? body.user : "fine";
	return {
		callId,
		stream: body.stream === true,
		maxTokens: body.max_tokens ?? body.max_completion_tokens ?? 4,
		kind,
		isSmall: (deployment.maxContextTokens ?? LARGE_CONTEXT_TOKENS) < LARGE_CONTEXT_TOKENS,
		headMs,
		gapMs,
		wallMs: time.clock.now(),
		isStaleable: idleMs >= 1_000 && idleMs <= 300_000 && request.freshConnection !== true,
	};
}

/** Plays a fate out: head, pieces and end, each in its time, until the gateway gives up. */
function play(call: Call, signal: AbortSignal, time: SimulatedTime): Promise<Response> {
	const { fate } = call;
	return new Promise((resolve, reject) => {
		let giveUp = () => reject(aborted());
		let stop = () => {};
		signal.addEventListener(
			"abort",
			() => {
				stop();
				giveUp();
			},
			{ once: true },
		);
		if (fate.headAfterMs === Number.POSITIVE_INFINITY) {
			return;
		}
		stop = time.after(fate.headAfterMs, () => {
			if (fate.rejects !== undefined) {
				reject(Object.assign(new Error("the connection failed"), { code: fate.rejects }));
				return;
			}
			const { status, headers } = fate;
			const [only] = fate.pieces;
			if (only !== undefined && fate.pieces.length === 1 && fate.ending === "close") {
				given(call, only.isContent);
				call.isComplete = fate.isWhole;
				resolve(new Response(only.text, { status, headers }));
				return;
			}
			let error = (_cause: unknown) => {};
			const body = new ReadableStream<Uint8Array>({
				start(controller) {
					error = (cause) => controller.error(cause);
					sendPieces(call, controller, time, (cancel) => {
						stop = cancel;
					});
				},
			});
			giveUp = () => error(aborted());
			resolve(new Response(body, { status, headers }));
		});
	});
}

function sendPieces(
	call: Call,
	controller: ReadableStreamDefaultController<Uint8Array>,
	time: SimulatedTime,
	stoppable: (cancel: () => void) => void,
): void {
	const { pieces, ending, isWhole } = call.fate;
	function send(index: number): void {
		const piece = pieces[index];
		if (piece === undefined) {
			end();
			return;
		}
		const next = () => {
			controller.enqueue(encoder.encode(piece.text));
			given(call, piece.isContent);
			call.isComplete = isWhole && index === pieces.length - 1;
			send(index + 1);
		};
		if (piece.afterMs === 0) {
			next();
		} else {
			stoppable(time.after(piece.afterMs, next));
		}
	}
	function end(): void {
		if (ending === "hang") {
			stoppable(() => {});
			return;
		}
		stoppable(
			time.after(0, () => {
				if (ending === "close") {
					controller.close();
				} else {
					controller.error(Object.assign(new Error("the connection was reset"), { code: "ECONNRESET" }));
				}
			}),
		);
	}
	send(0);
}

function given(call: Call, isContent: boolean): void {
	call.given += isContent ? 1 : 0;
}

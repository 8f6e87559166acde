import type { GatewayProcess } from "../support/process.ts";
import { until } from "../support/wait.ts";
import { promptOf } from "./call-plan.ts";
import { type Exchange, exchange, outcomeOf } from "./exchange.ts";
import type { Fleet } from "./fleet.ts";
import type { Random } from "./random.ts";
import { mintKey, type RigKey } from "./rig.ts";
import type { Admission } from "./stretch.ts";

/** What came of one request of a storm. */
export interface Told extends Admission {
	readonly status: number;
	/** `kind` of a refusal. */
	readonly refusal: string | undefined;
	/** Of the Retry-After header, seconds. */
	readonly retryAfter: number | undefined;
	readonly keyId: string;
	readonly text: string;
}

export interface AskOptions {
	readonly random: Random;
	readonly alias?: string;
	readonly stream?: boolean;
	readonly words?: number;
	readonly maxTokens?: number;
}

/** One request of a key to an instance. */
export async function askOnce(gateway: GatewayProcess, key: RigKey, options: AskOptions): Promise<Told> {
	const { random, alias = "chat", stream = false, words = 5, maxTokens = 60 } = options;
	const content = promptOf(random, words);
	const body = {
		model: alias,
		max_tokens: maxTokens,
		messages: [{ role: "user", content }],
		...(stream ? { stream: true } : {}),
	};
	const answer = await exchange({ url: gateway.url, key: key.secret, body });
	return toldOf(answer, key, stream);
}

function toldOf(answer: Exchange, key: RigKey, stream: boolean): Told {
	const outcome = outcomeOf(answer, stream);
	const retryAfter = answer.header("retry-after");
	return {
		requestId: outcome.requestId ?? "",
		sentAtMs: answer.sentAtMs,
		endedAtMs: answer.endedAtMs,
		// A stream that broke off is no success, whatever its head said.
		status:
			outcome.kind === "broken" || (stream && outcome.kind === "error" && answer.status === 200) ? 0 : answer.status,
		refusal: outcome.refusal,
		retryAfter: retryAfter === undefined ? undefined : Number(retryAfter),
		keyId: key.id,
		text: answer.status === 200 ? "" : answer.text,
	};
}

/** So many at once, spread over the instances. */
export function burst(fleet: Fleet, key: RigKey, count: number, options: AskOptions): Promise<readonly Told[]> {
	return Promise.all(Array.from({ length: count }, () => askOnce(fleet.next(), key, options)));
}

export interface PacedOptions extends AskOptions {
	readonly perSecond: number;
	readonly seconds: number;
	/** Where the next one goes. Default: each in its turn. */
	readonly pickGateway?: () => GatewayProcess;
	/** Who asks. */
	readonly pickKey: () => RigKey;
}

/** Requests at a steady pace, whether or not those before have been answered. */
export async function paced(fleet: Fleet, options: PacedOptions): Promise<readonly Told[]> {
	const { perSecond, seconds, pickGateway = fleet.next, pickKey } = options;
	const asked: Promise<Told>[] = [];
	const beganMs = performance.now();
	while (asked.length < perSecond * seconds) {
		const due = Math.floor(((performance.now() - beganMs) / 1_000) * perSecond) + 1;
		while (asked.length < Math.min(due, perSecond * seconds)) {
			asked.push(askOnce(pickGateway(), pickKey(), options));
		}
		await Bun.sleep(4);
	}
	return Promise.all(asked);
}

export const isAdmitted = ({ status }: Told) => status === 200;

/** What must never come of a request here: neither served nor refused by a limit. */
export function strange(told: readonly Told[]): readonly unknown[] {
	return told
		.filter(({ status, refusal }) => status !== 200 && !(status === 429 && /^(rpm|tpm|parallel)$/.test(refusal ?? "")))
		.map(({ status, refusal, text }) => ({ status, refusal, text }));
}

/** What limit and refill allow from the first request to the last answer. */
export function allowed(told: readonly Told[], limit: number): number {
	const from = Math.min(...told.map(({ sentAtMs }) => sentAtMs));
	const to = Math.max(...told.map(({ endedAtMs }) => endedAtMs));
	return limit + (limit * (to - from)) / 60_000;
}

/** What was surely there to be used: a bucket refills from the first request that was served, not from the first that was sent. */
export function surelyThere(told: readonly Told[], limit: number): number {
	const from = Math.min(...told.filter(isAdmitted).map(({ endedAtMs }) => endedAtMs));
	const to = Math.max(...told.map(({ sentAtMs }) => sentAtMs));
	return limit + (limit * (to - from)) / 60_000;
}

export function percent(share: number): string {
	return `${(share * 100).toFixed(2)}%`;
}

/** Resolves when each instance counts so many, and has Redis if there is one. */
export async function together(fleet: Fleet, redis: "ok" | "down" | "off" = "ok"): Promise<void> {
	const count = fleet.gateways.length;
	await Promise.all(
		fleet.gateways.map((gateway) =>
			until(`${count} instances, Redis ${redis}`, async () => {
				const { text } = await gateway.get("/health/ready");
				return text.includes(`"redis":"${redis}"`) && text.includes(`"instances":${count}`);
			}),
		),
	);
}

/** A counter or gauge without labels, over all instances. */
export async function metricOf(fleet: Fleet, name: string): Promise<number> {
	const pages = await Promise.all(fleet.gateways.map((gateway) => gateway.get("/metrics", gateway.masterKey)));
	return pages.reduce((sum, { text }) => sum + Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1] ?? 0), 0);
}

/** What instances had to decide without Redis: requests that waited in vain, and how often it was taken for gone. */
export async function alone(fleet: Fleet): Promise<{ readonly waits: number; readonly downs: number }> {
	const waits = await metricOf(fleet, "gateway_llm_redis_failures_total");
	const lines = fleet.gateways.flatMap((gateway) => gateway.logs());
	return { waits, downs: lines.filter(({ event }) => event === "redis_down").length };
}

/** A new key that every instance knows. */
export async function mintKnown(fleet: Fleet, settings: Readonly<Record<string, unknown>>): Promise<RigKey> {
	const key = await mintKey(fleet.next(), settings);
	await Promise.all(
		fleet.gateways.map((gateway) =>
			until("the key is known", async () => {
				const { status } = await gateway.get("/v1/me", key.secret);
				return status === 200 || (await Bun.sleep(300));
			}),
		),
	);
	return key;
}

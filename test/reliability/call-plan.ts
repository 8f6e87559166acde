import type { BookedCall } from "./ledger-upstream.ts";
import { createRandom, type Random } from "./random.ts";

export type Dialect = "openai" | "anthropic";

/** Dollars a million tokens, as the configuration writes them: decimal text, so that nothing is a float here. */
export interface Rates {
	readonly input: string;
	readonly cached: string;
	readonly written: string;
	readonly output: string;
}

/** How a call ends. Only what brings tokens is billed. */
export const FATES = {
	/** The whole answer. */
	answers: "billed",
	/** 500 with a JSON error. */
	errors: "free",
	/** 400: the request's own fault. */
	refuses: "free",
	/** RST instead of an answer. */
	resets: "free",
	/** FIN instead of an answer. */
	hangs_up: "free",
	/** A head, and for streams a role, then FIN: nothing of use. */
	falls_silent: "free",
	/** FIN in the middle of a stream (billed as far as it came) or of a whole answer (of no use to anybody: free). */
	breaks_off: "partly",
} as const;
export type Fate = keyof typeof FATES;

/** What calls meet. */
export interface Mood {
	readonly fates: Readonly<Partial<Record<Fate, number>>>;
	/** Before the first byte. */
	readonly delayMs: readonly [min: number, max: number];
	/** A stream's duration beyond that. */
	readonly streamMs: readonly [min: number, max: number];
	/** Output tokens; the call's own bound is kept besides. */
	readonly tokens: readonly [min: number, max: number];
	/** Share of calls that produce all they may. */
	readonly greedy?: number;
}

export interface CallPlan {
	readonly fate: Fate;
	readonly delayMs: number;
	readonly streamMs: number;
	readonly stream: boolean;
	/** As many pieces as output tokens. */
	readonly words: readonly string[];
	/** Pieces sent before the connection breaks off. */
	readonly sent: number;
	/** What a whole answer reports. */
	readonly usage: {
		readonly prompt: number;
		readonly cached: number;
		readonly written: number;
		readonly completion: number;
	};
	readonly booked: Omit<BookedCall, "request_id" | "call" | "model" | "at_ms">;
}

const VOCABULARY = "the of a ship sea wind over under long and green hill that went home with rain on stone".split(" ");

export function planCall(
	body: Readonly<Record<string, unknown>>,
	facts: { readonly seed: number; readonly repeated: number; readonly rates: Rates; readonly mood: Mood },
): CallPlan {
	const { mood } = facts;
	const text = textsIn([body.system, body.messages]).join(" ");
	const name = `${String(body.model)} ${facts.repeated} ${text}`;
	const random = createRandom(Bun.hash.wyhash(name, BigInt(facts.seed)));
	const stream = body.stream === true;
	const bound = numberIn(body.max_completion_tokens) ?? numberIn(body.max_tokens);
	const fate = random.weighted({ ...NO_FATES, ...mood.fates });
	const prompt = Math.max(1, text.split(/\s+/).filter((word) => word !== "").length);
	const asked = Math.min(random.int(...mood.tokens), bound ?? Number.POSITIVE_INFINITY);
	const completion = Math.max(1, bound !== undefined && random.chance(mood.greedy ?? 0) ? bound : asked);
	const cached = random.chance(0.3) ? random.int(0, prompt) : 0;
	const written = body.system !== undefined || random.chance(0.2) ? random.int(0, prompt - cached) : 0;
	const sent = fate === "breaks_off" ? random.int(1, Math.max(1, completion - 1)) : completion;
	const usage = { prompt, cached, written: isAnthropic(body) ? written : 0, completion };
	const billed = billedOf(fate, stream, usage, sent);
	const nano = costNano(billed, facts.rates);
	return {
		fate,
		delayMs: random.int(...mood.delayMs),
		streamMs: stream ? random.int(...mood.streamMs) : 0,
		stream,
		words: Array.from({ length: completion }, () => `${random.pick(VOCABULARY)} `),
		sent,
		usage,
		booked: {
			stream,
			fate,
			prompt_tokens: billed.prompt,
			cached_tokens: billed.cached,
			written_tokens: billed.written,
			completion_tokens: billed.completion,
			max_tokens: bound,
			cost_nano: nano,
			cost_usd: dollars(nano),
		},
	};
}

const NO_FATES: Readonly<Record<Fate, number>> = {
	answers: 0,
	errors: 0,
	refuses: 0,
	resets: 0,
	hangs_up: 0,
	falls_silent: 0,
	breaks_off: 0,
};
const NOTHING = { prompt: 0, cached: 0, written: 0, completion: 0 };

function billedOf(fate: Fate, stream: boolean, usage: CallPlan["usage"], sent: number): CallPlan["usage"] {
	switch (FATES[fate]) {
		case "billed":
			return usage;
		case "free":
			return NOTHING;
		case "partly":
			return stream ? { ...usage, completion: sent } : NOTHING;
	}
}

/** Rounded up once, to the nano-dollar: the rule of the owner's page, worked out in whole numbers. */
export function costNano(tokens: CallPlan["usage"], rates: Rates): number {
	const fresh = tokens.prompt - tokens.cached - tokens.written;
	const micro =
		BigInt(fresh) * nanoPerMillion(rates.input) +
		BigInt(tokens.cached) * nanoPerMillion(rates.cached) +
		BigInt(tokens.written) * nanoPerMillion(rates.written) +
		BigInt(tokens.completion) * nanoPerMillion(rates.output);
	return Number((micro + 999_999n) / 1_000_000n);
}

/** "0.15" → 150,000,000: decimal text shifted by nine places. */
function nanoPerMillion(rate: string): bigint {
	const [whole = "0", fraction = ""] = rate.split(".");
	return BigInt(`${whole}${fraction.padEnd(9, "0")}`);
}

export function dollars(nano: number): string {
	const digits = String(nano).padStart(10, "0");
	return `${digits.slice(0, -9)}.${digits.slice(-9)}`;
}

/** Prompts to send: words of one token each, and a number that makes each prompt its own. */
export function promptOf(random: Random, words: number): string {
	return `${random.int(0, 2 ** 40)} ${Array.from({ length: words }, () => random.pick(VOCABULARY)).join(" ")}`;
}

function isAnthropic(body: Readonly<Record<string, unknown>>): boolean {
	return String(body.model).startsWith("claude");
}

function numberIn(value: unknown): number | undefined {
	return typeof value === "number" ? value : undefined;
}

/** Every text of a prompt, however deep: strings under `content` and `text`, not roles and types. */
function textsIn(value: unknown): string[] {
	if (typeof value === "string") {
		return [value];
	}
	if (Array.isArray(value)) {
		return value.flatMap(textsIn);
	}
	if (typeof value === "object" && value !== null) {
		return ["content", "text"].flatMap((name) => textsIn((value as Record<string, unknown>)[name]));
	}
	return [];
}

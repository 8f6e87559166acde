import type { Chance } from "./routing-chance.ts";
import type { MoodSpan } from "./routing-scenario.ts";

/** What comes of one call, decided when it arrives. Times are from one piece to the next. */
export interface Fate {
	/** Never, where it is infinite. */
	readonly headAfterMs: number;
	/** The connection fails with this code in place of a head. */
	readonly rejects?: string | undefined;
	readonly status: number;
	readonly headers: Readonly<Record<string, string>>;
	readonly pieces: readonly { readonly afterMs: number; readonly text: string; readonly isContent: boolean }[];
	/** How the body ends. A hang ends when the gateway gives up. */
	readonly ending: "close" | "reset" | "hang";
	/** An answer that is all there, to the protocol's own end. */
	readonly isWhole: boolean;
	/** Of the answer, where it is one; `isTold`: with the provider's own count. */
	readonly tokens: number;
	readonly isTold: boolean;
	/** A rate limit that is told with it, as the gateway is to understand it. */
	readonly cooldownMs?: number | undefined;
	readonly coolsUntilWallMs?: number | undefined;
}

/** What the gateway asked of a provider. */
export interface Asked {
	readonly callId: number;
	readonly stream: boolean;
	readonly maxTokens: number;
	readonly kind: "fine" | "bad" | "long";
	readonly isSmall: boolean;
	readonly headMs: number;
	readonly gapMs: number;
	readonly wallMs: number;
	readonly isStaleable: boolean;
}

const JSON_TYPE = { "content-type": "application/json" };
const SSE_TYPE = { "content-type": "text/event-stream" };
/** What every answer counts of a prompt. */
export const PROMPT_TOKENS = 3;
const QUOTA_COOLDOWN_MS = 300_000;

/** The text that a call answers with: nobody else's looks like it. */
export function contentOf(callId: number, tokens: number): string {
	return Array.from({ length: tokens }, (_, index) => `${callId}.${index} `).join("");
}

export function fateOf({ mood, share, retryAfter }: MoodSpan, asked: Asked, chance: Chance): Fate {
	if (mood === "unreachable" || mood === "refusing") {
		return mood === "refusing"
			? refusal("ECONNREFUSED", 1)
			: { ...answer(asked, chance), headAfterMs: Number.POSITIVE_INFINITY };
	}
	if (asked.kind === "bad" && mood === "well") {
		return whole(400, { error: { message: "unknown parameter", type: "invalid_request_error" } }, asked);
	}
	if (asked.kind === "long" && asked.isSmall && mood === "well") {
		const message = "This model's maximum context length is 4000 tokens.";
		return whole(400, { error: { message, type: "invalid_request_error", code: "context_length_exceeded" } }, asked);
	}
	if (mood === "well" || !chance.of(share)) {
		return asked.isStaleable && chance.of(0.08) ? refusal("ECONNRESET", 1) : answer(asked, chance);
	}
	switch (mood) {
		case "slow":
			return { ...answer(asked, chance), headAfterMs: 1_000 + chance.real() * 40_000 };
		case "resetting":
			return refusal("ECONNRESET", chance.pick([0, 3, 700, 3_000]));
		case "erring":
			return whole(chance.pick([500, 502, 503, 529, 408]), { error: { message: "broken" } }, asked);
		case "limiting":
			return limited(retryAfter, asked);
		case "hanging":
			return asked.stream && chance.of(0.5)
				? { ...answer(asked, chance), pieces: [], ending: "hang", isWhole: false }
				: { ...answer(asked, chance), headAfterMs: Number.POSITIVE_INFINITY };
		case "babbling":
			return babble(asked, chance);
		case "breaking":
			return broken(asked, chance);
		case "locked":
			return whole(chance.pick([401, 403]), { error: { message: "no such key" } }, asked);
		default:
			return mood satisfies never;
	}
}

const NOTHING: Fate = {
	headAfterMs: Number.POSITIVE_INFINITY,
	status: 0,
	headers: {},
	pieces: [],
	ending: "reset",
	isWhole: false,
	tokens: 0,
	isTold: false,
};

function refusal(code: string, afterMs: number): Fate {
	return { ...NOTHING, headAfterMs: afterMs, rejects: code };
}

function whole(status: number, body: unknown, { headMs }: Asked, more: Readonly<Record<string, string>> = {}): Fate {
	const text = JSON.stringify(body);
	return {
		...NOTHING,
		headAfterMs: headMs,
		status,
		headers: { ...JSON_TYPE, "content-length": String(text.length), ...more },
		pieces: [{ afterMs: 0, text, isContent: false }],
		ending: "close",
	};
}

function answer(asked: Asked, chance: Chance): Fate {
	const tokens = Math.min(asked.maxTokens, chance.int(1, 4));
	const counts = { prompt_tokens: PROMPT_TOKENS, completion_tokens: tokens, total_tokens: PROMPT_TOKENS + tokens };
	// Some providers count nothing.
	const isTold = chance.of(0.92);
	const usage = isTold ? { usage: counts } : {};
	if (!asked.stream) {
		const message = { role: "assistant", content: contentOf(asked.callId, tokens) };
		const choices = [{ index: 0, message, finish_reason: "stop" }];
		return { ...whole(200, { object: "chat.completion", choices, ...usage }, asked), isWhole: true, tokens, isTold };
	}
	const content = Array.from({ length: tokens }, (_, index) => ({
		afterMs: asked.gapMs,
		text: event({ choices: [{ index: 0, delta: { content: `${asked.callId}.${index} ` } }] }),
		isContent: true,
	}));
	const last = [
		event({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] }),
		...(isTold ? [event({ choices: [], ...usage })] : []),
		"data: [DONE]\n\n",
	].join("");
	const role = event({ choices: [{ index: 0, delta: { role: "assistant", content: "" } }] });
	return {
		headAfterMs: asked.headMs,
		status: 200,
		headers: SSE_TYPE,
		pieces: [
			{ afterMs: 0, text: role, isContent: false },
			...content,
			{ afterMs: asked.gapMs, text: last, isContent: false },
		],
		ending: "close",
		isWhole: true,
		tokens,
		isTold,
	};
}

function event(data: unknown): string {
	return `data: ${JSON.stringify(data)}\n\n`;
}

function limited({ form, ms }: MoodSpan["retryAfter"], asked: Asked): Fate {
	const clamped = Math.min(60_000, Math.max(1_000, ms));
	const error = { message: "slow down", type: form === "quota" ? "insufficient_quota" : "rate_limit_error" };
	const limit = (cooldownMs: number, headers: Readonly<Record<string, string>> = {}): Fate => ({
		...whole(429, { error }, asked, headers),
		cooldownMs,
	});
	switch (form) {
		case "seconds":
			return limit(clamped, { "retry-after": String(ms / 1_000) });
		case "date": {
			// Dates have whole seconds.
			const untilMs = Math.ceil((asked.wallMs + ms) / 1_000) * 1_000;
			return { ...limit(0, { "retry-after": new Date(untilMs).toUTCString() }), coolsUntilWallMs: untilMs };
		}
		case "ms":
			return limit(clamped, { "retry-after-ms": String(ms) });
		case "none":
			return limit(5_000);
		case "quota":
			return limit(QUOTA_COOLDOWN_MS);
		default:
			return form satisfies never;
	}
}

/** An answer that is none: a page, half an object, an error that is called a success, a stream of nothing. */
function babble(asked: Asked, chance: Chance): Fate {
	const page = { ...whole(200, "<html>", asked), headers: { "content-type": "text/html" } };
	if (!asked.stream) {
		const half = '{"object":"chat.completion","choi';
		return chance.pick<Fate>([
			page,
			{ ...page, headers: JSON_TYPE, pieces: [{ afterMs: 0, text: half, isContent: false }] },
			whole(200, { error: { message: "overloaded", code: 529 } }, asked),
		]);
	}
	const stream = (text: string): Fate => ({
		...page,
		headers: SSE_TYPE,
		pieces: text === "" ? [] : [{ afterMs: 0, text, isContent: false }],
	});
	return chance.pick<Fate>([
		page,
		stream("data: nonsense\n\n".repeat(5)),
		stream(event({ error: { message: "overloaded", code: 529 } })),
		stream(""),
		whole(200, { object: "chat.completion", choices: [] }, asked),
	]);
}

/** Breaks off where the dice say: before the first token, or after some. Whole answers break in their middle. */
function broken(asked: Asked, chance: Chance): Fate {
	const fate = answer(asked, chance);
	const ending = chance.pick<Fate["ending"]>(["close", "reset", "hang"]);
	if (!asked.stream) {
		const pieces = fate.pieces.map((piece) => ({ ...piece, text: piece.text.slice(0, 20) }));
		return { ...fate, headers: JSON_TYPE, pieces, ending, isWhole: false };
	}
	const kept = fate.pieces.slice(0, chance.int(0, fate.pieces.length - 1));
	const told = chance.of(0.2) && ending === "close";
	const last = { afterMs: 1, text: event({ error: { message: "went away", code: 500 } }), isContent: false };
	return { ...fate, pieces: told ? [...kept, last] : kept, ending, isWhole: false };
}

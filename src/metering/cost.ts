import type { NanoUsd } from "../lib/money.ts";
import { NO_USAGE, promptTokens, type Usage } from "../lib/usage.ts";
import type { PriceSheet, Rates } from "./types.ts";

/** What can be known of a request's cost before it is sent. The dearer ways to use a model count where it asks for them. */
export interface CostBound {
	/** An upper bound of the prompt's tokens. */
	readonly promptTokensMax: number;
	/** How many answers are asked for. */
	readonly choices: number;
	/** Non-token quantities known from the request. */
	readonly quantities: Partial<Pick<Usage, "images" | "seconds" | "characters">>;
	/** The prompt holds audio, or the answer is to be spoken. */
	readonly hearsAudio?: boolean;
	/** The prompt holds images. */
	readonly seesImages?: boolean;
	/** A part of the prompt is marked to be cached for an hour. */
	readonly cachesForAnHour?: boolean;
	/** Web searches that the provider's own tool may run. */
	readonly searchesMax?: number;
	readonly sheet: PriceSheet;
}

/** One picture of gpt-image-1 at its dearest (6,240 tokens) and three partial ones (100 each); Gemini's take less than half. */
const DRAWN_TOKENS_MAX = 6_540;
const MILLION = 1_000_000n;
const SAFE_MAX = BigInt(Number.MAX_SAFE_INTEGER);

/**
 * What an attempt cost, to the nano-dollar: the sum of all buckets at the tier of its prompt, rounded up once.
 * Counts that are no positive numbers (a provider's nonsense) cost nothing.
 */
export function costOf(usage: Usage, sheet: PriceSheet): NanoUsd {
	const rates = ratesFor(sheet, promptTokens(usage));
	const micro =
		per(usage.input, rates.inputPerMillion) +
		per(usage.cacheRead, rates.cachedInputPerMillion ?? rates.inputPerMillion) +
		per(usage.cacheWrite, rates.cacheWritePerMillion ?? rates.inputPerMillion) +
		per(usage.cacheWriteHour, rates.cacheWriteHourPerMillion ?? rates.cacheWritePerMillion ?? rates.inputPerMillion) +
		per(usage.audioInput, rates.audioInputPerMillion ?? rates.inputPerMillion) +
		per(usage.imageInput, rates.imageInputPerMillion ?? rates.inputPerMillion) +
		per(usage.output, rates.outputPerMillion) +
		per(usage.reasoning, rates.reasoningPerMillion ?? rates.outputPerMillion) +
		per(usage.audioOutput, rates.audioOutputPerMillion ?? rates.outputPerMillion) +
		per(usage.imageOutput, rates.imageOutputPerMillion ?? rates.outputPerMillion) +
		searchesMicro(usage.searches, rates) +
		quantitiesMicro(usage, rates);
	return roundedUp(micro);
}

/**
 * The most an attempt can cost: every prompt token at the dearest of input, cached and cache write, every output token
 * at the dearest of text, reasoning, audio and images (which only models that draw have a price for), in the dearest
 * tier the prompt can reach. Audio and images in, caching for an hour and searches are dearer still: they count only
 * where the request asks for them.
 */
export function worstCaseOf(request: CostBound & { readonly outputTokensMax: number }): NanoUsd {
	return roundedUp(fixedMicro(request) + wholeCount(request.outputTokensMax) * outputMicro(request));
}

/** Answers are mostly shorter than they may be: what an answer without a bound is taken for when prices are compared. */
const ANSWER_TOKENS_USUAL = 500;

/** What a request may be expected to cost, to compare deployments by: never to charge, never to reserve. */
export function expectedCostOf(
	request: Pick<CostBound, "promptTokensMax" | "choices" | "quantities" | "sheet"> & {
		/** 0 where nothing is generated. */
		readonly outputTokensMax: number | undefined;
		/** Of the prompt, those that the provider has in its cache. */
		readonly cachedTokens?: number;
	},
): NanoUsd {
	const {
		promptTokensMax,
		choices,
		quantities,
		sheet,
		outputTokensMax = ANSWER_TOKENS_USUAL,
		cachedTokens = 0,
	} = request;
	const output = Math.min(outputTokensMax, ANSWER_TOKENS_USUAL) * choices;
	return costOf(
		{ ...NO_USAGE, ...quantities, input: promptTokensMax - cachedTokens, cacheRead: cachedTokens, output },
		sheet,
	);
}

/**
 * The largest bound on output tokens (for each choice) whose worst case fits into an amount; 0 if none does,
 * Number.MAX_SAFE_INTEGER where output costs nothing.
 */
export function affordableOutputTokens(request: CostBound & { readonly availableNano: NanoUsd }): number {
	const left = wholeCount(request.availableNano) * MILLION - fixedMicro(request);
	const each = outputMicro(request);
	if (left < 0n) {
		return 0;
	}
	if (each === 0n) {
		return Number.MAX_SAFE_INTEGER;
	}
	const tokens = left / each;
	return Number(tokens < SAFE_MAX ? tokens : SAFE_MAX);
}

/**
 * Whether a sheet has a price for what this request will be billed by: characters to speak need a price by the
 * character; images and seconds one of their own or one by tokens, since such answers report tokens.
 * Where it has none, the attempt would be silently free: treat the deployment as unpriced for it.
 */
export function pricesQuantities(quantities: CostBound["quantities"], { base, version }: PriceSheet): boolean {
	if (version === "free") {
		return true;
	}
	const byTokens = base.inputPerMillion > 0 || base.outputPerMillion > 0;
	return (
		(wholeCount(quantities.characters) === 0n || base.charactersPerMillion !== undefined) &&
		(wholeCount(quantities.images) === 0n || base.perImage !== undefined || byTokens) &&
		(wholeCount(quantities.seconds) === 0n || base.perSecond !== undefined || byTokens)
	);
}

/** Millionths of a nano-dollar that do not depend on the answer's length. */
function fixedMicro(request: CostBound): bigint {
	const { promptTokensMax, quantities, searchesMax, sheet } = request;
	let worst = 0n;
	for (const rates of reachable(sheet, promptTokensMax)) {
		const micro =
			per(promptTokensMax, dearestInput(rates, request)) +
			searchesMicro(searchesMax, rates) +
			drawnMicro(quantities.images, rates) +
			quantitiesMicro(quantities, rates);
		worst = micro > worst ? micro : worst;
	}
	return worst;
}

/** Pictures asked for from a model that bills their tokens: their request has no bound on those. */
function drawnMicro(images: number | undefined, rates: Rates): bigint {
	const dearest = Math.max(rates.outputPerMillion, rates.imageOutputPerMillion ?? 0);
	return rates.perImage === undefined ? wholeCount(images) * per(DRAWN_TOKENS_MAX, dearest) : 0n;
}

function dearestInput(rates: Rates, asked: CostBound): NanoUsd {
	return Math.max(
		rates.inputPerMillion,
		rates.cachedInputPerMillion ?? 0,
		rates.cacheWritePerMillion ?? 0,
		asked.cachesForAnHour === true ? (rates.cacheWriteHourPerMillion ?? 0) : 0,
		asked.hearsAudio === true ? (rates.audioInputPerMillion ?? 0) : 0,
		asked.seesImages === true ? (rates.imageInputPerMillion ?? 0) : 0,
	);
}

/** The same for one output token of each choice. */
function outputMicro({ promptTokensMax, choices, sheet }: CostBound): bigint {
	let dearest = 0;
	for (const rates of reachable(sheet, promptTokensMax)) {
		dearest = Math.max(
			dearest,
			rates.outputPerMillion,
			rates.reasoningPerMillion ?? 0,
			rates.audioOutputPerMillion ?? 0,
			rates.imageOutputPerMillion ?? 0,
		);
	}
	return BigInt(dearest) * wholeCount(choices);
}

function quantitiesMicro({ images, seconds, characters }: CostBound["quantities"], rates: Rates): bigint {
	// Seconds may have a fraction: they are counted in whole milliseconds.
	const milliseconds = wholeCount((seconds ?? 0) * 1_000);
	return (
		wholeCount(images) * BigInt(rates.perImage ?? 0) * MILLION +
		milliseconds * BigInt(rates.perSecond ?? 0) * 1_000n +
		per(characters, rates.charactersPerMillion ?? 0) +
		BigInt(rates.perRequest ?? 0) * MILLION
	);
}

function searchesMicro(searches: number | undefined, rates: Rates): bigint {
	return wholeCount(searches) * BigInt(rates.perSearch ?? 0) * MILLION;
}

function ratesFor(sheet: PriceSheet, tokens: number): Rates {
	return sheet.tiers.findLast((tier) => tokens >= tier.fromPromptTokens)?.rates ?? sheet.base;
}

function reachable(sheet: PriceSheet, tokensMax: number): readonly Rates[] {
	const tiers = sheet.tiers.filter((tier) => tokensMax >= tier.fromPromptTokens);
	return [sheet.base, ...tiers.map((tier) => tier.rates)];
}

/** Millionths of a nano-dollar. */
function per(count: number | undefined, ratePerMillion: NanoUsd): bigint {
	return wholeCount(count) * BigInt(ratePerMillion);
}

function wholeCount(count: number | undefined): bigint {
	return count !== undefined && count > 0 && Number.isFinite(count) ? BigInt(Math.ceil(count)) : 0n;
}

function roundedUp(micro: bigint): NanoUsd {
	const nano = (micro + MILLION - 1n) / MILLION;
	return Number(nano < SAFE_MAX ? nano : SAFE_MAX);
}

import type { Deployment } from "../config/types.ts";
import { billedExtras, providerTools } from "../dialects/billed-extras.ts";
import { IMAGE_TOKENS_MAX } from "../dialects/prompt-size.ts";
import { isJsonObject } from "../lib/json-types.ts";
import type { NanoUsd } from "../lib/money.ts";
import { affordableOutputTokens, worstCaseOf } from "../metering/cost.ts";
import { unseenTokensMax } from "../metering/unseen-tokens.ts";
import type { Admitted, GatewayDeps } from "./types.ts";

/** What an attempt may cost at most, and the bound on output tokens that keeps it there. */
export interface Terms {
	readonly reservedNano: NanoUsd;
	/** Output tokens of one answer that are in it. */
	readonly outputTokensMax: number;
	/** Output bound to send upstream in place of the client's; undefined = the client's bytes already keep to it. */
	readonly outputTokensClamp: number | undefined;
}

/** Reserved for an answer whose length neither the client, the configuration nor the catalogue bounds. */
const OUTPUT_TOKENS_DEFAULT = 4_096;
/** OpenAI's legacy completions stop here when `max_tokens` is absent. */
const COMPLETION_TOKENS_DEFAULT = 16;
/** An answer clamped below this is of no use: the budget is spent. */
const OUTPUT_TOKENS_MIN = 16;

/**
 * Prices the worst case of one attempt. A client's own bound is kept (an attempt that does not fit is not made); where
 * it gave none, a key with a budget gets the model's cap or what is left, whichever is less, and the bound is sent along.
 * @param leftNano What a refusal said was left; undefined = nobody was refused, and what is known here counts alone.
 */
export function termsOf(admitted: Admitted, deployment: Deployment, deps: GatewayDeps, leftNano?: NanoUsd): Terms {
	const { envelope, budgets } = admitted;
	const sheet = deployment.price;
	const cap = outputTokensCap(admitted, deployment);
	if (sheet === undefined) {
		return { reservedNano: 0, outputTokensMax: cap, outputTokensClamp: undefined };
	}
	const bound = {
		promptTokensMax: promptTokensBound(admitted, deployment),
		choices: envelope.choices,
		quantities: envelope.quantities,
		hearsAudio: envelope.needs.audio,
		seesImages: envelope.promptImages > 0,
		...billedExtras(admitted.body),
		sheet,
	};
	const worst = (outputTokensMax: number) => worstCaseOf({ ...bound, outputTokensMax });
	const knownNano = deps.accounts.budgets.available(budgets);
	const availableNano = knownNano === undefined ? undefined : Math.min(knownNano, leftNano ?? knownNano);
	if (availableNano === undefined || !envelope.generates) {
		return { reservedNano: worst(cap), outputTokensMax: cap, outputTokensClamp: undefined };
	}
	if (envelope.maxOutputTokens !== undefined) {
		return {
			reservedNano: worst(cap),
			outputTokensMax: cap,
			outputTokensClamp: cap < envelope.maxOutputTokens ? cap : undefined,
		};
	}
	const affordable = affordableOutputTokens({ ...bound, availableNano });
	const clamp = Math.min(cap, Math.max(affordable, OUTPUT_TOKENS_MIN));
	return { reservedNano: worst(clamp), outputTokensMax: clamp, outputTokensClamp: clamp };
}

/** What a model may be given at most when a part of the prompt is kept by the provider and nobody says how large it is. */
const CONTEXT_TOKENS_DEFAULT = 200_000;

/**
 * The request's own text and what is added to it unseen; the whole context of the model where the provider adds a stored
 * conversation or prompt.
 */
function promptTokensBound({ envelope, body }: Admitted, deployment: Deployment): number {
	const { promptTokensMax, promptImages, promptFileTokens, needs, previousResponseId } = envelope;
	const json = body.kind === "json" ? body.json : {};
	if (previousResponseId !== undefined || isJsonObject(json.prompt)) {
		return Math.max(promptTokensMax, deployment.maxContextTokens ?? CONTEXT_TOKENS_DEFAULT);
	}
	const unseen = {
		model: deployment.model,
		hasTools: needs.tools || isJsonObject(json.web_search_options),
		providerTools: providerTools(json),
		images: promptImages,
	};
	// However much it adds, no more than the whole context is read.
	const context = deployment.maxContextTokens ?? (promptFileTokens > 0 ? CONTEXT_TOKENS_DEFAULT : undefined);
	const most = Math.max(promptTokensMax, context ?? Number.POSITIVE_INFINITY);
	return Math.min(most, promptTokensMax + promptFileTokens + unseenTokensMax(unseen, IMAGE_TOKENS_MAX));
}

function outputTokensCap(admitted: Admitted, deployment: Deployment): number {
	const { envelope, ingress } = admitted;
	if (!envelope.generates) {
		return 0;
	}
	const modelCap = deployment.maxOutputTokens;
	if (envelope.maxOutputTokens !== undefined) {
		return Math.min(envelope.maxOutputTokens, modelCap ?? Number.POSITIVE_INFINITY);
	}
	return ingress.operation === "completions" ? COMPLETION_TOKENS_DEFAULT : (modelCap ?? OUTPUT_TOKENS_DEFAULT);
}

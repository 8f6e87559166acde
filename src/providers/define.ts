import { OPERATIONS, type OperationId } from "../dialects/types.ts";
import type { PriceSheet } from "../metering/types.ts";
import type { EndpointParts, Provider, Quirks } from "./types.ts";

/** OpenAI's own paths below the base URL: what a provider offers unless it says otherwise. */
const OPENAI_PATHS: Readonly<Record<OperationId, string>> = {
	chat: "/chat/completions",
	responses: "/responses",
	completions: "/completions",
	embeddings: "/embeddings",
	moderations: "/moderations",
	"images.generations": "/images/generations",
	"images.edits": "/images/edits",
	"audio.transcriptions": "/audio/transcriptions",
	"audio.translations": "/audio/translations",
	"audio.speech": "/audio/speech",
};

/** What a provider's file says; whatever it leaves out is as at OpenAI. */
export interface ProviderDefinition {
	readonly id: string;
	readonly title: string;
	/** Left out: the deployment must set `base_url`. */
	readonly baseUrl?: string;
	/** Default: no. */
	readonly local?: boolean;
	readonly apiKeyEnv?: string;
	/** Default: yes, unless the provider is local. */
	readonly keyRequired?: boolean;
	readonly operations: readonly OperationId[] | "all";
	/** Paths that differ from OpenAI's. */
	readonly paths?: Readonly<Partial<Record<OperationId, string>>>;
	/** Default: no. */
	readonly storedResponses?: boolean;
	readonly url?: (endpoint: EndpointParts, path: string) => string;
	readonly auth?: (apiKey: string | undefined) => Readonly<Record<string, string>>;
	/** Default: `max_tokens`, and usage on request by `stream_options`. */
	readonly quirks?: Partial<Quirks>;
	readonly priceCatalogue?: string;
	/** Default: no. */
	readonly free?: boolean;
	readonly builtInPrice?: PriceSheet;
	/** Default: every name may be a model. */
	readonly checkModel?: (model: string) => string | undefined;
	readonly currentModels?: readonly string[];
}

/** Completes a definition into a frozen provider. */
export function defineProvider(definition: ProviderDefinition): Provider {
	const local = definition.local ?? false;
	return Object.freeze({
		id: definition.id,
		title: definition.title,
		baseUrl: definition.baseUrl,
		local,
		apiKeyEnv: definition.apiKeyEnv,
		keyRequired: definition.keyRequired ?? !local,
		operations: operationPaths(definition),
		storedResponses: definition.storedResponses ?? false,
		url: definition.url ?? joinUrl,
		auth: definition.auth ?? bearer,
		quirks: Object.freeze({ maxTokensField: "max_tokens", streamUsage: "stream_options", ...definition.quirks }),
		priceCatalogue: definition.priceCatalogue,
		free: definition.free ?? false,
		builtInPrice: definition.builtInPrice,
		checkModel: definition.checkModel ?? (() => undefined),
		currentModels: Object.freeze([...(definition.currentModels ?? [])]),
	});
}

function operationPaths(definition: ProviderDefinition): Provider["operations"] {
	const offered = definition.operations === "all" ? OPERATIONS : definition.operations;
	const paths: Partial<Record<OperationId, string>> = {};
	for (const operation of offered) {
		paths[operation] = definition.paths?.[operation] ?? OPENAI_PATHS[operation];
	}
	return Object.freeze(paths);
}

/** As OpenAI's SDKs do: the base URL is a prefix, with or without `/v1`. */
function joinUrl(endpoint: EndpointParts, path: string): string {
	return `${endpoint.baseUrl}${path}`;
}

function bearer(apiKey: string | undefined): Readonly<Record<string, string>> {
	return apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
}
